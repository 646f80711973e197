-- Population: every account that was shown education records in the period (an erased person by the alias that is left).
-- Views that name nobody stand together. One view without live role, live relation and interest is enough for a fail.
WITH shown AS (
  SELECT
    e.source, coalesce(e.account, e.subject) AS account, e.entry, e.event, e.occurred_at,
    e.granted IS TRUE AND len(e.role) > 0 AND e.role_active IS TRUE AND len(e.relation) > 0 AND e.relation_active IS TRUE
      AND e.relation_from <= e.occurred_at AND (e.relation_until IS NULL OR e.relation_until > e.occurred_at) AND len(e.interest) > 0
      AND (len(e.student_ref) > 0 OR e.account IS NULL AND e.student_ref IS NULL AND e.subject IS NOT NULL) AS founded,
    e.granted IS TRUE AND (
      len(e.role) = 0 OR e.role_active IS FALSE OR len(e.relation) = 0 OR e.relation_active IS FALSE OR e.relation_from > e.occurred_at
      OR e.relation_until <= e.occurred_at OR len(e.interest) = 0
    ) AS unfounded,
    CASE
      WHEN len(e.role) = 0 OR e.role_active IS FALSE THEN 'without a live role'
      WHEN len(e.interest) = 0 THEN 'without a legitimate interest'
      ELSE 'without a live relation to the student'
    END AS lack
  FROM record_access_event AS e
  WHERE e.occurred_at >= $period_start AND e.occurred_at <= $period_end AND e.granted IS NOT FALSE
), counted AS (
  SELECT
    s.source, s.account, max(s.entry) AS entry, count(*) AS views,
    count(*) FILTER (WHERE s.founded IS TRUE) AS founded,
    count(*) FILTER (WHERE s.unfounded IS TRUE) AS unfounded,
    max(s.entry) FILTER (WHERE s.unfounded IS TRUE) AS bad_entry,
    arg_max(concat(s.event, ' of ', strftime(s.occurred_at, '%Y-%m-%d %H:%M'), ' UTC ', s.lack), s.entry) FILTER (WHERE s.unfounded IS TRUE) AS example
  FROM shown AS s
  GROUP BY s.source, s.account
)
SELECT
  concat(c.source, '/', coalesce(c.account, '(no name)')) AS resource,
  [c.entry, c.bad_entry] AS entry,
  CASE
    WHEN c.unfounded > 0
      THEN fail('unfounded', concat(c.account, ': ', c.unfounded, ' of ', c.views, ' views are unfounded, as event ', c.example))
    WHEN c.account <> '' AND c.founded = c.views
      THEN pass('founded', concat(c.account, ': each of ', c.views, ' views rests on a live role, a live relation and an interest'))
    ELSE unknown('not_readable', concat(c.account, ': of ', c.views, ' views the log tells for ', c.founded, ' only on what they rest'))
  END AS result
FROM counted AS c
