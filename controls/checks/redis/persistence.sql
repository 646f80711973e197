-- Population: every instance read. What is not declared to be a pure cache counts as holding state.
SELECT
  concat(c.source, '/', c.instance) AS resource,
  c.entry,
  CASE
    WHEN c.auth_required IS FALSE
      THEN fail('open', concat(c.instance, ' accepts clients without authentication'))
    WHEN c.holds_state IS NOT FALSE AND c.aof_enabled IS FALSE AND c.rdb_rules = ''
      THEN fail('not_persistent', concat(c.instance, ' writes nothing to disk and is not declared to be a pure cache'))
    WHEN c.holds_state IS NOT FALSE AND c.aof_enabled IS TRUE AND c.aof_last_write_ok IS FALSE
      THEN fail('write_failed', concat(c.instance, ': the last write to the append-only file failed'))
    WHEN c.holds_state IS NOT FALSE AND c.aof_enabled IS FALSE AND c.rdb_last_save_ok IS FALSE
      THEN fail('write_failed', concat(c.instance, ': the last snapshot failed'))
    WHEN c.holds_state IS NOT FALSE AND c.aof_enabled IS FALSE AND c.rdb_last_save_at < $as_of - hours($save_hours) AND c.changes_since_save > 0
      THEN fail('save_old', concat(c.instance, ': ', c.changes_since_save, ' changes are in no snapshot; the last is of ',
                strftime(c.rdb_last_save_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN c.auth_required IS TRUE AND c.holds_state IS FALSE
      THEN pass('pure_cache', concat(c.instance, ' is declared to hold no state and demands authentication'))
    WHEN c.auth_required IS TRUE AND c.aof_enabled IS TRUE AND c.aof_last_write_ok IS TRUE
      THEN pass('persistent', concat(c.instance, ' writes an append-only file and demands authentication'))
    -- a server that never saved names its own start, to a second or two, as the time of its last snapshot
    WHEN c.auth_required IS TRUE AND c.rdb_rules <> '' AND c.rdb_last_save_ok IS TRUE AND c.changes_since_save = 0
      THEN pass('persistent', concat(c.instance, ' has no change that is in no snapshot and demands authentication'))
    WHEN c.rdb_last_save_at <= c.started_at + minutes(1)
      THEN unknown('not_readable', concat(c.instance, ' has written no snapshot since it started at ', strftime(c.started_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN c.auth_required IS TRUE AND c.rdb_rules <> '' AND c.rdb_last_save_ok IS TRUE AND c.started_at < c.rdb_last_save_at
         AND c.rdb_last_save_at >= $as_of - hours($save_hours)
      THEN pass('persistent', concat(c.instance, ' saved a snapshot at ', strftime(c.rdb_last_save_at, '%Y-%m-%d %H:%M'), ' UTC and demands authentication'))
    ELSE unknown('not_readable', concat(c.instance, ': persistence or authentication was not readable'))
  END AS result
FROM cache_instance AS c
