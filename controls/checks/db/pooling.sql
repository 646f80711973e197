-- Population: every database server read, left-joined to the routes of the poolers read that lead to one of its
-- addresses. A route that leads to no server read may lead to this one by another name, so it keeps it from a pass.
WITH matched AS (
  SELECT
    d.entry AS server, r.entry, r.is_bounded, r.connections_max, r.connections_now, r.longest_wait_ms,
    r.is_bounded IS TRUE AND r.connections_max >= 0 AND r.connections_now >= 0 AS bounded,
    r.longest_wait_ms > $wait_ms
      OR CASE WHEN r.transactions >= 0 THEN r.wait_total_ms > $wait_ms * greatest(r.transactions, 1) END AS slow
  FROM database_instance AS d
  LEFT JOIN pool_route AS r ON list_has_any(d.addresses, r.servers)
), pooled AS (
  SELECT
    m.server,
    count(m.entry) AS routes,
    list(m.entry) AS entries,
    count(*) FILTER (WHERE m.bounded IS TRUE) AS bounded,
    count(*) FILTER (WHERE m.is_bounded IS FALSE) AS unbounded,
    sum(m.connections_max) AS connections,
    sum(m.connections_now) AS connections_now,
    -- same: words of the reason
    max(m.longest_wait_ms) AS wait_now,
    count(*) FILTER (WHERE m.slow IS TRUE) AS slow,
    count(*) FILTER (WHERE m.slow IS FALSE) AS quick
  FROM matched AS m
  GROUP BY m.server
), stray AS (
  SELECT
    count(*) AS routes,
    -- same: words of the reason
    min(concat(r.instance, ' ', r.database, ' (', coalesce(array_to_string(r.targets, ', '), '?'), ')')) AS example
  FROM pool_route AS r
  LEFT JOIN database_instance AS d ON list_has_any(d.addresses, r.servers)
  WHERE d.instance IS NULL
), poolers AS (
  SELECT
    count(*) AS n,
    list(p.entry) AS entries,
    count(*) FILTER (WHERE p.routes_complete IS TRUE) AS whole,
    -- same: words of the reason
    list(p.instance ORDER BY p.instance) FILTER (WHERE p.routes_complete IS NOT TRUE) AS partly
  FROM connection_pooler AS p
), judged AS (
  SELECT
    d.*, p.* EXCLUDE (server, entries), p.entries AS route_entries,
    d.max_connections - d.reserved_connections AS ordinary,
    d.connections_used * 100 > d.max_connections * $used_percent AS exhausted,
    p.connections + greatest(d.connections_used - p.connections_now, 0) > d.max_connections - d.reserved_connections AS crowded
  FROM database_instance AS d
  -- same: every server has its row
  LEFT JOIN pooled AS p ON p.server = d.entry
)
SELECT
  concat(d.source, '/', d.instance) AS resource,
  list_concat([d.entry], d.route_entries, q.entries) AS entry,
  CASE
    WHEN d.exhausted IS TRUE
      THEN fail('exhausted', concat(d.instance, ': ', d.connections_used, ' of ', d.max_connections, ' connections are in use'))
    WHEN d.connections > d.ordinary
      THEN fail('oversized', concat(d.instance, ': pools may open ', d.connections, ' connections, but only ', d.ordinary, ' of ', d.max_connections,
                ' are there for ordinary accounts'))
    WHEN d.connections * 100 > d.max_connections * $pool_percent
      THEN fail('oversized', concat(d.instance, ': pools may open ', d.connections, ' of ', d.max_connections, ' connections'))
    WHEN d.unbounded > 0
      THEN fail('unbounded', concat(d.instance, ': nothing bounds the connections of ', d.unbounded, ' of ', d.routes, ' routes that lead to it'))
    WHEN d.slow > 0
      THEN fail('waits', concat(d.instance, ': clients wait longer than ', $wait_ms, ' ms for a connection (now ', d.wait_now, ' ms)'))
    WHEN d.routes = 0 AND q.n > 0 AND q.whole = q.n AND s.routes = 0
      THEN fail('no_pooler', concat(d.instance, ': none of the ', q.n, ' poolers read leads to it'))
    -- room beside all that is connected needs every number; too large pools fail above
    WHEN d.bounded = d.routes AND d.quick = d.routes AND q.n > 0 AND q.whole = q.n AND s.routes = 0
         AND d.exhausted IS FALSE AND d.crowded IS FALSE
      THEN pass('pooled', concat(d.instance, ': ', d.routes, ' routes open at most ', d.connections, ' of ', d.max_connections, ' connections'))
    WHEN d.crowded IS TRUE
      THEN unknown('past_poolers', concat(d.instance, ': ', d.connections_used - d.connections_now, ' connections come past the poolers, and beside them pools may not open ',
                d.connections, ' of ', d.max_connections))
    WHEN s.routes > 0
      THEN unknown('stray_route', concat(d.instance, ': ', s.routes, ' routes lead to no server that was read and may lead here, as ', s.example))
    WHEN q.whole < q.n
      THEN unknown('hidden_routes', concat(d.instance, ': poolers may have routes that were not seen: ', array_to_string(q.partly, ', ')))
    ELSE unknown('pooler_not_read', concat(d.instance, ': pooler, its limits or waits were not read'))
  END AS result
FROM judged AS d
-- same: always one row
LEFT JOIN stray AS s ON TRUE
-- same: always one row
LEFT JOIN poolers AS q ON TRUE
