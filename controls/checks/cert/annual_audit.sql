-- Population: the newest audit with a report that was independent and covered the management system; where none was, the
-- newest. Its findings must be in the register, each with owner and date.
WITH audited AS (
  SELECT
    a.*,
    row_number() OVER (
      ORDER BY (a.report_at <= $as_of) IS NOT TRUE, a.is_independent IS FALSE OR a.covers_isms IS FALSE, a.report_at DESC NULLS LAST, a.engagement DESC
    ) AS place
  FROM audit_engagement AS a
  WHERE folded(a.engagement_kind) IN ('internal_audit', 'security_audit')
), tracked AS (
  SELECT
    folded(f.engagement) AS of_engagement, count(*) AS findings, min(f.entry) AS entry,
    count(*) FILTER (WHERE nullif(folded(f.owner), '') IS NULL OR f.due_at IS NULL) AS loose
  FROM audit_finding AS f
  GROUP BY folded(f.engagement)
)
SELECT
  a.engagement AS resource,
  [a.entry, t.entry] AS entry,
  CASE
    WHEN a.report_at < $as_of - days($max_days)
      THEN fail('too_old', concat('the report of ', a.engagement, ' is of ', strftime(a.report_at, '%Y-%m-%d')))
    WHEN a.is_independent IS FALSE
      THEN fail('not_independent', concat('those who did ', a.engagement, ' audited own work'))
    WHEN a.covers_isms IS FALSE
      THEN fail('too_narrow', concat(a.engagement, ' did not cover the management system'))
    WHEN a.report_at <= $as_of AND a.findings > coalesce(t.findings, 0)
      THEN fail('not_tracked', concat('the report of ', a.engagement, ' has ', a.findings, ' finding(s), the register ', coalesce(t.findings, 0)))
    WHEN a.report_at <= $as_of AND a.is_independent IS TRUE AND a.covers_isms IS TRUE AND a.report_ref <> '' AND a.findings >= 0
         AND coalesce(t.loose, 0) = 0  -- null: the left join found no finding, and the report has none
      THEN pass('done', concat('the report of ', a.engagement, ' is of ', strftime(a.report_at, '%Y-%m-%d'), '; ', a.findings, ' finding(s), all tracked'))
    ELSE unknown('not_filled', concat(a.engagement, ': report, independence, scope, number of findings, or owner and date of a finding is not filled in'))
  END AS result
FROM audited AS a
LEFT JOIN tracked AS t ON t.of_engagement = folded(a.engagement)
WHERE a.place = 1
