-- Population: every role or right that differs between two readings. A trail that was not completely read up to the second
-- reading, or in which rows still wait, proves no missing record. A record just outside the time between two readings
-- counts (clocks differ), unless it is the record of the change that another pair of readings shows.
WITH done AS (
  SELECT c.of_source AS source, max(c.started_at) AS upto
  FROM collection AS c
  WHERE c.of_kind = 'audit_event' AND c.outcome = 'complete'
  GROUP BY c.of_source
), logs AS (
  SELECT l.source, sum(l.rows_waiting) AS waiting, count(*) FILTER (WHERE l.rows_waiting IS NULL) AS untold
  FROM audit_log AS l
  WHERE l.purpose IS NOT DISTINCT FROM 'actions'
  GROUP BY l.source
), near AS (
  SELECT
    p.source, p.change, e.entry, count(q.change) AS claims,
    CASE WHEN e.occurred_at > p.seen_after AND e.occurred_at <= p.seen_by THEN 1 ELSE 0 END AS inside,
    CASE WHEN list_contains(e.changed_fields, p.field) THEN 1 ELSE 0 END AS names_it,
    CASE WHEN e.event <> '' AND e.changed_fields IS NULL THEN 1 ELSE 0 END AS unread
  FROM permission_change AS p
  LEFT JOIN audit_event AS e
    ON e.source = p.source AND e.object_type = p.object_type AND e.object_id = p.object_id
    AND e.occurred_at > p.seen_after - minutes($slack) AND e.occurred_at <= p.seen_by + minutes($slack)
  LEFT JOIN permission_change AS q
    ON q.source = p.source AND q.object_type = p.object_type AND q.object_id = p.object_id AND q.field = p.field
    AND q.seen_by IS DISTINCT FROM p.seen_by AND e.occurred_at > q.seen_after AND e.occurred_at <= q.seen_by
  GROUP BY p.source, p.change, e.entry, e.occurred_at, p.seen_after, p.seen_by, e.changed_fields, p.field, e.event
), seen AS (
  SELECT
    n.source, n.change,
    count(*) FILTER (WHERE n.names_it = 1 AND (n.inside = 1 OR n.claims = 0)) AS matched,
    count(*) FILTER (WHERE n.unread = 1) AS unread,
    -- same: one of the records stands for all
    max(n.entry) FILTER (WHERE n.names_it = 1 AND (n.inside = 1 OR n.claims = 0)) AS entry
  FROM near AS n
  GROUP BY n.source, n.change
)
SELECT
  concat(p.source, '/', p.change, ': ', p.role, ' ', p.change_type, ' ' || p.account) AS resource,
  [p.entry, s.entry] AS entry,
  CASE
    WHEN p.seen_by <= $as_of - days($days)
      THEN not_applicable('earlier', concat('seen on ', strftime(p.seen_by, '%Y-%m-%d'), ', before the time judged'))
    WHEN s.matched = 0 AND s.unread = 0 AND p.object_id <> '' AND p.object_type <> '' AND p.field <> ''
         AND p.seen_after < p.seen_by AND d.upto >= p.seen_by AND w.waiting = 0 AND w.untold = 0
      THEN fail('not_logged', concat(p.role, ' was ', p.change_type, ' between ', strftime(p.seen_after, '%Y-%m-%d %H:%M'), ' and ',
                strftime(p.seen_by, '%Y-%m-%d %H:%M'), ' UTC, and no audit record says so'))
    -- same: the time was asked above; a pass names what it rests on
    WHEN p.seen_by > $as_of - days($days) AND s.matched > 0
      THEN pass('logged', concat(p.role, ' was ', p.change_type, ', and an audit record says so'))
    ELSE unknown('trail_unread', concat(p.role, ' was ', p.change_type, '; the trail that would say so was not readable, or not up to then'))
  END AS result
FROM permission_change AS p
-- same: every change has its row there
LEFT JOIN seen AS s ON s.source = p.source AND s.change = p.change
LEFT JOIN done AS d ON d.source = p.source
LEFT JOIN logs AS w ON w.source = p.source
