-- Population: the newest report that was not withdrawn. Findings of SOC 2 that are overdue keep it from passing.
WITH report AS (
  SELECT c.*, row_number() OVER (ORDER BY c.period_end DESC NULLS LAST, c.certificate DESC) AS place
  FROM certificate AS c
  WHERE c.certificate_kind = 'soc2_type2' AND (c.withdrawn_at <= $as_of) IS NOT TRUE
), undated AS (
  SELECT count(*) FILTER (WHERE r.period_start IS NULL OR r.period_end IS NULL) AS reports FROM report AS r
), followed AS (
  SELECT
    count(*) FILTER (
      WHERE folded(f.origin) = 'soc2' AND f.status = 'open' AND f.due_at < date_trunc('day', $as_of)
        AND (f.extended_to >= date_trunc('day', $as_of) AND f.extension_approved_at < date_trunc('day', f.due_at) + days(1)) IS NOT TRUE
    ) AS overdue,
    count(*) FILTER (WHERE f.status IS NULL OR (f.status = 'open' AND (f.due_at IS NULL OR nullif(folded(f.origin), '') IS NULL))) AS unclear,
    min(f.entry) AS entry
  FROM audit_finding AS f
  WHERE coalesce(nullif(folded(f.origin), ''), 'soc2') = 'soc2'
), judged AS (
  SELECT
    r.*, u.reports AS undated, f.overdue, f.unclear, f.entry AS finding_entry, b.entry AS before_entry, b.period_end AS before_end,
    CASE WHEN r.period_start <= b.period_end + days(1) THEN least(b.period_start, r.period_start) ELSE r.period_start END AS covered_from
  FROM report AS r
  LEFT JOIN report AS b ON b.place = 2
  LEFT JOIN undated AS u ON TRUE
  LEFT JOIN followed AS f ON TRUE
  WHERE r.place = 1
)
SELECT
  j.certificate AS resource,
  [j.entry, j.before_entry, j.finding_entry] AS entry,
  CASE
    WHEN j.undated = 0 AND j.period_end < $as_of - to_months(CAST($max_months AS INTEGER))
      THEN fail('too_old', concat('the period of ', j.certificate, ' ended on ', strftime(j.period_end, '%Y-%m-%d')))
    WHEN j.undated = 0 AND j.period_start > j.before_end + days(1)
      THEN fail('gap', concat(j.certificate, ' begins on ', strftime(j.period_start, '%Y-%m-%d'), '; the report before it ended on ',
                strftime(j.before_end, '%Y-%m-%d')))
    WHEN j.undated = 0 AND j.covered_from > j.period_end - days(364)
      THEN fail('too_short', concat('reports cover no whole year up to ', strftime(j.period_end, '%Y-%m-%d'), ', only from ',
                strftime(j.covered_from, '%Y-%m-%d')))
    WHEN j.is_qualified IS TRUE
      THEN fail('qualified', concat('the opinion of ', j.certificate, ' is qualified'))
    WHEN j.overdue > 0
      THEN fail('findings_overdue', concat(j.overdue, ' exception(s) of SOC 2 reports are open and overdue'))
    WHEN j.undated = 0 AND j.issued_at <= $as_of AND j.issued_at >= j.period_end AND j.is_qualified IS FALSE
         AND j.issuer <> '' AND j.unclear = 0
      THEN pass('covered', concat(j.certificate, ' by ', j.issuer, ' covers the time up to ', strftime(j.period_end, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(j.certificate, ': issuer, period, issue, opinion or follow-up of its exceptions is not filled in'))
  END AS result
FROM judged AS j
