-- Population: every database server read.
SELECT
  concat(d.source, '/', d.instance) AS resource,
  d.entry,
  CASE
    WHEN d.audit_logging IS FALSE
      THEN fail('changes_unlogged', concat(d.instance, ' does not log changes of structure, roles and data (log_statement = ',
                coalesce(d.log_statement, '?'), ', audit extension ', coalesce(nullif(d.audit_extension, ''), 'none'), ')'))
    WHEN d.log_connections IS FALSE
      THEN fail('connections_unlogged', concat(d.instance, ' does not log who connects'))
    WHEN d.audit_logging IS TRUE AND d.log_connections IS TRUE
      THEN pass('audited', concat(d.instance, ' logs changes (', coalesce(array_to_string(d.audit_classes, ', '), d.log_statement), ') and connections'))
    ELSE unknown('not_readable', concat(d.instance, ': its logging was not readable'))
  END AS result
FROM database_instance AS d
