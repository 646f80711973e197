-- Population: every service of the register. The best of its projects decides. That it has none is proven only where every
-- project that was read lately names its service.
WITH project AS (
  SELECT
    p.service, p.entry, p.project,
    p.active IS TRUE AND p.alert_rules >= 1 AND p.last_event_at >= p.collected_at - hours($hours) AND p.last_event_at <= $as_of AS good,
    p.active IS FALSE OR p.alert_rules = 0 OR p.never_reported IS TRUE OR p.last_event_at < p.collected_at - hours($hours) AS bad, p.last_event_at
  FROM sentry_project AS p
), counted AS (
  SELECT
    p.service, count(*) AS projects, count(*) FILTER (WHERE p.good IS TRUE) AS good, count(*) FILTER (WHERE p.bad IS TRUE) AS bad,
    -- same: any entry will do, and examples stand in the reason only
    max(p.entry) AS entry, max(p.last_event_at) AS last_at, min(CASE WHEN p.good THEN p.project END) AS example, min(p.project) AS bad_example
  FROM project AS p
  GROUP BY p.service
), all_of_them AS (
  SELECT count(*) AS projects, count(p.service) AS named, min(p.collected_at) AS read_at FROM sentry_project AS p
)
SELECT
  concat(s.source, '/', s.service) AS resource,
  [s.entry, c.entry] AS entry,
  CASE
    WHEN list_contains($not_production, lower(s.environment))
      THEN not_applicable('not_production', concat(s.service, ' is declared to be ', s.environment))
    WHEN c.bad = c.projects
      THEN fail('not_reporting', concat(s.service, ': ', c.projects, ' projects, as ', c.bad_example, ', are closed, without alert rule or silent; last report ',
                -- same: words of the reason
                coalesce(strftime(c.last_at, '%Y-%m-%d %H:%M'), 'never')))
    WHEN c.projects IS NULL AND a.named = a.projects AND a.read_at >= $as_of - hours($hours)
      THEN fail('no_project', concat(s.service, ': none of the ', a.projects, ' projects that were read belongs to it'))
    WHEN c.good > 0
      THEN pass('reporting', concat(s.service, ': ', c.example, ' had a report within ', $hours, ' h and has an alert rule'))
    ELSE unknown('not_readable', concat(s.service, ': project, last report or alert rules were not readable'))
  END AS result
FROM service AS s
LEFT JOIN counted AS c ON c.service = s.service
-- same: always one row
LEFT JOIN all_of_them AS a ON TRUE
