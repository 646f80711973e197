-- Population: every cache read, judged over the window its counters cover.
SELECT
  concat(m.source, '/', m.cache) AS resource,
  m.entry,
  CASE
    WHEN m.use = 'state'
      THEN not_applicable('no_cache', concat(m.cache, ' is declared to hold no cache'))
    WHEN m.use = 'mixed'
      THEN unknown('mixed', concat(m.cache, ' counts the look-ups of its caches together with others'))
    WHEN m.window_s < $window_hours * 3600
      THEN unknown('too_young', concat(m.cache, ': its counters cover ', m.window_s // 3600, ' h, less than ', $window_hours, ' h'))
    WHEN m.window_s >= $window_hours * 3600 AND m.lookups <= $lookups
      THEN not_applicable('hardly_used', concat(m.cache, ': ', m.lookups, ' look-ups in ', m.window_s // 3600, ' h'))
    WHEN m.lookups > $lookups AND m.hit_permille < $hit_permille
      THEN fail('misses', concat(m.cache, ': ', m.hit_permille, ' of 1000 look-ups hit, fewer than ', $hit_permille))
    WHEN m.lookups > $lookups AND m.window_s >= $window_hours * 3600 AND m.hit_permille >= $hit_permille
      THEN pass('effective', concat(m.cache, ': ', m.hit_permille, ' of 1000 look-ups hit over ', m.window_s // 3600, ' h'))
    ELSE unknown('not_readable', concat(m.cache, ': counters were not readable'))
  END AS result
FROM cache_metric AS m
