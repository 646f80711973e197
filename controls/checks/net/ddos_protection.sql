-- Population: every zone that a provider protects, and every public host that answered, by the longest zone it is in. A
-- zone that two providers have is as good as the worse of them.
WITH protection AS (
  SELECT
    z.zone, count(*) AS told,
    count(*) FILTER (WHERE z.enabled IS TRUE) AS guarded,
    count(*) FILTER (WHERE z.enabled IS FALSE) AS unguarded,
    count(*) FILTER (WHERE z.origin_reachable_directly IS FALSE) AS closed,
    count(*) FILTER (WHERE z.origin_reachable_directly IS TRUE) AS open,
    count(z.unprotected_names) AS names_told,
    flatten(list(z.unprotected_names)) AS past,
    count(*) FILTER (WHERE z.origin_checked_at >= $as_of - days($check_days) AND z.origin_checked_at <= $as_of) AS tried,
    -- same: any entry and name will do, and the day stands in the reason only
    max(z.entry) AS entry, min(z.provider) AS provider, min(z.origin_checked_at) AS tried_at
  FROM ddos_config AS z
  GROUP BY z.zone
), host AS (
  -- same: any entry will do
  SELECT h.source, lower(h.host) AS host, min(h.entry) AS entry
  FROM http_endpoint AS h
  WHERE (h.exposure IN ('private', 'loopback')) IS NOT TRUE
  GROUP BY h.source, lower(h.host)
), placed AS (
  SELECT h.source, h.host, h.entry, max_by(z.zone, len(z.zone)) AS zone
  FROM host AS h
  LEFT JOIN protection AS z ON z.zone = h.host OR ends_with(h.host, '.' || z.zone)
  GROUP BY h.source, h.host, h.entry
), target AS (
  SELECT z.source, z.zone AS name, z.entry, z.zone, 'zone' AS what, z.is_public FROM ddos_config AS z
  UNION ALL
  SELECT p.source, p.host, p.entry, p.zone, 'host', TRUE FROM placed AS p
)
SELECT
  concat(t.source, '/', t.what, ' ', t.name) AS resource,
  [t.entry, p.entry] AS entry,
  CASE
    WHEN t.is_public IS FALSE
      THEN not_applicable('not_public', concat(t.name, ' is not reached from the internet'))
    WHEN p.unguarded > 0
      THEN fail('off', concat(t.name, ': protection of ', p.zone, ' is switched off'))
    WHEN p.open > 0
      THEN fail('origin_open', concat(t.name, ': an origin of ', p.zone, ' answers whoever knows its address'))
    WHEN t.what = 'host' AND list_contains(p.past, t.name)
      THEN fail('past_protection', concat(t.name, ' leads past the protection of ', p.zone))
    WHEN t.what = 'zone' AND len(p.past) > 0
      THEN fail('names_past', concat(t.name, ': ', len(p.past), ' names lead past the protection, as ', p.past[1]))
    WHEN t.is_public IS TRUE AND p.guarded = p.told AND p.closed = p.told AND p.names_told = p.told AND p.tried = p.told
      THEN pass('protected', concat(t.name, ': ', p.provider, ' protects ', p.zone, ', and its origin did not answer on ', strftime(p.tried_at, '%Y-%m-%d')))
    WHEN t.zone IS NULL
      THEN unknown('no_zone', concat(t.name, ' is reached from the internet, and no provider that was read protects a zone of it'))
    ELSE unknown('not_readable', concat(t.name, ': protection, names past it or the reach of its origin was not readable, or not tried in the last ', $check_days, ' days'))
  END AS result
FROM target AS t
LEFT JOIN protection AS p ON p.zone = t.zone
