-- Population: every database server read, left-joined to the routes of the poolers read that lead to one of its
-- addresses. A route that leads to no server read may lead to this one by another name, so it keeps it from a pass.
WITH matched AS (
  SELECT d.source, d.instance, r.entry, r.is_bounded, r.connections_max, r.connections_now, r.longest_wait_ms, r.wait_total_ms, r.transactions
  FROM database_instance AS d
  LEFT JOIN pool_route AS r ON list_has_any(d.addresses, r.servers)
), pooled AS (
  SELECT
    m.source,
    m.instance,
    count(m.entry) AS routes,
    list(m.entry) AS entries,
    count(*) FILTER (WHERE m.is_bounded IS TRUE AND m.connections_max >= 0 AND m.connections_now >= 0) AS bounded,
    count(*) FILTER (WHERE m.is_bounded IS FALSE) AS unbounded,
    sum(m.connections_max) AS connections,
    sum(m.connections_now) AS connections_now,
    max(m.longest_wait_ms) AS wait_now,
    count(*) FILTER (WHERE m.longest_wait_ms > $wait_ms OR m.wait_total_ms > $wait_ms * greatest(m.transactions, 1)) AS slow,
    count(*) FILTER (WHERE m.longest_wait_ms <= $wait_ms AND m.transactions >= 0 AND m.wait_total_ms <= $wait_ms * greatest(m.transactions, 1)) AS quick
  FROM matched AS m
  GROUP BY m.source, m.instance
), stray AS (
  SELECT
    count(*) AS routes,
    min(concat(r.instance, ' ', r.database, ' (', coalesce(array_to_string(r.targets, ', '), '?'), ')')) AS example
  FROM pool_route AS r
  LEFT JOIN database_instance AS d ON list_has_any(d.addresses, r.servers)
  WHERE d.instance IS NULL
), poolers AS (
  SELECT
    count(*) AS n,
    list(p.entry) AS entries,
    count(*) FILTER (WHERE p.routes_complete IS TRUE) AS whole,
    min(p.instance) FILTER (WHERE p.routes_complete IS NOT TRUE) AS partly
  FROM connection_pooler AS p
)
SELECT
  concat(d.source, '/', d.instance) AS resource,
  list_concat([d.entry], p.entries, q.entries) AS entry,
  CASE
    WHEN d.connections_used * 100 > d.max_connections * $used_percent
      THEN fail('exhausted', concat(d.instance, ': ', d.connections_used, ' of ', d.max_connections, ' connections are in use'))
    WHEN p.connections > d.max_connections - d.reserved_connections
      THEN fail('oversized', concat(d.instance, ': pools may open ', p.connections, ' connections, but only ',
                d.max_connections - d.reserved_connections, ' of ', d.max_connections, ' are there for ordinary accounts'))
    WHEN p.connections * 100 > d.max_connections * $pool_percent
      THEN fail('oversized', concat(d.instance, ': pools may open ', p.connections, ' of ', d.max_connections, ' connections'))
    WHEN p.unbounded > 0
      THEN fail('unbounded', concat(d.instance, ': nothing bounds the connections of ', p.unbounded, ' of ', p.routes, ' routes that lead to it'))
    WHEN p.slow > 0
      THEN fail('waits', concat(d.instance, ': clients wait longer than ', $wait_ms, ' ms for a connection (now ', p.wait_now, ' ms)'))
    WHEN p.routes = 0 AND q.n > 0 AND q.whole = q.n AND s.routes = 0
      THEN fail('no_pooler', concat(d.instance, ': none of the ', q.n, ' poolers read leads to it'))
    WHEN p.routes > 0 AND p.bounded = p.routes AND p.quick = p.routes AND q.n > 0 AND q.whole = q.n AND s.routes = 0
         AND p.connections * 100 <= d.max_connections * $pool_percent AND p.connections <= d.max_connections - d.reserved_connections
         AND d.connections_used * 100 <= d.max_connections * $used_percent
         AND p.connections + greatest(d.connections_used - p.connections_now, 0) <= d.max_connections - d.reserved_connections
      THEN pass('pooled', concat(d.instance, ': ', p.routes, ' routes open at most ', p.connections, ' of ', d.max_connections, ' connections'))
    WHEN p.connections + greatest(d.connections_used - p.connections_now, 0) > d.max_connections - d.reserved_connections
      THEN unknown('past_poolers', concat(d.instance, ': ', d.connections_used - p.connections_now, ' connections come past the poolers, and beside them pools may not open ',
                p.connections, ' of ', d.max_connections))
    WHEN s.routes > 0
      THEN unknown('stray_route', concat(d.instance, ': ', s.routes, ' routes lead to no server that was read and may lead here, as ', s.example))
    WHEN q.partly <> ''
      THEN unknown('hidden_routes', concat(d.instance, ': pooler ', q.partly, ' may have routes that were not seen'))
    ELSE unknown('pooler_not_read', concat(d.instance, ': pooler, its limits or waits were not read'))
  END AS result
FROM database_instance AS d
LEFT JOIN pooled AS p ON p.source = d.source AND p.instance = d.instance
LEFT JOIN stray AS s ON TRUE
LEFT JOIN poolers AS q ON TRUE
