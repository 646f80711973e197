-- Population: every pool of every web server read, left-joined to its members. A member that requests fail at is not
-- healthy, whatever it says of itself; how many failed is in the server's error log.
WITH member AS (
  SELECT
    m.source, m.server, m.pool, m.entry, regexp_replace(m.address, ' [(][0-9]+[)]$', '') AS address,
    m.healthy IS FALSE OR m.is_drained IS TRUE OR (m.failures_recent >= $failures) IS TRUE AS out_of_use,
    m.healthy IS TRUE AND m.is_drained IS FALSE
      AND (m.failures_recent < $failures OR m.failures_recent IS NULL AND NOT $needs_log) AS in_use
  FROM upstream_server AS m
), counted AS (
  SELECT
    m.source, m.server, m.pool,
    -- same: any entry will do
    min(m.entry) AS entry,
    count(*) AS listed,
    -- an address that is listed twice is one member
    count(DISTINCT m.address) FILTER (WHERE m.in_use IS TRUE) AS healthy,
    count(*) FILTER (WHERE m.in_use IS NOT TRUE AND m.out_of_use IS NOT TRUE) AS untold
  FROM member AS m
  GROUP BY m.source, m.server, m.pool
)
SELECT
  concat(p.source, '/', p.pool) AS resource,
  [p.entry, c.entry] AS entry,
  CASE
    WHEN p.in_use IS FALSE AND p.in_force IS TRUE
      THEN not_applicable('not_used', concat('no location sends requests to ', p.pool))
    WHEN p.members < $members
      THEN fail('too_few', concat(p.pool, ' has ', p.members, ' member(s), fewer than ', $members))
    WHEN p.none_left_recent >= $failures
      THEN fail('none_left', concat(p.pool, ': for ', p.none_left_recent, ' requests of the last minutes no member was left'))
    WHEN c.healthy + c.untold < $members
      THEN fail('too_few', concat(p.pool, ': ', c.healthy, ' of ', c.listed, ' members are healthy and not drained, fewer than ', $members))
    WHEN p.in_force IS FALSE
      THEN unknown('not_loaded', concat(p.pool, ': the configuration changed, and the running server has not read it since'))
    WHEN p.in_force IS TRUE AND c.healthy >= $members AND c.listed = p.members
         AND (p.none_left_recent >= 0 OR NOT $needs_log)
      THEN pass('balanced', concat(p.pool, ': ', c.healthy, ' of ', c.listed, ' members are healthy and not drained'))
    ELSE unknown('health_unknown', concat(p.pool, ': the health of its members, the error log, or whether the server has read its configuration, was not readable'))
  END AS result
FROM upstream_pool AS p
LEFT JOIN counted AS c ON c.source = p.source AND c.server = p.server AND c.pool = p.pool
