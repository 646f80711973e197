-- Population: every group of instances, and every service of the register that may keep no state and has no group.
WITH judged AS (
  SELECT
    g.source, g.group_name AS name, g.entry, 'group' AS what, g.environment, g.is_stateless, g.enabled, g.min_size, g.max_size,
    g.pinned_at_max_minutes_24h AS pinned, g.observed_minutes_24h AS observed
  FROM autoscaling_group AS g
  UNION ALL
  SELECT s.source, s.service, s.entry, 'service', s.environment, s.is_stateless, NULL, NULL, NULL, NULL, NULL
  FROM service AS s
  LEFT JOIN (SELECT DISTINCT g.service FROM autoscaling_group AS g) AS g ON g.service = s.service
  WHERE g.service IS NULL
)
SELECT
  concat(j.source, '/', j.name) AS resource,
  j.entry,
  CASE
    WHEN list_contains($not_production, lower(j.environment))
      THEN not_applicable('not_production', concat(j.name, ' is declared to be ', j.environment))
    WHEN j.is_stateless IS FALSE
      THEN not_applicable('keeps_state', concat(j.name, ' keeps state'))
    WHEN j.what = 'service'
      THEN unknown('no_group', concat(j.name, ': no group that was read runs this service'))
    WHEN j.enabled IS FALSE
      THEN fail('off', concat(j.name, ' does not scale by itself'))
    WHEN j.min_size < $min_size
      THEN fail('too_small', concat(j.name, ' may shrink to ', j.min_size, ', fewer than ', $min_size))
    WHEN j.max_size <= j.min_size
      THEN fail('no_room', concat(j.name, ' cannot grow beyond ', j.max_size))
    WHEN j.pinned > $pinned_minutes
      THEN fail('stuck', concat(j.name, ' was at its maximum of ', j.max_size, ' for ', j.pinned, ' minutes of the last day'))
    WHEN j.enabled IS TRUE AND j.min_size IS NOT NULL AND j.max_size IS NOT NULL AND j.pinned <= $pinned_minutes
         AND j.observed >= $observed_minutes
      THEN pass('scales', concat(j.name, ' scales between ', j.min_size, ' and ', j.max_size, ', at the maximum for ', j.pinned, ' minutes of the last day'))
    ELSE unknown('not_readable', concat(j.name, ': limits, or minutes at the maximum over most of a day, were not readable'))
  END AS result
FROM judged AS j
