-- Population: the rollbacks of the register as one (a good one that is recent enough suffices), and each real one of the period.
WITH known AS (
  SELECT
    r.*,
    r.succeeded AND r.started_at > $as_of - days($max_days) AND r.finished_at <= $as_of
      AND r.finished_at BETWEEN r.started_at AND r.started_at + minutes($minutes) AS good
  FROM rollback_event AS r
), whole AS (
  SELECT
    -- same: any entry will do; a good one is shown
    coalesce(max_by(k.entry, k.finished_at) FILTER (WHERE k.good IS TRUE), max(k.entry)) AS entry,
    -- same: any day will do in the reason
    max(k.finished_at)
      FILTER (WHERE k.good IS TRUE) AS good_at,
    max(k.started_at) AS last_at,  -- same: only the reason names it
    count(*) FILTER (WHERE k.good IS NULL) AS untold
  FROM known AS k
  HAVING count(*) > 0
), explained AS (
  SELECT
    k.source, k.rollback, count(i.incident) + count(c.change) AS found,
    max(i.entry) AS incident_entry,  -- same: any entry will do
    max(c.entry) AS change_entry  -- same: any entry will do
  FROM known AS k
  LEFT JOIN incident AS i ON i.incident = k.incident
  LEFT JOIN change_request AS c ON c.change = k.change
  GROUP BY k.source, k.rollback
), thing AS (
  SELECT 'rollback' AS resource, [w.entry] AS entry, w.good_at, w.last_at, w.untold, 'all' AS label
  FROM whole AS w
  UNION ALL BY NAME
  SELECT
    concat(k.source, '/', k.rollback) AS resource, [k.entry, e.incident_entry, e.change_entry] AS entry, k.started_at,
    trim(concat(k.incident, k.change)) <> '' AS is_named, e.found, k.rollback AS label, k.is_drill
  FROM known AS k
  -- same: every rollback has its row
  LEFT JOIN explained AS e
    ON e.source = k.source AND e.rollback = k.rollback
  WHERE (k.started_at < $period_start) IS NOT TRUE
)
SELECT
  t.resource,
  t.entry,
  CASE
    -- only the whole has untold and good_at; only an event has is_drill, is_named and found
    WHEN t.good_at IS NULL AND t.untold = 0
      THEN fail('none_recent', concat('no rollback of the last ', $max_days, ' days succeeded within ', $minutes, ' minutes; the last began on ', strftime(t.last_at, '%Y-%m-%d')))
    WHEN t.is_drill IS FALSE AND t.is_named AND t.found = 0
      THEN fail('not_found', concat(t.label, ' of ', strftime(t.started_at, '%Y-%m-%d'), ' names an incident or change that is not recorded'))
    WHEN t.is_drill IS TRUE
      THEN not_applicable('drill', concat(t.label, ' was an exercise'))
    WHEN t.good_at IS NOT NULL
      THEN pass('succeeded', concat('a rollback ended well on ', strftime(t.good_at, '%Y-%m-%d'), ', within ', $minutes, ' minutes'))
    WHEN t.is_drill IS FALSE AND t.found > 0 AND t.started_at <= $as_of
      THEN pass('explained', concat(t.label, ' of ', strftime(t.started_at, '%Y-%m-%d'), ' belongs to a recorded incident or change'))
    ELSE unknown('not_filled', concat(t.label, ': a time, the outcome, or the incident or change is not filled in'))
  END AS result
FROM thing AS t
