-- Population: every database server read.
SELECT
  concat(a.source, '/', a.instance) AS resource,
  a.entry,
  CASE
    WHEN a.enabled IS FALSE
      THEN fail('not_archiving', concat(a.instance, ' does not archive'))
    WHEN a.last_failed_at > coalesce(a.last_archived_at, a.last_failed_at - minutes(1))
      THEN fail('failing', concat(a.instance, ': archiving failed at ', strftime(a.last_failed_at, '%Y-%m-%d %H:%M'), ' UTC and has not succeeded since'))
    WHEN a.earliest_restore_at > $as_of - days($window_days)
      THEN fail('window_short', concat(a.instance, ': can be restored from ', strftime(a.earliest_restore_at, '%Y-%m-%d %H:%M'), ' UTC only'))
    WHEN a.latest_restore_at < $as_of - minutes($lag_minutes)
      THEN fail('lagging', concat(a.instance, ': can be restored up to ', strftime(a.latest_restore_at, '%Y-%m-%d %H:%M'), ' UTC only'))
    WHEN a.enabled IS TRUE AND a.earliest_restore_at <= $as_of - days($window_days) AND a.latest_restore_at >= $as_of - minutes($lag_minutes)
      THEN pass('restorable', concat(a.instance, ': can be restored from ', strftime(a.earliest_restore_at, '%Y-%m-%d %H:%M'),
                ' to ', strftime(a.latest_restore_at, '%Y-%m-%d %H:%M'), ' UTC'))
    ELSE unknown('window_unknown', concat(a.instance, ': archiving or the restorable window was not readable'))
  END AS result
FROM archive_status AS a
