-- Population: every replica attached to a database server, and every slot kept for one. Seconds alone prove nothing: they
-- stand still while a replica has stopped to apply, and are not told when nothing is left to apply.
SELECT
  concat(l.source, '/', l.instance, ' → ', l.link) AS resource,
  [l.entry, d.entry] AS entry,
  CASE
    WHEN d.entry IS NULL
      THEN not_applicable('no_database', concat(l.link, ' is a replica of no database server'))
    WHEN l.state = 'backup'
      THEN not_applicable('backup', concat(l.link, ' is a backup being taken'))
    WHEN l.state = 'inactive' OR l.is_slot_active IS FALSE
      THEN fail('detached', concat(l.link, ' has a slot on ', l.instance, ' and is not connected'))
    WHEN l.lag_s > $max_s
      THEN fail('behind', concat(l.link, ' is ', l.lag_s, ' s behind ', l.instance))
    WHEN l.lag_bytes > $max_mib * 1048576
      THEN fail('behind', concat(l.link, ' is ', l.lag_bytes, ' bytes behind ', l.instance))
    WHEN l.state = 'streaming' AND l.lag_bytes <= 0
      THEN pass('in_step', concat(l.link, ' has applied all of ', l.instance))
    WHEN l.state = 'streaming' AND l.lag_s <= $max_s AND l.lag_bytes IS NOT NULL
      THEN pass('in_step', concat(l.link, ' is ', l.lag_s, ' s and ', l.lag_bytes, ' bytes behind ', l.instance))
    ELSE unknown('not_readable', concat(l.link, ': how far it is behind ', l.instance, ' was not readable'))
  END AS result
FROM replication_link AS l
LEFT JOIN database_instance AS d ON d.source = l.source AND d.instance = l.instance
