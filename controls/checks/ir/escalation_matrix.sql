-- Population: each critical service for each severity, and each rota; where a register is empty, that itself.
WITH ladder AS (
  SELECT
    concat(e.service, '/', e.severity) AS resource, max(e.entry) AS entry, count(*) AS n,
    count(*) FILTER (WHERE e.is_critical IS TRUE) AS critical, count(*) FILTER (WHERE e.is_critical IS FALSE) AS minor,
    count(DISTINCT e.level) FILTER (WHERE len(e.contacts) > 0) AS levels,
    len(list_distinct(flatten(list(list_transform(e.contacts, lambda c: folded(c)))))) AS contacts,
    count(e.contacts) AS told, min(e.reviewed_at) AS reviewed_at, max(e.reviewed_at) AS last_at, count(e.reviewed_at) AS reviewed
  FROM escalation_level AS e
  GROUP BY e.service, e.severity
), rota AS (
  SELECT
    concat('on-call/', o.rota) AS resource, max(o.entry) AS entry,
    count(DISTINCT o.day) FILTER (WHERE o.day >= date_trunc('day', $as_of) - days($days) AND o.day < date_trunc('day', $as_of)) AS days,
    count(*) FILTER (WHERE o.day >= date_trunc('day', $as_of) - days($days) AND o.day < date_trunc('day', $as_of) AND o.covered_minutes IS NULL) AS untold,
    count(*) FILTER (WHERE o.day >= date_trunc('day', $as_of) - days($days) AND o.day < date_trunc('day', $as_of) AND o.covered_minutes < 1440) AS open_days,
    min(o.day) FILTER (WHERE o.day >= date_trunc('day', $as_of) - days($days) AND o.day < date_trunc('day', $as_of) AND o.covered_minutes < 1440) AS open_day
  FROM oncall_coverage AS o
  GROUP BY o.rota
), given AS (
  SELECT (SELECT max(e.entry) FROM escalation_level AS e) AS matrix, (SELECT max(o.entry) FROM oncall_coverage AS o) AS oncall,
    (SELECT count(*) FROM ladder AS s WHERE s.minor < s.n) AS services
), thing AS (
  SELECT s.resource, s.entry, 'service' AS part FROM ladder AS s
  UNION ALL
  SELECT r.resource, r.entry, 'rota' FROM rota AS r
  UNION ALL
  SELECT 'on-call', g.matrix, 'missing' FROM given AS g WHERE g.oncall IS NULL AND g.matrix IS NOT NULL
  UNION ALL
  SELECT 'critical services', coalesce(g.oncall, g.matrix), 'missing' FROM given AS g
  WHERE g.services = 0 AND coalesce(g.oncall, g.matrix) IS NOT NULL
)
SELECT
  t.resource,
  t.entry,
  CASE
    WHEN s.minor = s.n
      THEN not_applicable('not_critical', concat(t.resource, ' is not critical'))
    WHEN s.critical = s.n AND s.told = s.n AND s.levels < $levels
      THEN fail('too_few_levels', concat(t.resource, ': ', s.levels, ' level(s) reach anybody, ', $levels, ' are needed'))
    WHEN s.critical = s.n AND s.told = s.n AND s.contacts < $levels
      THEN fail('same_contact', concat(t.resource, ': its levels reach ', s.contacts, ' different contact(s)'))
    WHEN s.critical = s.n AND s.reviewed_at < $as_of - days($review_days)
      THEN fail('not_reviewed', concat(t.resource, ': a level was last confirmed on ', strftime(s.reviewed_at, '%Y-%m-%d')))
    WHEN r.open_days > 0
      THEN fail('not_covered', concat(t.resource, ': nobody was on call for part of ', r.open_days, ' day(s), first on ', strftime(r.open_day, '%Y-%m-%d')))
    WHEN s.critical = s.n AND s.told = s.n AND s.levels >= $levels AND s.contacts >= $levels AND s.reviewed = s.n
         AND s.reviewed_at >= $as_of - days($review_days) AND s.last_at <= $as_of
      THEN pass('reachable', concat(t.resource, ': ', s.levels, ' levels, confirmed on ', strftime(s.reviewed_at, '%Y-%m-%d')))
    WHEN r.days = $days AND r.untold = 0 AND r.open_days = 0
      THEN pass('covered', concat(t.resource, ': every minute of the last ', $days, ' days was covered'))
    WHEN t.part = 'missing'
      THEN unknown('nothing_recorded', concat('nothing is recorded of: ', t.resource))
    ELSE unknown('not_filled', concat(t.resource, ': contacts, days or dates are missing, or a date lies in the future'))
  END AS result
FROM thing AS t
LEFT JOIN ladder AS s ON t.part = 'service' AND s.resource = t.resource
LEFT JOIN rota AS r ON t.part = 'rota' AND r.resource = t.resource
