-- Population: every cache read, judged over the window its counters cover, and every location of the web servers read:
-- those of static files fill the caches of browsers.
WITH judged AS (
  SELECT
    concat(m.source, '/', m.cache) AS resource, m.entry, 'counted' AS what, m.cache AS name,
    m.use, m.window_s, m.lookups, m.hit_permille, NULL AS is_static, NULL AS browser_s, TRUE AS current
  FROM cache_metric AS m
  UNION ALL
  SELECT
    concat(l.source, '/', l.host, ' ', l.location), l.entry, 'location', concat(l.host, ' ', l.location),
    NULL, NULL, NULL, NULL, l.is_static, l.browser_s, l.in_force
  FROM cache_rule AS l
)
SELECT
  j.resource,
  j.entry,
  CASE
    WHEN j.what = 'location' AND j.is_static IS FALSE AND j.current IS TRUE
      THEN not_applicable('not_static', concat(j.name, ' serves no files of static types'))
    WHEN j.what = 'location' AND j.is_static IS TRUE AND j.browser_s < $static_days * 86400
      THEN fail('static_short', concat(j.name, ': browsers may keep its files for ', j.browser_s // 86400, ' days, fewer than ', $static_days))
    WHEN j.what = 'location' AND j.current IS FALSE
      THEN unknown('not_loaded', concat(j.name, ': the configuration changed, and the running server has not read it since'))
    WHEN j.what = 'location' AND j.current IS TRUE AND j.is_static IS TRUE AND j.browser_s >= $static_days * 86400
      THEN pass('static_kept', concat(j.name, ': browsers may keep its files for ', j.browser_s // 86400, ' days'))
    WHEN j.use = 'state'
      THEN not_applicable('no_cache', concat(j.name, ' is declared to hold no cache'))
    WHEN j.use = 'mixed'
      THEN unknown('mixed', concat(j.name, ' counts the look-ups of its caches together with others'))
    WHEN j.window_s < $window_hours * 3600
      THEN unknown('too_young', concat(j.name, ': its counters cover ', j.window_s // 3600, ' h, less than ', $window_hours, ' h'))
    WHEN j.window_s >= $window_hours * 3600 AND j.lookups <= $lookups
      THEN not_applicable('hardly_used', concat(j.name, ': ', j.lookups, ' look-ups in ', j.window_s // 3600, ' h'))
    WHEN j.lookups > $lookups AND j.hit_permille < $hit_permille
      THEN fail('misses', concat(j.name, ': ', j.hit_permille, ' of 1000 look-ups hit, fewer than ', $hit_permille))
    WHEN j.lookups > $lookups AND j.window_s >= $window_hours * 3600 AND j.hit_permille >= $hit_permille
      THEN pass('effective', concat(j.name, ': ', j.hit_permille, ' of 1000 look-ups hit over ', j.window_s // 3600, ' h'))
    ELSE unknown('not_readable', concat(j.name, ': counters, or how long browsers keep its files, were not readable'))
  END AS result
FROM judged AS j
