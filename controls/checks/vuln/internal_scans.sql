-- Population: every machine of the inventory, so that one which no scan ever reached shows. A run that does not say which
-- machines it reached may have reached any.
WITH run AS (
  SELECT
    s.*,
    s.scan_type = 'internal' AND s.authenticated AND s.passed AND s.open_critical = 0 AND s.open_high = 0
      AND s.run_at > $as_of - days($max_days) AND s.run_at <= $as_of AS good
  FROM scan_run AS s
), reached AS (
  SELECT r.entry, r.scan_type, r.run_at, r.good, folded(unnest(r.assets)) AS name FROM run AS r
), counted AS (
  SELECT
    a.source, a.asset,
    -- same: any entry will do
    max_by(h.entry, h.run_at) FILTER (WHERE h.good IS TRUE) AS good_entry, max(h.entry) AS entry,
    -- same: days in words
    max(h.run_at) FILTER (WHERE h.good IS TRUE) AS good_at, max(h.run_at) FILTER (WHERE h.scan_type = 'internal' AND h.run_at <= $as_of) AS last_at,
    count(h.name) FILTER (WHERE h.good IS NULL) AS untold
  FROM asset AS a
  LEFT JOIN reached AS h ON h.name IN (folded(a.asset), folded(a.hostname))
  GROUP BY a.source, a.asset
), open_run AS (
  SELECT count(*) AS n FROM run AS r WHERE r.assets IS NULL AND r.good IS NOT FALSE
)
SELECT
  concat(a.source, '/', coalesce(a.hostname, a.asset)) AS resource,
  -- same: without a good scan any entry will do
  [a.entry, coalesce(c.good_entry, c.entry)] AS entry,
  CASE
    WHEN list_contains($not_production, folded(a.environment))
      THEN not_applicable('other_environment', concat('belongs to ', a.environment))
    WHEN folded(a.environment) <> '' AND c.good_at IS NULL AND c.untold = 0 AND o.n = 0
      THEN fail('not_scanned', concat('no authenticated internal scan without critical or high findings in ', $max_days, ' days; last internal scan on ',
                -- same: words of the reason
                coalesce(strftime(c.last_at, '%Y-%m-%d'), 'no day')))
    WHEN folded(a.environment) <> '' AND c.good_at IS NOT NULL
      THEN pass('scanned', concat('an authenticated internal scan of ', strftime(c.good_at, '%Y-%m-%d'), ' left nothing critical or high open'))
    ELSE unknown('not_filled', 'the environment of the machine, or type, date, machines or result of a scan is not filled in')
  END AS result
FROM asset AS a
-- same: every machine has its row there
LEFT JOIN counted AS c ON c.source = a.source AND c.asset = a.asset
-- same: always one row
LEFT JOIN open_run AS o ON true
