-- Population: every store that holds logs, or may, for each thing looked for. The newest run decides; one without a date
-- may be newer, and keeps a store from a pass.
WITH wanted AS (
  SELECT s.data_store, s.entry, unnest(['pan', 'secrets', 'identity_fields']) AS scan_type FROM inventory_store AS s WHERE s.holds_logs IS DISTINCT FROM FALSE
), newest AS (
  SELECT c.store, c.scan_type, max(c.run_at) FILTER (WHERE c.run_at <= $as_of) AS run_at, count(*) FILTER (WHERE c.run_at IS NULL) AS undated
  FROM content_scan AS c
  GROUP BY c.store, c.scan_type
), run AS (
  SELECT
    n.store, n.scan_type, n.run_at, n.undated, count(*) AS runs,
    max(c.entry) AS entry,  -- same: of two runs of one moment either entry will do
    count(*) FILTER (WHERE c.is_complete IS TRUE AND c.items_read > 0 AND c.hits = 0) AS clean,
    count(*) FILTER (WHERE c.hits > coalesce(c.false_alarms, 0)) AS found,
    count(*) FILTER (WHERE c.is_complete IS TRUE AND c.items_read > 0 AND c.hits > 0 AND c.false_alarms = c.hits) AS cleared
  FROM newest AS n
  -- same: a store none of whose runs has a date has no whole run either way
  LEFT JOIN content_scan AS c ON c.store = n.store AND c.scan_type = n.scan_type AND c.run_at = n.run_at
  GROUP BY n.store, n.scan_type, n.run_at, n.undated
)
SELECT
  concat(w.data_store, '/', w.scan_type) AS resource,
  [w.entry, r.entry] AS entry,
  CASE
    WHEN r.found > 0
      THEN fail('found', concat(w.data_store, ': the scan for ', w.scan_type, ' on ', strftime(r.run_at, '%Y-%m-%d'), ' found something that nobody cleared'))
    WHEN r.run_at < $as_of - days($days)
      THEN fail('scan_old', concat(w.data_store, ' was last scanned for ', w.scan_type, ' on ', strftime(r.run_at, '%Y-%m-%d')))
    WHEN r.run_at >= $as_of - days($days)  -- same: an older run has failed above
         AND r.undated = 0 AND r.clean + r.cleared = r.runs
      THEN pass('clean', concat(w.data_store, ': scanned for ', w.scan_type, ' on ', strftime(r.run_at, '%Y-%m-%d'), ', nothing is there'))
    ELSE unknown('not_scanned', concat(w.data_store, ': no whole scan for ', w.scan_type, ' with date and result within ', $days, ' days'))
  END AS result
FROM wanted AS w
LEFT JOIN run AS r ON r.store = w.data_store AND r.scan_type = w.scan_type
