-- Population: every repository, left-joined to its lists of components.
WITH listed AS (
  SELECT
    c.source,
    c.repository,
    min(c.entry) AS entry,  -- same: any entry will do
    count(*) AS lists,
    sum(c.components) AS components,
    count(*) FILTER (WHERE (c.components >= 0 AND c.unpinned >= 0) IS NOT TRUE) AS unparsed,
    sum(c.unpinned) AS unpinned,
    count(*) FILTER (WHERE (c.advisories_checked_at <= $as_of) IS NOT TRUE) AS uncompared,
    min(c.advisories_checked_at) AS oldest
  FROM component_inventory AS c
  GROUP BY c.source, c.repository
)
SELECT
  concat(r.source, '/', r.repository) AS resource,
  [r.entry, l.entry] AS entry,
  CASE
    WHEN l.lists IS NULL
      THEN fail('not_listed', concat(r.repository, ' has neither a lock file nor a bill of materials'))
    WHEN l.unpinned > 0
      THEN fail('unpinned', concat(r.repository, ': ', l.unpinned, ' component(s) without an exact version'))
    WHEN l.unparsed > 0
      THEN unknown('unparsed', concat(r.repository, ': ', l.unparsed, ' list(s) of components cannot be parsed'))
    WHEN l.components = 0
      THEN fail('not_listed', concat(r.repository, ': its lists name no component'))
    WHEN l.oldest < $as_of - to_hours($hours::INTEGER)
      THEN fail('too_old', concat(r.repository, ' was last compared with advisories at ', strftime(l.oldest, '%Y-%m-%d %H:%M'), ' UTC'))
    -- by now every list is parsed and exact, and none was compared too long ago
    WHEN l.uncompared = 0
      THEN pass('compared', concat(r.repository, ': ', l.components, ' components, compared at ', strftime(l.oldest, '%Y-%m-%d %H:%M'), ' UTC'))
    ELSE unknown('not_compared', concat(r.repository, ': ', l.components, ' components listed; a comparison with advisories was not read'))
  END AS result
FROM repository AS r
LEFT JOIN listed AS l ON l.source = r.source AND l.repository = r.repository
