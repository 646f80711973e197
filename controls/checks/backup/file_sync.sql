-- Population: every pair of locations that a tool keeps the same.
SELECT
  concat(f.source, '/', f.pair) AS resource,
  f.entry,
  CASE
    WHEN list_contains($not_production, lower(f.environment))
      THEN not_applicable('not_production', concat(f.pair, ' is declared to be ', f.environment))
    WHEN f.enabled IS FALSE
      THEN fail('off', concat(f.pair, ': copying is switched off'))
    WHEN f.failed_objects > 0
      THEN fail('failed', concat(f.pair, ': ', f.failed_objects, ' files could not be copied'))
    WHEN f.other_site IS FALSE
      THEN fail('same_site', concat(f.pair, ': both locations are at one site'))
    WHEN f.lag_p95_s > $lag_p95_s
      THEN fail('slow', concat(f.pair, ': one file in twenty takes longer than ', f.lag_p95_s, ' s, and ', $lag_p95_s, ' s are allowed'))
    WHEN f.lag_max_s > $lag_max_s
      THEN fail('very_slow', concat(f.pair, ': a file took ', f.lag_max_s, ' s, and ', $lag_max_s, ' s are allowed'))
    WHEN f.sampled_at < f.collected_at - minutes($sample_minutes)
      THEN unknown('old_sample', concat(f.pair, ': its figures are of ', strftime(f.sampled_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN f.enabled IS TRUE AND f.other_site IS TRUE AND f.failed_objects = 0 AND f.objects > 0
         AND f.lag_p95_s <= $lag_p95_s AND f.lag_max_s <= $lag_max_s AND f.sampled_at <= $as_of
      THEN pass('in_time', concat(f.pair, ': ', f.objects, ' files, the slowest after ', f.lag_max_s, ' s, none failed'))
    WHEN f.enabled IS TRUE AND f.failed_objects = 0 AND f.objects = 0 AND f.sampled_at <= $as_of
      THEN not_applicable('idle', concat(f.pair, ': no file came in the ', f.window_minutes, ' minutes of its window'))
    ELSE unknown('not_readable', concat(f.pair, ': state, place, delay or failures were not readable'))
  END AS result
FROM file_sync AS f
