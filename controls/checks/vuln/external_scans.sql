-- Population: every scope that was ever scanned from outside; a scope of which the type was never told counts as one.
WITH known AS (
  SELECT
    s.*, coalesce(trim(s.scope), 'no scope') AS label,
    list_contains($accepted_types, s.scan_type) AND s.passed AND s.run_at > $as_of - days($max_days) AND s.run_at <= $as_of AS good
  FROM scan_run AS s
  WHERE s.scan_type IS DISTINCT FROM 'internal'
), counted AS (
  SELECT
    k.label,
    -- same: any entry will do
    max_by(k.entry, k.run_at) FILTER (WHERE k.good IS TRUE) AS good_entry, max(k.entry) AS entry,
    -- same: days in words
    max(k.run_at) FILTER (WHERE k.good IS TRUE) AS good_at, max(k.run_at) FILTER (WHERE k.run_at <= $as_of) AS last_at,
    count(*) FILTER (WHERE k.good IS NULL) AS untold, count(*) FILTER (WHERE k.scope IS NULL) AS unnamed
  FROM known AS k
  GROUP BY k.label
), scopeless AS (
  SELECT count(*) AS n FROM known AS k WHERE k.scope IS NULL AND k.good IS NOT FALSE
)
SELECT
  c.label AS resource,
  [coalesce(c.good_entry, c.entry)] AS entry,
  CASE
    WHEN c.good_at IS NULL AND c.untold = 0 AND c.unnamed = 0 AND n.n = 0
      THEN fail('not_passed', concat(c.label, ': no scan of type ', array_to_string($accepted_types, ' or '), ' passed in ', $max_days, ' days; last scan from outside on ',
                -- same: words of the reason
                coalesce(strftime(c.last_at, '%Y-%m-%d'), 'no day')))
    WHEN c.good_at IS NOT NULL AND c.unnamed = 0
      THEN pass('passed', concat(c.label, ': a scan from outside passed on ', strftime(c.good_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(c.label, ': scope, type, date or result of a scan is not filled in'))
  END AS result
FROM counted AS c
-- same: always one row
LEFT JOIN scopeless AS n ON true
