-- Population: every pool of every web server read, left-joined to its members.
WITH counted AS (
  SELECT
    m.source, m.server, m.pool,
    min(m.entry) AS entry,
    count(*) AS listed,
    count(*) FILTER (WHERE m.healthy IS TRUE AND m.is_drained IS FALSE) AS healthy,
    count(*) FILTER (WHERE m.healthy IS NULL AND m.is_drained IS NOT TRUE OR m.healthy IS TRUE AND m.is_drained IS NULL) AS untold
  FROM upstream_server AS m
  GROUP BY m.source, m.server, m.pool
)
SELECT
  concat(p.source, '/', p.pool) AS resource,
  [p.entry, c.entry] AS entry,
  CASE
    WHEN p.in_use IS FALSE
      THEN not_applicable('not_used', concat('no location sends requests to ', p.pool))
    WHEN p.members < $members
      THEN fail('too_few', concat(p.pool, ' has ', p.members, ' member(s), fewer than ', $members))
    WHEN c.healthy + c.untold < $members
      THEN fail('too_few', concat(p.pool, ': ', c.healthy, ' of ', c.listed, ' members are healthy and not drained, fewer than ', $members))
    WHEN p.in_force IS TRUE AND c.healthy >= $members AND c.listed = p.members
      THEN pass('balanced', concat(p.pool, ': ', c.healthy, ' of ', c.listed, ' members are healthy and not drained'))
    WHEN p.in_force IS FALSE
      THEN unknown('not_loaded', concat(p.pool, ': the configuration changed, and the running server has not read it since'))
    ELSE unknown('health_unknown', concat(p.pool, ': the health of its members, or whether the server has read its configuration, was not readable'))
  END AS result
FROM upstream_pool AS p
LEFT JOIN counted AS c ON c.source = p.source AND c.server = p.server AND c.pool = p.pool
