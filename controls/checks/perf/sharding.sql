-- Population: every shard that was read. Its backup is the newest whole run of its cluster, or of the set it names.
WITH whole AS (
  SELECT r.system_identifier, r.source, r.backup_set, r.finished_at, r.collected_at, r.entry
  FROM backup_run AS r
  WHERE r.outcome = 'success' AND r.page_errors IS NOT TRUE AND r.backup_type IN ('full', 'diff', 'incr') AND r.finished_at <= $as_of
), spread AS (
  SELECT
    s.shard_group, count(*) AS shards, count(s.used_bytes) AS told, min(s.used_bytes) AS smallest
  FROM shard AS s
  GROUP BY s.shard_group
), kept AS (
  SELECT
    s.source, s.shard_group, s.shard, max(w.finished_at) AS finished_at,
    -- same: any entry will do, and runs of one tool are read together
    max(w.collected_at) AS collected_at, max(w.entry) AS entry
  FROM shard AS s
  -- same: a shard without a run is kept by the outer join
  LEFT JOIN whole AS w

    ON w.system_identifier = s.system_identifier OR s.system_identifier IS NULL AND w.backup_set = s.backup_set
  GROUP BY s.source, s.shard_group, s.shard
)
SELECT
  concat(s.source, '/', s.shard_group, ' ', s.shard) AS resource,
  [s.entry, k.entry] AS entry,
  CASE
    WHEN list_contains($not_production, lower(s.environment))
      THEN not_applicable('not_production', concat(s.shard, ' is declared to be ', s.environment))
    WHEN s.used_bytes * 100 > s.capacity_bytes * $max_percent
      THEN fail('full', concat(s.shard, ': ', s.used_bytes, ' of ', s.capacity_bytes, ' bytes, more than ', $max_percent, ' %'))
    WHEN p.smallest >= 0 AND s.used_bytes * 100 > p.smallest * $skew_percent
      THEN fail('uneven', concat(s.shard, ' holds ', s.used_bytes, ' bytes, the smallest shard of ', s.shard_group, ' ', p.smallest))
    WHEN k.finished_at < k.collected_at - hours($hours)
      THEN fail('backup_old', concat(s.shard, ': its newest whole backup is of ', strftime(k.finished_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN p.shards = 1
      THEN unknown('alone', concat(s.shard, ' is the only shard of ', s.shard_group, ' that was read'))
    WHEN s.used_bytes * 100 <= s.capacity_bytes * $max_percent AND p.smallest >= 0 AND p.told = p.shards AND k.finished_at >= $as_of - hours($hours)
      THEN pass('balanced', concat(s.shard, ': ', s.used_bytes, ' of ', s.capacity_bytes, ' bytes, backed up on ', strftime(k.finished_at, '%Y-%m-%d %H:%M'), ' UTC'))
    ELSE unknown('not_readable', concat(s.shard, ': its size, that of the others, or a recent backup was not readable'))
  END AS result
FROM shard AS s
-- same: every shard has its row in both
LEFT JOIN spread AS p ON p.shard_group = s.shard_group
-- same: and here
LEFT JOIN kept AS k
  ON k.source = s.source AND k.shard_group = s.shard_group AND k.shard = s.shard
