-- Population: every log that stands for what users did in an application, its table found by name in the databases read;
-- and every table that a declared account may write. A model explains a table only in a declared home of the models.
WITH rights AS (
  SELECT
    l.source,
    l.log,
    list(g.entry) AS entries,
    -- same: which of them is told
    min(g.account) FILTER (WHERE g.is_owner IS TRUE OR list_has_any(g.privileges, ['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER'])) AS rewriter,
    count(*) FILTER (WHERE g.privileges IS NULL OR g.is_owner IS NULL) AS unread,
    count(*) FILTER (WHERE list_contains(g.privileges, 'INSERT')) AS writers
  FROM audit_log AS l
  -- same: the condition leaves out a log without grants either way
  LEFT JOIN data_grant AS g ON g.object_type = 'table' AND split_part(g.object, '.', 2) = l.log
  WHERE list_contains($accounts::VARCHAR[], g.account)
  GROUP BY l.source, l.log
), written AS (
  SELECT
    g.source,
    concat(g.database, '.', g.object) AS name,
    list(g.entry) AS entries,
    -- same: which of them is told
    min(g.account) FILTER (WHERE g.is_owner IS TRUE OR list_has_any(g.privileges, ['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER'])) AS writer,
    count(*) FILTER (WHERE g.privileges IS NULL OR g.is_owner IS NULL) AS unread
  FROM data_grant AS g
  WHERE g.object_type = 'table' AND list_contains($accounts::VARCHAR[], g.account)
  GROUP BY g.source, g.database, g.object
), model AS (
  -- same: of several applications with a table of this name any explains it
  SELECT m.name, min(m.entry) AS entry
  FROM (
    -- a name that is no plain word stands quoted among the rights
    SELECT t.entry, unnest([concat(h.home, '.', t.table_name), concat(h.home, '."', replace(t.table_name, '"', '""'), '"')]) AS name
    FROM (SELECT unnest($homes::VARCHAR[]) AS home) AS h
    -- same: a home without tables makes names that no table has
    LEFT JOIN application_table AS t ON TRUE
  ) AS m
  GROUP BY m.name
), judged AS (
  SELECT
    'log' AS what, concat(l.source, '/', l.log) AS resource, list_concat([l.entry], r.entries) AS entries, l.log AS name,
    r.rewriter, r.writers, r.unread, CAST(NULL AS VARCHAR) AS writer, CAST(NULL AS BIGINT) AS model
  FROM audit_log AS l
  LEFT JOIN rights AS r ON r.source = l.source AND r.log = l.log
  WHERE l.purpose = 'actions' AND l.of_record IS NOT FALSE
  UNION ALL
  SELECT 'table', concat(w.source, '/', w.name), list_append(w.entries, m.entry), w.name, NULL, NULL, w.unread, w.writer, m.entry
  FROM written AS w
  LEFT JOIN model AS m ON m.name = w.name
  WHERE w.writer IS NOT NULL OR w.unread > 0
), seen AS (
  SELECT
    (SELECT count(*) FROM judged AS j WHERE j.what = 'log') AS logs,
    (SELECT count(*) FROM application_table) AS models
)
SELECT
  j.resource,
  j.entries AS entry,
  CASE
    WHEN j.rewriter IS NOT NULL
      THEN fail('rewritable', concat(j.rewriter, ' may change, remove or empty the records of ', j.name))
    WHEN j.writers > 0 AND j.unread = 0
      THEN pass('append_only', concat('the accounts of applications may add to ', j.name, ' and not change what is in it'))
    WHEN j.what = 'log'
      THEN unknown('not_seen', concat('which database account writes ', j.name, ' is not declared, or its rights were not read'))
    WHEN list_contains($tables::VARCHAR[], j.name) AND j.unread = 0 AND s.logs > 0
      THEN pass('declared', concat('an application is declared to write ', j.name))
    WHEN j.model IS NOT NULL AND j.unread = 0 AND s.logs > 0
      THEN pass('own', concat(j.name, ' is a table of the application itself'))
    WHEN j.writer IS NOT NULL AND s.models > 0 AND len($homes::VARCHAR[]) > 0 AND j.model IS NULL AND list_contains($tables::VARCHAR[], j.name) IS FALSE
      THEN fail('foreign', concat(j.writer, ' may write ', j.name, ', which is no table of an application and is not declared'))
    ELSE unknown('unexplained', concat(j.name, ': whose table it is, the rights on it or a log of the application were not seen'))
  END AS result
FROM judged AS j
-- same: always one row
LEFT JOIN seen AS s ON TRUE
