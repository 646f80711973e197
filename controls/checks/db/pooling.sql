-- Population: every database server read.
SELECT
  concat(d.source, '/', d.instance) AS resource,
  d.entry,
  CASE
    WHEN d.connections_used * 100 > d.max_connections * $used_percent
      THEN fail('exhausted', concat(d.instance, ': ', d.connections_used, ' of ', d.max_connections, ' connections are in use'))
    WHEN d.pooler_active IS FALSE
      THEN fail('no_pooler', concat(d.instance, ': applications connect without a pooler'))
    WHEN d.pool_max_total * 100 > d.max_connections * $pool_percent
      THEN fail('oversized', concat(d.instance, ': pools may open ', d.pool_max_total, ' of ', d.max_connections, ' connections'))
    WHEN d.pool_wait_p95_ms > $wait_ms
      THEN fail('waits', concat(d.instance, ': clients wait ', d.pool_wait_p95_ms, ' ms for a connection'))
    WHEN d.pooler_active IS TRUE AND d.pool_max_total * 100 <= d.max_connections * $pool_percent AND d.pool_wait_p95_ms <= $wait_ms
         AND d.connections_used * 100 <= d.max_connections * $used_percent
      THEN pass('pooled', concat(d.instance, ': pools open at most ', d.pool_max_total, ' of ', d.max_connections, ' connections'))
    ELSE unknown('pooler_not_read', concat(d.instance, ': pooler, its limits or waits were not read'))
  END AS result
FROM database_instance AS d
