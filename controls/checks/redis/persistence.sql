-- Population: every instance read. What is not declared to be a pure cache counts as holding state. With a limit of
-- memory, allkeys-… throws away any entry, and volatile-… those that carry an expiry, as every session does.
WITH stores AS (
  SELECT
    s.source,
    s.instance,
    list(s.entry) AS entries,
    count(*) FILTER (WHERE s.use IS DISTINCT FROM 'cache') AS kept,
    count(*) FILTER (WHERE s.use = 'sessions' OR (s.use IN ('broker', 'state') AND s.expiring_records > 0)) AS expiring,
    count(*) FILTER (WHERE s.use IN ('broker', 'state') AND s.expiring_records = 0) AS lasting
  FROM data_store AS s
  GROUP BY s.source, s.instance
), judged AS (
  SELECT c.*, s.entries, s.expiring,
    c.maxmemory_policy LIKE 'allkeys-%' AND c.maxmemory_mib > 0 AS may_lose_any,
    c.maxmemory_policy LIKE 'volatile-%' AND c.maxmemory_mib > 0 AS may_lose_expiring,
    c.maxmemory_policy = 'noeviction' OR c.maxmemory_mib = 0 OR (c.holds_state IS TRUE AND c.maxmemory_policy LIKE 'volatile-%'
      AND s.kept > 0 AND s.lasting = s.kept AND c.undeclared_databases = 0) AS keeps_state,
    -- with the append-only file on, a restart reads that file and no snapshot
    c.aof_enabled IS FALSE AND c.rdb_rules <> '' AND c.rdb_last_save_ok IS TRUE AS snapshots,
    -- a server that never saved names its own start, to a second or two, as the time of its last snapshot
    c.rdb_last_save_at > c.started_at + minutes(1) AS saved_since_start,
    CASE
      WHEN c.aof_enabled IS TRUE AND c.aof_last_write_ok IS TRUE THEN 'writes an append-only file'
      WHEN snapshots IS TRUE AND c.changes_since_save = 0 THEN 'has no change that is in no snapshot'
      WHEN snapshots IS TRUE AND saved_since_start IS TRUE AND c.rdb_last_save_at BETWEEN $as_of - hours($save_hours) AND $as_of
        THEN concat('saved a snapshot at ', strftime(c.rdb_last_save_at, '%Y-%m-%d %H:%M'), ' UTC')
    END AS survives_by
  FROM cache_instance AS c
  LEFT JOIN stores AS s ON s.source = c.source AND s.instance = c.instance
)
SELECT
  concat(c.source, '/', c.instance) AS resource,
  list_concat([c.entry], c.entries) AS entry,
  CASE
    WHEN c.auth_required IS FALSE
      THEN fail('open', concat(c.instance, ' accepts clients without authentication'))
    WHEN c.holds_state IS FALSE AND c.auth_required IS TRUE
      THEN pass('pure_cache', concat(c.instance, ' is declared to hold no state and demands authentication'))
    WHEN c.holds_state IS FALSE
      THEN unknown('not_readable', concat(c.instance, ': whether it demands authentication was not readable'))
    WHEN c.aof_enabled IS FALSE AND c.rdb_rules = ''
      THEN fail('not_persistent', concat(c.instance, ' writes nothing to disk and is not declared to be a pure cache'))
    WHEN c.aof_enabled IS TRUE AND c.aof_last_write_ok IS FALSE
      THEN fail('write_failed', concat(c.instance, ': the last write to the append-only file failed'))
    WHEN c.aof_enabled IS FALSE AND c.rdb_last_save_ok IS FALSE
      THEN fail('write_failed', concat(c.instance, ': the last snapshot failed'))
    WHEN c.aof_enabled IS FALSE AND c.rdb_last_save_at < $as_of - hours($save_hours) AND c.changes_since_save > 0
      THEN fail('save_old', concat(c.instance, ': ', c.changes_since_save, ' changes are in no snapshot; the last is of ',
                strftime(c.rdb_last_save_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN c.holds_state IS TRUE AND c.may_lose_any IS TRUE
      THEN fail('evicts', concat(c.instance, ' holds state and throws entries away when memory is full (', c.maxmemory_policy, '; ',
                coalesce(c.evicted, 0), ' so far)'))  -- same: words of the reason
    WHEN c.holds_state IS TRUE AND c.may_lose_expiring IS TRUE AND c.expiring > 0
      THEN fail('evicts', concat(c.instance, ' throws entries with an expiry away when memory is full (', c.maxmemory_policy, '), and ',
                c.expiring, ' of its databases keep such entries and are no cache'))
    WHEN c.auth_required IS TRUE AND c.keeps_state IS TRUE AND c.is_loading IS FALSE AND c.survives_by <> ''
      THEN pass('persistent', concat(c.instance, ' ', c.survives_by, ' and demands authentication'))
    WHEN c.is_loading IS TRUE
      THEN unknown('loading', concat(c.instance, ' still reads its data from disk'))
    WHEN c.keeps_state IS NOT TRUE AND (c.may_lose_any IS TRUE OR c.may_lose_expiring IS TRUE)
      THEN unknown('eviction_unclear', concat(c.instance, ' throws entries away when memory is full (', c.maxmemory_policy, '), and which of them are state is not declared'))
    WHEN c.saved_since_start IS FALSE
      THEN unknown('never_saved', concat(c.instance, ' has written no snapshot since it started at ', strftime(c.started_at, '%Y-%m-%d %H:%M'), ' UTC'))
    ELSE unknown('not_readable', concat(c.instance, ': persistence or authentication was not readable'))
  END AS result
FROM judged AS c
