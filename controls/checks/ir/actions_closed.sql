-- Population: actions due in the period, and those that are not over. How long an action may take follows from its incident.
WITH known AS (
  SELECT
    i.incident, min(i.severity) AS severity, count(*) AS n, count(i.severity) AS told,
    max(i.entry) AS entry  -- same: any entry will do
  FROM incident AS i
  GROUP BY i.incident
), timed AS (
  SELECT
    a.*, k.entry AS incident_entry, k.severity,
    CASE WHEN k.told = k.n THEN a.opened_at + days(CASE k.severity WHEN 'sev1' THEN $sev1_days ELSE $other_days END) END AS latest_due
  FROM postmortem_action AS a
  LEFT JOIN known AS k ON k.incident = a.incident
)
SELECT
  concat(t.source, '/', t.action) AS resource,
  [t.entry, t.incident_entry] AS entry,
  CASE
    WHEN t.closed_at > t.due_at
      THEN fail('late', concat(t.action, ' was due on ', strftime(t.due_at, '%Y-%m-%d'), ' and closed on ', strftime(t.closed_at, '%Y-%m-%d')))
    WHEN t.status = 'open' AND t.due_at < $as_of
      THEN fail('overdue', concat(t.action, ' is open and was due on ', strftime(t.due_at, '%Y-%m-%d')))
    WHEN t.due_at > t.latest_due
      THEN fail('due_too_late', concat(t.action, ' was given time until ', strftime(t.due_at, '%Y-%m-%d'), '; the rule gives it until ', strftime(t.latest_due, '%Y-%m-%d')))
    WHEN t.status = 'cancelled' AND folded(t.cancelled_by) <> '' AND folded(t.cancelled_by) = folded(t.owner)
      THEN fail('own_decision', concat(t.action, ' was given up by the person who was to do it'))
    WHEN t.status = 'cancelled' AND folded(t.cancelled_by) <> '' AND folded(t.owner) <> ''
         AND t.closed_at <= t.due_at AND t.closed_at <= $as_of
      THEN not_applicable('cancelled', concat(t.action, ' was given up on ', strftime(t.closed_at, '%Y-%m-%d'), ' by another person''s decision'))
    WHEN t.status = 'done' AND t.closed_at BETWEEN t.opened_at AND t.due_at AND t.closed_at <= $as_of AND t.due_at <= t.latest_due
      THEN pass('in_time', concat(t.action, ' was due on ', strftime(t.due_at, '%Y-%m-%d'), ' and done on ', strftime(t.closed_at, '%Y-%m-%d')))
    WHEN t.status = 'open' AND t.closed_at IS NULL AND t.due_at <= t.latest_due AND t.opened_at <= $as_of
      THEN not_applicable('running', concat(t.action, ' is due on ', strftime(t.due_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(t.action, ': its incident, status, persons or dates are not filled in, or out of order'))
  END AS result
FROM timed AS t
WHERE (t.due_at < $period_start) IS NOT TRUE OR (t.status IN ('done', 'cancelled')) IS NOT TRUE
