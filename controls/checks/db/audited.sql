-- Population: every database server read. What holds for single accounts and databases is told in the reason only: the
-- server's own columns already count it.
WITH scopes AS (
  SELECT
    s.source,
    s.instance,
    list(s.entry) AS entries,
    count(*) AS n,
    count(*) FILTER (WHERE s.logs_structure IS FALSE OR s.logs_roles IS FALSE OR s.logs_writes IS FALSE) AS open,
    -- same: an example in words
    min(concat(CASE WHEN s.account = '*' THEN 'everybody' ELSE s.account END, CASE WHEN s.database = '*' THEN '' ELSE concat(' in ', s.database) END))
      -- same: an example in words
      FILTER (WHERE s.logs_structure IS FALSE OR s.logs_roles IS FALSE OR s.logs_writes IS FALSE) AS example
  FROM audit_scope AS s
  GROUP BY s.source, s.instance
)
SELECT
  concat(d.source, '/', d.instance) AS resource,
  list_concat([d.entry], s.entries) AS entry,
  CASE
    WHEN d.audit_logging IS FALSE OR s.open > 0
      THEN fail('changes_unlogged', concat(d.instance, ' does not log changes of structure, roles and data for ',
                -- same: words of the reason
                coalesce(s.example, 'everybody'),
                -- same: words of the reason
                ' (log_statement = ', coalesce(d.log_statement, '?'), ', audit extension ', coalesce(nullif(d.audit_extension, ''), 'none'), ')'))
    WHEN d.audit_switchers > 0
      THEN fail('switchable', concat(d.instance, ': ', d.audit_switchers, ' accounts below superuser may change what is logged'))
    WHEN d.log_connections IS FALSE
      THEN fail('connections_unlogged', concat(d.instance, ' does not log who connects'))
    WHEN d.audit_logging IS TRUE AND d.audit_switchers = 0 AND d.log_connections IS TRUE
      THEN pass('audited', concat(d.instance, ' logs changes (',
                -- same: words of the reason
                coalesce(nullif(array_to_string(d.audit_classes, ', '), ''), d.log_statement), ') and connections'))
    ELSE unknown('not_readable', concat(d.instance, ': its logging was not readable'))
  END AS result
FROM database_instance AS d
LEFT JOIN scopes AS s ON s.source = d.source AND s.instance = d.instance
