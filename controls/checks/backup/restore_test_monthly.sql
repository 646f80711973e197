-- Population: every database server read, and every cluster that a backup tool keeps runs of and that was not read. A
-- trial belongs to a cluster by its identifier, or by the set it was restored from when one cluster alone has that set.
-- The newest trial decides; one that may be newer, of this cluster or of nobody known, keeps it from a pass. That there is none is proven only where every register was read and every trial says of what.
WITH named AS (
  SELECT b.source, b.backup_set, b.entry, b.environment, b.content, b.system_identifier, b.collected_at AS at FROM backup_set AS b
  UNION ALL
  SELECT r.source, r.backup_set, r.entry, r.environment, r.content, r.system_identifier, r.finished_at FROM backup_run AS r
), sets AS (
  SELECT
    n.source, n.backup_set, min(n.content) AS content, arg_max(n.system_identifier, coalesce(n.at, TIMESTAMP '1970-01-01')) AS cluster,
    count(*) FILTER (WHERE list_contains($not_production, lower(n.environment)) IS NOT TRUE) AS productive,
    -- same: any entry of the set will do
    min(n.entry) AS entry
  FROM named AS n
  GROUP BY n.source, n.backup_set
), whose AS (
  -- same: used only where there is one
  SELECT n.backup_set, max(n.system_identifier) AS cluster,
    count(DISTINCT n.system_identifier) AS clusters
  FROM named AS n
  GROUP BY n.backup_set
), trial AS (
  SELECT
    t.*,
    coalesce(t.system_identifier, CASE WHEN w.clusters = 1 THEN w.cluster END, 'set ' || t.backup_set) AS cluster,
    w.clusters,
    t.outcome IS NULL OR t.outcome IS DISTINCT FROM 'running' AND (t.finished_at IS NULL OR t.finished_at > $as_of) AS unclear
  FROM restore_test AS t
  LEFT JOIN whose AS w ON w.backup_set = t.backup_set
), newest AS (
  SELECT t.*, row_number() OVER (PARTITION BY t.cluster ORDER BY t.finished_at DESC, t.source, t.restore_test) AS nth
  FROM trial AS t
  WHERE t.outcome IN ('success', 'warning', 'failed')
), doubt AS (
  SELECT t.cluster, count(*) AS trials FROM trial AS t WHERE t.unclear IS TRUE GROUP BY t.cluster
), known AS (
  SELECT d.system_identifier AS cluster FROM database_instance AS d
  UNION ALL
  SELECT s.cluster FROM sets AS s
), stray AS (
  SELECT
    count(*) AS trials,
    count(*) FILTER (WHERE t.system_identifier IS NULL AND (t.clusters = 0) IS NOT TRUE AND t.outcome IS DISTINCT FROM 'running') AS nameless
  FROM trial AS t
  LEFT JOIN (SELECT DISTINCT k.cluster FROM known AS k) AS k ON k.cluster = t.cluster
  WHERE k.cluster IS NULL
), attempt AS (
  SELECT c.of_source, max(c.started_at) AS at, max(c.started_at) FILTER (WHERE c.outcome = 'complete') AS whole_at
  FROM collection AS c
  WHERE c.of_kind = 'restore_test'
  GROUP BY c.of_source
), registers AS (
  SELECT count(*) AS all_of_them, count(*) FILTER (WHERE a.whole_at = a.at AND a.at >= $as_of - hours($read_hours)) AS answered
  FROM source AS s
  LEFT JOIN attempt AS a ON a.of_source = s.name
  WHERE list_contains(s.kinds, 'restore_test') AND s.enabled IS NOT FALSE
), servers AS (
  SELECT list(d.system_identifier) AS clusters FROM database_instance AS d
), target AS (
  SELECT d.source, d.entry, d.instance AS name, d.system_identifier AS cluster, 'database' AS content,
    list_contains($not_production, lower(d.environment)) AS elsewhere
  FROM database_instance AS d
  UNION ALL
  SELECT s.source, s.entry, s.backup_set, coalesce(s.cluster, 'set ' || s.backup_set), s.content, s.productive = 0
  FROM sets AS s
  -- same: always one row
  LEFT JOIN servers AS v ON TRUE
  WHERE list_contains(v.clusters, s.cluster) IS NOT TRUE
)
SELECT
  concat(t.source, '/', t.name) AS resource,
  [t.entry, n.entry] AS entry,
  CASE
    WHEN t.elsewhere IS TRUE
      THEN not_applicable('not_production', concat(t.name, ' is declared not to be production'))
    WHEN t.content = 'files'
      THEN not_applicable('files', concat(t.name, ' holds files, not a database'))
    WHEN u.trials IS NOT NULL
      THEN unknown('not_readable', concat(t.name, ': a trial of it whose end or outcome is not filled in may be the newest'))
    WHEN n.outcome IN ('failed', 'warning')
      THEN fail('failed', concat(t.name, ': trial ', n.restore_test, ' of ', strftime(n.finished_at, '%Y-%m-%d'), ' ended in ', n.outcome))
    WHEN n.data_checked IS FALSE
      THEN fail('not_checked', concat(t.name, ': trial ', n.restore_test, ' did not compare the data'))
    WHEN n.check_result IS FALSE
      THEN fail('data_wrong', concat(t.name, ': trial ', n.restore_test, ' found the data wrong'))
    WHEN n.finished_at < n.collected_at - days($max_days)
      THEN fail('overdue', concat(t.name, ': the last trial, ', n.restore_test, ', ended on ', strftime(n.finished_at, '%Y-%m-%d'),
                ', more than ', $max_days, ' days ago'))
    WHEN t.cluster <> '' AND n.restore_test IS NULL AND x.trials = 0
         AND g.all_of_them > 0 AND g.answered = g.all_of_them
      THEN fail('never', concat(t.name, ': no trial of a restore is recorded'))
    WHEN x.nameless > 0
      THEN unknown('not_readable', concat(t.name, ': a trial that does not say which cluster it was of may be its newest'))
    WHEN n.data_checked IS TRUE AND n.check_result IS TRUE AND n.started_at <= n.finished_at
         AND n.finished_at >= $as_of - days($max_days)
      THEN pass('tested', concat(t.name, ': trial ', n.restore_test, ' of ', strftime(n.finished_at, '%Y-%m-%d'), ' restored it and found the data right'))
    ELSE unknown('not_readable', concat(t.name, ': which trial is its newest, how it ended or what it compared is not filled in'))
  END AS result
FROM target AS t
LEFT JOIN newest AS n ON n.cluster = t.cluster AND n.nth = 1
LEFT JOIN doubt AS u ON u.cluster = t.cluster
-- same: always one row
LEFT JOIN stray AS x ON TRUE
-- same: always one row
LEFT JOIN registers AS g ON TRUE
