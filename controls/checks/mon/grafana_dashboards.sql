-- Population: every service of the register. One dashboard kept as code is enough. That there is none is proven only where
-- every dashboard that was read lately says which services it shows.
WITH shown AS (
  SELECT
    s.source, s.service, s.environment, count(d.entry) AS dashboards,
    count(*) FILTER (WHERE d.as_code IS TRUE) AS as_code, count(*) FILTER (WHERE d.as_code IS FALSE) AS by_hand,
    -- same: any entry will do, and the example stands in the reason only
    min(s.entry) AS entry, max(CASE WHEN d.as_code THEN d.entry END) AS good_entry, min(CASE WHEN d.as_code THEN d.dashboard END) AS example
  FROM service AS s
  LEFT JOIN dashboard AS d ON list_has_any(d.services, [s.service, '*'])
  GROUP BY s.source, s.service, s.environment
), all_of_them AS (
  SELECT count(*) AS n, count(d.services) AS told, min(d.collected_at) AS read_at FROM dashboard AS d
)
SELECT
  concat(s.source, '/', s.service) AS resource,
  [s.entry, s.good_entry] AS entry,
  CASE
    WHEN list_contains($not_production, lower(s.environment))
      THEN not_applicable('not_production', concat(s.service, ' is declared to be ', s.environment))
    WHEN s.dashboards > 0 AND s.by_hand = s.dashboards
      THEN fail('by_hand', concat(s.service, ': none of its ', s.dashboards, ' dashboards comes from a versioned file'))
    WHEN s.dashboards = 0 AND a.told = a.n AND a.read_at >= $as_of - hours($read_hours)
      THEN fail('none', concat(s.service, ': none of the ', a.n, ' dashboards that were read shows it'))
    WHEN s.as_code > 0
      THEN pass('as_code', concat(s.service, ': ', s.as_code, ' dashboards come from versioned files, as ', s.example))
    ELSE unknown('not_readable', concat(s.service, ': which dashboards show it, or where they come from, was not readable'))
  END AS result
FROM shown AS s
-- same: always one row
LEFT JOIN all_of_them AS a ON TRUE
