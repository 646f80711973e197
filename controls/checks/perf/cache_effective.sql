-- Population: every cache read, judged over the window its counters cover, and every location of the web servers read:
-- those of static files fill the caches of browsers.
WITH judged AS (
  SELECT
    concat(m.source, '/', m.cache) AS resource, m.entry, m.cache AS name,
    m.use, m.window_s // 3600 AS hours, m.lookups, m.hit_permille, -- same: hours in words
    m.window_s >= $window_hours * 3600 AS long_enough, m.lookups > $lookups AS is_used,
    NULL AS is_static, NULL AS browser_s, NULL AS current
  FROM cache_metric AS m
  UNION ALL
  SELECT
    concat(l.source, '/', l.host, ' ', l.location), l.entry, concat(l.host, ' ', l.location),
    NULL, NULL, NULL, NULL, NULL, NULL, l.is_static, l.browser_s, l.in_force
  FROM cache_rule AS l
)
SELECT
  j.resource,
  j.entry,
  CASE
    WHEN j.is_static IS FALSE AND j.current IS TRUE
      THEN not_applicable('not_static', concat(j.name, ' serves no files of static types'))
    WHEN j.is_static IS TRUE AND j.browser_s < $static_days * 86400
      THEN fail('static_short', concat(j.name, ': browsers may keep its files for ', j.browser_s, ' s, less than ', $static_days, ' days'))
    WHEN j.current IS FALSE
      THEN unknown('not_loaded', concat(j.name, ': the configuration changed, and the running server has not read it since'))
    WHEN j.is_static IS TRUE AND j.current IS TRUE AND j.browser_s >= $static_days * 86400
      THEN pass('static_kept', concat(j.name, ': browsers may keep its files for ', j.browser_s, ' s, at least ', $static_days, ' days'))
    WHEN j.use = 'state'
      THEN not_applicable('no_cache', concat(j.name, ' is declared to hold no cache'))
    WHEN j.use = 'mixed'
      THEN unknown('mixed', concat(j.name, ' counts the look-ups of its caches together with others'))
    WHEN j.long_enough IS FALSE
      THEN unknown('too_young', concat(j.name, ': its counters cover ', j.hours, ' h, less than ', $window_hours, ' h'))
    WHEN j.long_enough IS TRUE AND j.is_used IS FALSE
      THEN not_applicable('hardly_used', concat(j.name, ': ', j.lookups, ' look-ups in ', j.hours, ' h'))
    WHEN j.long_enough IS TRUE AND j.is_used IS TRUE AND j.hit_permille < $hit_permille
      THEN fail('misses', concat(j.name, ': ', j.hit_permille, ' of 1000 look-ups hit, fewer than ', $hit_permille))
    WHEN j.long_enough IS TRUE AND j.is_used IS TRUE AND j.hit_permille >= $hit_permille
      THEN pass('effective', concat(j.name, ': ', j.hit_permille, ' of 1000 look-ups hit over ', j.hours, ' h'))
    ELSE unknown('not_readable', concat(j.name, ': counters, or how long browsers keep its files, were not readable'))
  END AS result
FROM judged AS j
