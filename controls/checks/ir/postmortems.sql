-- Population: incidents that ended in the period or have not ended. A post-mortem may lie in another register.
WITH written AS (
  SELECT
    p.incident, max(p.entry) AS entry, count(*) AS n, max(p.published_at) AS published_at, min(p.published_at) AS first_at,
    count(p.published_at) AS dated,
    count(*) FILTER (WHERE p.has_cause IS TRUE) AS causes, count(*) FILTER (WHERE p.has_cause IS FALSE) AS without_cause,
    count(*) FILTER (WHERE p.has_actions IS TRUE) AS actions, count(*) FILTER (WHERE p.has_actions IS FALSE) AS without_actions
  FROM postmortem AS p
  GROUP BY p.incident
)
SELECT
  concat(i.source, '/', i.incident) AS resource,
  [i.entry, w.entry] AS entry,
  CASE
    WHEN i.severity = 'sev3'
      THEN not_applicable('minor', concat(i.incident, ' is of severity 3'))
    WHEN i.status = 'false_alarm'
      THEN not_applicable('false_alarm', concat(i.incident, ' was looked into and was nothing'))
    WHEN i.status IN ('open', 'contained') AND i.resolved_at IS NULL
      THEN not_applicable('running', concat(i.incident, ' is not resolved'))
    WHEN i.severity IN ('sev1', 'sev2') AND w.published_at > i.resolved_at + days($days)
      THEN fail('late', concat(i.incident, ' was resolved on ', strftime(i.resolved_at, '%Y-%m-%d'), ', its post-mortem published on ', strftime(w.published_at, '%Y-%m-%d')))
    WHEN i.severity IN ('sev1', 'sev2') AND w.n IS NULL AND i.resolved_at < $as_of - days($days)
      THEN fail('missing', concat(i.incident, ' was resolved on ', strftime(i.resolved_at, '%Y-%m-%d'), ' and has no post-mortem'))
    WHEN i.severity IN ('sev1', 'sev2') AND w.without_cause > 0
      THEN fail('no_cause', concat('the post-mortem of ', i.incident, ' names no cause'))
    WHEN i.severity IN ('sev1', 'sev2') AND w.without_actions > 0
      THEN fail('no_actions', concat('the post-mortem of ', i.incident, ' names no actions'))
    WHEN i.severity IN ('sev1', 'sev2') AND i.resolved_at <= $as_of AND w.first_at >= i.detected_at
         AND w.published_at <= i.resolved_at + days($days) AND w.published_at <= $as_of
         AND w.dated = w.n AND w.causes = w.n AND w.actions = w.n AND i.status = 'resolved'
      THEN pass('published', concat(i.incident, ' was resolved on ', strftime(i.resolved_at, '%Y-%m-%d'), ', its post-mortem published on ', strftime(w.published_at, '%Y-%m-%d')))
    WHEN i.status = 'resolved' AND i.resolved_at BETWEEN $as_of - days($days) AND $as_of AND w.published_at IS NULL
      THEN not_applicable('not_due', concat(i.incident, ' was resolved on ', strftime(i.resolved_at, '%Y-%m-%d'), '; its post-mortem is not due yet'))
    ELSE unknown('not_filled', concat(i.incident, ': severity, status, a date or a statement of its post-mortem is missing or out of order'))
  END AS result
FROM incident AS i
LEFT JOIN written AS w ON w.incident = i.incident
WHERE (i.resolved_at < $period_start) IS NOT TRUE
