-- Population: every stack that is compared, and every repository of infrastructure code that no comparison names.
WITH judged AS (
  SELECT
    i.source, i.stack AS name, i.entry, 'stack' AS what, i.checked_at, i.collected_at, i.check_complete, i.resources, i.drifted,
    i.unexplained, i.oldest_unexplained_at
  FROM iac_drift AS i
  UNION ALL
  SELECT r.source, r.repository, r.entry, 'repository', NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM repository AS r
  LEFT JOIN (SELECT DISTINCT i.repository FROM iac_drift AS i) AS i ON i.repository = r.repository
  WHERE r.is_iac IS NOT FALSE AND i.repository IS NULL
)
SELECT
  concat(j.source, '/', j.name) AS resource,
  j.entry,
  CASE
    WHEN j.what = 'repository'
      THEN unknown('not_compared', concat(j.name, ' may describe infrastructure, and no comparison that was read names it'))
    WHEN j.unexplained > 0 AND j.oldest_unexplained_at < j.collected_at - hours($hours)
      THEN fail('drift_open', concat(j.name, ': ', j.unexplained, ' unexplained differences, the oldest since ',
                strftime(j.oldest_unexplained_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN j.checked_at < j.collected_at - hours($compare_hours)
      THEN fail('not_compared_lately', concat(j.name, ' was last compared on ', strftime(j.checked_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN j.check_complete IS FALSE
      THEN unknown('partly_compared', concat(j.name, ': the last comparison did not reach every resource'))
    WHEN j.check_complete IS TRUE AND j.unexplained > 0 AND j.oldest_unexplained_at >= $as_of - hours($hours)
         AND j.oldest_unexplained_at <= $as_of
      THEN not_applicable('running', concat(j.name, ': ', j.unexplained, ' unexplained differences, since ',
                strftime(j.oldest_unexplained_at, '%Y-%m-%d %H:%M'), ' UTC; the time to close them runs'))
    WHEN j.checked_at >= $as_of - hours($compare_hours) AND j.checked_at <= $as_of AND j.check_complete IS TRUE AND j.resources > 0
         AND j.drifted >= 0 AND j.unexplained = 0
      THEN pass('as_described', concat(j.name, ': ', j.resources, ' resources compared on ', strftime(j.checked_at, '%Y-%m-%d %H:%M'),
                ' UTC, ', j.drifted, ' differ, all of them explained'))
    ELSE unknown('not_readable', concat(j.name, ': when it was compared, or what differs, was not readable'))
  END AS result
FROM judged AS j
