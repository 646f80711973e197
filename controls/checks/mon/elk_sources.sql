-- Population: every source of logs that is declared or arrives. Silence is measured up to the moment of the reading.
SELECT
  concat(l.source, '/', l.log_source) AS resource,
  l.entry,
  CASE
    WHEN l.expected IS FALSE
      THEN not_applicable('not_declared', concat(l.log_source, ' arrives without being declared'))
    WHEN l.never_seen IS TRUE
      THEN fail('never_seen', concat(l.log_source, ': not one line has arrived'))
    WHEN l.last_event_at < l.collected_at - minutes($silence_minutes)
      THEN fail('silent', concat(l.log_source, ': its last line is of ', strftime(l.last_event_at, '%Y-%m-%d %H:%M'), ' UTC, more than ',
                $silence_minutes, ' minutes before the reading'))
    WHEN l.ship_lag_p95_s > $lag_s
      THEN fail('late', concat(l.log_source, ': one line in twenty takes ', l.ship_lag_p95_s, ' s or longer, and ', $lag_s, ' s are allowed'))
    WHEN l.expected IS TRUE AND l.last_event_at <= $as_of AND l.ship_lag_p95_s >= 0
      THEN pass('delivers', concat(l.log_source, ': last line of ', strftime(l.last_event_at, '%Y-%m-%d %H:%M'), ' UTC, ', l.ship_lag_p95_s, ' s on the way'))
    ELSE unknown('not_readable', concat(l.log_source, ': whether it is expected, its last line or its delay was not readable'))
  END AS result
FROM log_source AS l
