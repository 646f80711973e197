-- Population: every action of the catalogue that users take, and every change that an account has the right to make and
-- that no row of the catalogue names. A record in the trail shows that the action is recorded; the catalogue alone shows
-- nothing. That a record lacks is proven only in a trail that reaches back far enough and was read up to the end.
WITH record AS (
  SELECT e.source AS application, 'audit' AS trail, e.action AS act, e.object_type, e.occurred_at, e.entry
  FROM audit_event AS e
  WHERE e.occurred_at <= $as_of
  UNION ALL
  SELECT a.source, 'auth', a.event_type, '', a.occurred_at, a.entry
  FROM auth_event AS a
  WHERE a.occurred_at <= $as_of
), trail AS (
  SELECT
    r.application, r.trail, min(r.occurred_at) AS first_at,
    count(*) FILTER (WHERE r.act IS NULL OR r.object_type IS NULL) AS unread
  FROM record AS r
  GROUP BY r.application, r.trail
), done AS (
  SELECT c.of_source AS application, CASE c.of_kind WHEN 'audit_event' THEN 'audit' ELSE 'auth' END AS trail, max(c.started_at) AS upto
  FROM collection AS c
  WHERE c.of_kind IN ('audit_event', 'auth_event') AND c.outcome = 'complete'
  GROUP BY c.of_source, c.of_kind
), logs AS (
  SELECT l.source AS application, sum(l.rows_waiting) AS waiting, count(*) FILTER (WHERE l.rows_waiting IS NULL) AS untold
  FROM audit_log AS l
  GROUP BY l.source
), action AS (
  SELECT
    c.source, c.application, c.action, c.action_class, c.entry, c.trail, c.event_action, c.object_type, c.expected, c.expected_days, c.tested_at,
    c.event_action <> '' AND (c.trail = 'auth' OR c.trail = 'audit' AND c.object_type <> '') AS told,
    CASE
      WHEN c.expected = 'seldom' THEN $test_days
      WHEN c.expected = 'regular' AND c.expected_days > 0 AND c.expected_days <= $regular_days THEN c.expected_days
    END AS within_days
  FROM action_catalogue AS c
), found AS (
  SELECT
    a.source, a.application, a.action,
    count(*) FILTER (WHERE r.occurred_at > $as_of - days(a.within_days)) AS recent,
    count(*) FILTER (
      WHERE r.occurred_at >= a.tested_at - minutes($slack) AND r.occurred_at <= a.tested_at + minutes($slack)
    ) AS proven,
    -- same: any entry will do, and the time stands in the reason only
    max(r.occurred_at) AS last_at, max(r.entry) AS entry
  FROM action AS a
  LEFT JOIN record AS r
    ON r.application = a.application AND r.trail = a.trail AND r.act = a.event_action
    AND r.object_type = CASE a.trail WHEN 'auth' THEN '' ELSE a.object_type END
  GROUP BY a.source, a.application, a.action
), declared AS (
  SELECT DISTINCT a.application, a.event_action, a.object_type FROM action AS a WHERE a.trail = 'audit'
), one_right AS (
  SELECT r.source, r.object_type, unnest(coalesce(r.actions, ['?'])) AS permission, r.entry
  FROM application_right AS r
  WHERE r.object_type IS DISTINCT FROM '*'
), possible AS (
  SELECT
    o.source, o.object_type, o.permission,
    -- same: any entry will do
    min(o.entry) AS entry,

    CASE o.permission WHEN 'add' THEN 'create' WHEN 'change' THEN 'update' ELSE o.permission END AS event_action
  FROM one_right AS o
  WHERE o.permission IN ('add', 'change', 'delete', '*', '?')
  GROUP BY o.source, o.object_type, o.permission
), judged AS (
  SELECT
    a.source, a.application, a.action, concat(a.application, ' ', a.action) AS name, a.entry, a.trail, a.expected, a.within_days, a.tested_at,
    a.told, FALSE AS undeclared
  FROM action AS a
  WHERE (a.action_class IN ('admin', 'log_access', 'log_control', 'system_object')) IS NOT TRUE
  UNION ALL
  SELECT
    p.source, p.source, NULL, concat(p.source, ' right ', p.permission, ' ', p.object_type), p.entry, NULL, NULL, NULL, NULL, FALSE, TRUE
  FROM possible AS p
  LEFT JOIN declared AS d ON d.application = p.source AND d.event_action = p.event_action AND d.object_type = p.object_type
  WHERE d.application IS NULL
)
SELECT
  concat(j.source, '/', j.name) AS resource,
  [j.entry, f.entry] AS entry,
  CASE
    WHEN j.tested_at > $as_of - days($test_days) AND j.tested_at <= d.upto AND j.tested_at >= t.first_at AND j.told IS TRUE AND f.proven = 0
         AND t.unread = 0 AND w.waiting = 0 AND w.untold = 0
      THEN fail('trial_not_recorded', concat(j.name, ' was done on purpose on ', strftime(j.tested_at, '%Y-%m-%d %H:%M'),
                ' UTC, and no record of it is in the trail of ', j.application))
    WHEN j.expected = 'regular' AND j.told IS TRUE AND f.recent = 0 AND d.upto >= $as_of - hours($read_hours)
         AND t.first_at <= $as_of - days(j.within_days) AND t.unread = 0 AND w.waiting = 0 AND w.untold = 0
      THEN fail('never_recorded', concat(j.name, ' should happen within ', j.within_days, ' days, and the trail of ', j.application, ' has no record of it'))
    WHEN j.told IS TRUE AND f.proven > 0 AND j.tested_at > $as_of - days($test_days)
      THEN pass('trial_recorded', concat(j.name, ' was done on purpose on ', strftime(j.tested_at, '%Y-%m-%d %H:%M'), ' UTC, and its record is there'))
    WHEN j.told IS TRUE AND f.recent > 0
      THEN pass('recorded', concat(j.name, ': last record on ', strftime(f.last_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN j.undeclared IS TRUE
      THEN unknown('not_in_catalogue', concat(j.name, ': an account may do this, and the catalogue of actions does not name it'))
    WHEN j.told IS TRUE AND j.expected = 'seldom'
      THEN unknown('not_seen', concat(j.name, ': seldom done, and neither a record nor a trial of the last ', $test_days, ' days shows that it is recorded'))
    ELSE unknown('not_readable', concat(j.name, ': what its record looks like is not filled in, or the trail was not readable far enough'))
  END AS result
FROM judged AS j
LEFT JOIN found AS f ON f.source = j.source AND f.application = j.application AND f.action = j.action
LEFT JOIN trail AS t ON t.application = j.application AND t.trail = j.trail
LEFT JOIN done AS d ON d.application = j.application AND d.trail = j.trail
LEFT JOIN logs AS w ON w.application = j.application
