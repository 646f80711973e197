-- Population: the types that the proof of $law needs, and whatever else the register lists for it, by channel. A type that
-- the register does not have rests on the register as a whole.
WITH listed AS (
  SELECT t.* FROM compliance_event_type AS t WHERE t.regime = $law
), wanted AS (
  SELECT w.event_type, a.entry
  FROM (SELECT unnest($event_types) AS event_type) AS w
  -- same: always one row, and any entry of the register will do
  LEFT JOIN (SELECT max(t.entry) AS entry FROM compliance_event_type AS t) AS a ON true
  LEFT JOIN listed AS l ON l.event_type = w.event_type
  WHERE l.event_type IS NULL AND a.entry IS NOT NULL
), item AS (
  SELECT concat(l.event_type, ' (', l.channel, ')') AS name, l.entry, true AS is_listed, l.last_selftest_at AS tried_at, l.logged_in_test, l.collected_at
  FROM listed AS l
  UNION ALL
  SELECT w.event_type, w.entry, false, NULL, NULL, NULL
  FROM wanted AS w
)
SELECT
  i.name AS resource,
  i.entry,
  CASE
    WHEN i.logged_in_test IS FALSE
      THEN fail('not_logged', concat(i.name, ' was tried on ', strftime(i.tried_at, '%Y-%m-%d %H:%M'), ' UTC and not found in the log'))
    WHEN i.tried_at < i.collected_at - hours($hours)
      THEN fail('test_old', concat(i.name, ' was last tried on ', strftime(i.tried_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN i.is_listed IS FALSE
      THEN unknown('not_listed', concat(i.name, ' is not in the register of event types'))
    WHEN i.logged_in_test IS TRUE AND i.tried_at <= i.collected_at
      THEN pass('logged', concat(i.name, ' was tried on ', strftime(i.tried_at, '%Y-%m-%d %H:%M'), ' UTC and found in the log'))
    ELSE unknown('not_tried', concat(i.name, ': when it was tried, or whether the log had it, is not told'))
  END AS result
FROM item AS i
