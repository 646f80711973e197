-- Population: every store of the inventory. A run is of the stores that are declared for it; the newest one that is whole
-- decides. That there is none is proven only where every run says of what it is and every backup tool was read.
WITH whole AS (
  SELECT r.source, r.backup_set, r.run, r.entry, r.finished_at, r.collected_at, unnest(r.data_stores) AS data_store
  FROM backup_run AS r
  WHERE r.outcome = 'success' AND r.page_errors IS NOT TRUE AND r.backup_type IN ('full', 'diff', 'incr') AND r.finished_at <= $as_of
), newest AS (
  SELECT w.*, row_number() OVER (PARTITION BY w.data_store ORDER BY w.finished_at DESC, w.source, w.backup_set, w.run) AS nth
  FROM whole AS w
), doubt AS (
  SELECT unnest(r.data_stores) AS data_store
  FROM backup_run AS r
  WHERE r.outcome IS NULL
    OR r.outcome = 'success' AND (r.backup_type IS NULL OR r.finished_at IS NULL OR r.finished_at > $as_of)
), doubts AS (
  SELECT d.data_store, count(*) AS runs FROM doubt AS d GROUP BY d.data_store
), nameless AS (
  SELECT count(*) AS runs FROM backup_run AS r WHERE r.data_stores IS NULL
), attempt AS (
  SELECT c.of_source, max(c.started_at) AS at, max(c.started_at) FILTER (WHERE c.outcome = 'complete') AS whole_at
  FROM collection AS c
  WHERE c.of_kind = 'backup_run'
  GROUP BY c.of_source
), tools AS (
  SELECT count(*) AS all_of_them, count(*) FILTER (WHERE a.whole_at = a.at AND a.at >= $as_of - hours($hours)) AS answered
  FROM source AS s
  LEFT JOIN attempt AS a ON a.of_source = s.name
  WHERE list_contains(s.kinds, 'backup_run') AND s.enabled IS NOT FALSE
)
SELECT
  concat(i.source, '/', i.data_store) AS resource,
  [i.entry, n.entry] AS entry,
  CASE
    WHEN list_contains($not_production, lower(i.environment))
      THEN not_applicable('not_production', concat(i.data_store, ' is declared to be ', i.environment))
    WHEN i.needs_backup IS FALSE
      THEN not_applicable('no_need', concat(i.data_store, ' is declared to be made again when it is lost'))
    WHEN i.needs_backup IS TRUE AND n.finished_at < n.collected_at - hours($hours) AND coalesce(u.runs, 0) = 0 AND x.runs = 0
      THEN fail('too_old', concat(i.data_store, ': its newest whole backup, ', n.run, ', ended on ', strftime(n.finished_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN i.needs_backup IS TRUE AND n.run IS NULL AND coalesce(u.runs, 0) = 0 AND x.runs = 0 AND o.all_of_them > 0 AND o.answered = o.all_of_them
      THEN fail('no_backup', concat(i.data_store, ': none of the ', o.all_of_them, ' backup tools that were read has a run of it'))
    WHEN i.needs_backup IS TRUE AND n.finished_at >= $as_of - hours($hours)
      THEN pass('covered', concat(i.data_store, ': run ', n.run, ' of ', n.backup_set, ' ended on ', strftime(n.finished_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN i.needs_backup IS NULL
      THEN unknown('not_filled', concat(i.data_store, ': whether it needs a backup is not filled in'))
    ELSE unknown('not_readable', concat(i.data_store, ': whether a recent run holds it was not readable'))
  END AS result
FROM inventory_store AS i
LEFT JOIN newest AS n ON n.data_store = i.data_store AND n.nth = 1
LEFT JOIN doubts AS u ON u.data_store = i.data_store
-- same: always one row
LEFT JOIN nameless AS x ON TRUE
-- same: always one row
LEFT JOIN tools AS o ON TRUE
