-- Population: every log that stands for what users did in an application. Its table is found by name in the databases read.
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
)
SELECT
  concat(l.source, '/', l.log) AS resource,
  list_concat([l.entry], r.entries) AS entry,
  CASE
    WHEN r.rewriter IS NOT NULL
      THEN fail('rewritable', concat(r.rewriter, ' may change, remove or empty the records of ', l.log))
    WHEN r.writers > 0 AND r.unread = 0
      THEN pass('append_only', concat('the accounts of applications may add to ', l.log, ' and not change what is in it'))
    ELSE unknown('not_seen', concat('which database account writes ', l.log, ' is not declared, or its rights were not read'))
  END AS result
FROM audit_log AS l
LEFT JOIN rights AS r ON r.source = l.source AND r.log = l.log
WHERE l.purpose = 'actions' AND l.of_record IS NOT FALSE
