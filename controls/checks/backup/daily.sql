-- Population: every database server read, and every set of the backup tools that belongs to none of them. A run belongs
-- to a server by the cluster's own identifier. The newest run that is whole decides; an unread one may be newer, and
-- keeps the server from a fail. That there is no run at all is proven only where every backup tool was read.
WITH kept AS (
  SELECT r.source, r.backup_set, r.repository, list(r.run) AS labels
  FROM backup_run AS r
  WHERE r.outcome = 'success' AND r.page_errors IS NOT TRUE
  GROUP BY r.source, r.backup_set, r.repository
), whole AS (
  SELECT
    r.source, r.backup_set, r.repository, r.run, r.entry, r.system_identifier, r.finished_at, r.collected_at, r.size_bytes,
    r.backup_type = 'full' OR list_has_all(k.labels, r.needs) AS restorable,
    median(r.size_bytes) OVER (
      PARTITION BY r.source, r.backup_set, r.repository ORDER BY r.finished_at, r.run ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING
    ) AS usual_bytes
  FROM backup_run AS r
  -- same: a whole run is itself kept, so the list is there
  LEFT JOIN kept AS k ON k.source = r.source AND k.backup_set = r.backup_set AND k.repository = r.repository
  WHERE r.outcome = 'success' AND r.page_errors IS NOT TRUE AND r.backup_type IN ('full', 'diff', 'incr') AND r.finished_at <= $as_of
), keyed AS (
  SELECT w.system_identifier AS key, w.* FROM whole AS w
  UNION ALL
  SELECT concat(w.source, '/', w.backup_set), w.* FROM whole AS w
), newest AS (
  SELECT k.*, row_number() OVER (PARTITION BY k.key ORDER BY k.finished_at DESC, k.source, k.backup_set, k.repository, k.run) AS nth
  FROM keyed AS k
), unread AS (
  SELECT
    r.source, r.backup_set, r.system_identifier, r.content,
    r.outcome IS NULL OR r.outcome = 'success' AND (r.backup_type IS NULL OR r.finished_at IS NULL OR r.finished_at > $as_of) AS unclear
  FROM backup_run AS r
), doubt AS (
  SELECT u.system_identifier AS key, count(*) AS runs FROM unread AS u WHERE u.unclear IS TRUE GROUP BY u.system_identifier
  UNION ALL
  SELECT concat(u.source, '/', u.backup_set), count(*) FROM unread AS u WHERE u.unclear IS TRUE GROUP BY u.source, u.backup_set
), nameless AS (
  SELECT count(*) AS runs FROM backup_run AS r WHERE r.system_identifier IS NULL AND r.content IS DISTINCT FROM 'files'
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
), named AS (
  SELECT b.source, b.backup_set, b.entry, b.environment, b.content, b.system_identifier, b.runs FROM backup_set AS b
  UNION ALL
  SELECT r.source, r.backup_set, r.entry, r.environment, r.content, r.system_identifier, NULL FROM backup_run AS r
), sets AS (
  SELECT
    n.source, n.backup_set,
    min(n.content) AS content, list(n.system_identifier) AS clusters,
    count(*) FILTER (WHERE list_contains($not_production, lower(n.environment)) IS NOT TRUE) AS productive,
    -- same: any entry of the set will do, and one row at most tells the number of runs
    min(n.entry) AS entry, max(n.runs) AS runs
  FROM named AS n
  GROUP BY n.source, n.backup_set
), servers AS (
  SELECT list(d.system_identifier) AS clusters FROM database_instance AS d
), target AS (
  SELECT
    d.source, d.entry, d.instance AS name, d.system_identifier AS key, 'database' AS content, NULL AS runs,
    d.system_identifier <> '' AS identified, list_contains($not_production, lower(d.environment)) AS elsewhere
  FROM database_instance AS d
  UNION ALL
  SELECT s.source, s.entry, s.backup_set, concat(s.source, '/', s.backup_set), s.content, s.runs, FALSE, s.productive = 0
  FROM sets AS s
  -- same: always one row
  LEFT JOIN servers AS v ON TRUE
  WHERE list_has_any(s.clusters, v.clusters) IS NOT TRUE
)
SELECT
  concat(t.source, '/', t.name) AS resource,
  [t.entry, n.entry] AS entry,
  CASE
    WHEN t.elsewhere IS TRUE
      THEN not_applicable('not_production', concat(t.name, ' is declared not to be production'))
    WHEN t.content = 'files'
      THEN not_applicable('files', concat(t.name, ' holds files, not a database'))
    WHEN n.finished_at < n.collected_at - hours($hours) AND coalesce(u.runs, 0) = 0
      THEN fail('too_old', concat(t.name, ': the newest whole run, ', n.run, ', ended on ', strftime(n.finished_at, '%Y-%m-%d %H:%M'),
                ' UTC, more than ', $hours, ' h before the tool was read'))
    WHEN n.restorable IS FALSE
      THEN fail('chain_broken', concat(t.name, ': run ', n.run, ' needs another one that is not there whole'))
    WHEN n.size_bytes * 100 < n.usual_bytes * $min_size_percent
      THEN fail('shrunk', concat(t.name, ': run ', n.run, ' holds ', n.size_bytes, ' bytes, less than ', $min_size_percent, ' % of what is usual (',
                n.usual_bytes::BIGINT, ')'))
    WHEN t.runs = 0 AND n.run IS NULL AND coalesce(u.runs, 0) = 0
      THEN fail('never', concat(t.name, ': the backup tool holds no run of it'))
    WHEN t.identified IS TRUE AND n.run IS NULL AND coalesce(u.runs, 0) = 0 AND x.runs = 0 AND o.all_of_them > 0 AND o.answered = o.all_of_them
      THEN fail('no_backup', concat(t.name, ': none of the ', o.all_of_them, ' backup tools that were read has a run of it'))
    WHEN n.finished_at >= $as_of - hours($hours) AND n.restorable IS TRUE AND n.size_bytes > 0 AND n.usual_bytes IS NOT NULL
      THEN pass('fresh', concat(t.name, ': run ', n.run, ' ended on ', strftime(n.finished_at, '%Y-%m-%d %H:%M'), ' UTC with ', n.size_bytes, ' bytes'))
    WHEN n.finished_at >= $as_of - hours($hours) AND n.size_bytes > 0 AND n.usual_bytes IS NULL
      THEN unknown('nothing_to_compare', concat(t.name, ': run ', n.run, ' is the only whole one kept, so nothing tells whether its size is usual'))
    ELSE unknown('not_readable', concat(t.name, ': whether a recent run is whole was not readable, or no backup tool that is read knows it'))
  END AS result
FROM target AS t
LEFT JOIN newest AS n ON n.key = t.key AND n.nth = 1
LEFT JOIN doubt AS u ON u.key = t.key
-- same: always one row
LEFT JOIN nameless AS x ON TRUE
-- same: always one row
LEFT JOIN tools AS o ON TRUE
