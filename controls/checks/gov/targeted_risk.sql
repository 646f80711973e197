-- Population: each requirement whose frequency the organisation chooses; its newest analysis counts.
WITH chosen AS (
  SELECT unnest($requirements::VARCHAR[]) AS requirement
), register AS (
  SELECT min(t.entry) AS entry, count(*) FILTER (WHERE nullif(folded(t.requirement), '') IS NULL) AS unnamed FROM targeted_risk_analysis AS t
), newest AS (
  SELECT t.*
  FROM targeted_risk_analysis AS t
  QUALIFY row_number() OVER (PARTITION BY folded(t.requirement) ORDER BY t.reviewed_at DESC NULLS FIRST, t.analysis DESC) = 1
)
SELECT
  c.requirement AS resource,
  CASE WHEN n.entry IS NULL THEN r.entry ELSE n.entry END AS entry,
  CASE
    WHEN n.entry IS NULL AND r.unnamed = 0
      THEN fail('missing', concat('no analysis of how often ', c.requirement, ' is done'))
    WHEN n.reviewed_at < $as_of - days($max_days)
      THEN fail('too_old', concat(n.analysis, ' was last reviewed on ', strftime(n.reviewed_at, '%Y-%m-%d')))
    WHEN n.approved_at > $as_of
      THEN fail('not_approved', concat(n.analysis, ' is approved only on ', strftime(n.approved_at, '%Y-%m-%d')))
    WHEN n.reviewed_at <= $as_of AND n.approved_at <= $as_of AND n.approved_by <> '' AND n.frequency_days > 0
      THEN pass('reviewed', concat(n.analysis, ': every ', n.frequency_days, ' day(s), reviewed on ', strftime(n.reviewed_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat('for ', c.requirement, ' requirement, frequency, approval or review of an analysis is not filled in, or lies ahead'))
  END AS result
FROM chosen AS c
LEFT JOIN newest AS n ON folded(n.requirement) = c.requirement
LEFT JOIN register AS r ON TRUE
WHERE r.entry IS NOT NULL
