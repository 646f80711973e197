-- Population: every host that is reached from the internet, as the sites that are asked show it. One good check is enough,
-- but none that is on may show less than the goal, or hide what it shows. That there is no check is proven only where every check that was read
-- lately names its host.
WITH host AS (
  -- same: any entry will do
  SELECT h.source, lower(h.host) AS host, min(h.entry) AS entry
  FROM http_endpoint AS h
  WHERE (h.exposure IN ('private', 'loopback')) IS NOT TRUE
  GROUP BY h.source, lower(h.host)
), checked AS (
  SELECT
    u.host, u.entry, u.uptime_check, u.uptime_30d_ppm,
    u.active IS TRUE AND u.is_external IS TRUE AND u.interval_s <= $interval_s AND u.contacts >= $contacts
      AND u.last_checked_at >= u.collected_at - minutes($silence_minutes) AND u.last_checked_at <= $as_of AS works,
    u.active IS FALSE OR u.is_external IS FALSE OR u.interval_s > $interval_s OR u.contacts < $contacts
      OR u.last_checked_at < u.collected_at - minutes($silence_minutes) AS broken,
    u.measured_days >= $days AS measured,

    u.active IS TRUE AND u.is_external IS TRUE AND u.measured_days >= $days AND u.uptime_30d_ppm < $uptime_ppm AS goal_missed
  FROM uptime_check AS u
), counted AS (
  SELECT
    h.source, h.host, h.entry, count(c.entry) AS checks,
    count(*) FILTER (WHERE c.works IS TRUE AND c.measured IS TRUE) AS good,
    count(*) FILTER (WHERE c.broken IS TRUE) AS broken,
    count(*) FILTER (WHERE c.goal_missed IS TRUE) AS missed, count(c.goal_missed) AS told,
    -- same: any entry will do, and the figure stands in the reason only
    max(c.entry) AS check_entry, min(c.uptime_30d_ppm) AS uptime
  FROM host AS h
  LEFT JOIN checked AS c ON c.host = h.host
  GROUP BY h.source, h.host, h.entry
), all_of_them AS (
  SELECT count(*) AS n, count(u.host) AS told, min(u.collected_at) AS read_at FROM uptime_check AS u
)
SELECT
  concat(c.source, '/', c.host) AS resource,
  [c.entry, c.check_entry] AS entry,
  CASE
    WHEN c.missed > 0
      THEN fail('below_goal', concat(c.host, ' answered for ', c.uptime, ' millionths of 30 days, the goal is ', $uptime_ppm))
    WHEN c.checks > 0 AND c.broken = c.checks
      THEN fail('no_working_check', concat(c.host, ': none of its ', c.checks, ' checks is switched on, comes from outside, is made every ', $interval_s,
                ' s and tells ', $contacts))
    WHEN c.checks = 0 AND a.told = a.n AND a.read_at >= $as_of - minutes($read_minutes)
      THEN fail('not_checked', concat(c.host, ': none of the ', a.n, ' checks that were read is of this host'))
    WHEN c.good > 0 AND c.told = c.checks
      THEN pass('available', concat(c.host, ': checked from outside, answered for at least ', c.uptime, ' millionths of 30 days'))
    ELSE unknown('not_readable', concat(c.host, ': its checks, or 30 days of their results, were not readable'))
  END AS result
FROM counted AS c
-- same: always one row
LEFT JOIN all_of_them AS a ON TRUE
