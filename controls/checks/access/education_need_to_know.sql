-- Population: every account that was shown education records in the period (an erased person by the alias that is left).
-- Views that name nobody stand together. One view without live role, live relation and interest is enough for a fail.
WITH shown AS (
  SELECT
    e.source, coalesce(e.account, e.subject) AS account, e.entry, e.event, e.occurred_at,
    e.granted IS TRUE AND e.role <> '' AND e.role_active IS TRUE AND e.relation <> '' AND e.relation_active IS TRUE
      AND e.relation_from <= e.occurred_at AND e.interest <> ''
      AND (e.student_ref <> '' OR e.account IS NULL AND e.student_ref IS NULL) AS founded,
    e.granted IS TRUE AND (
      e.role = '' OR e.role_active IS FALSE OR e.relation = '' OR e.relation_active IS FALSE OR e.relation_from > e.occurred_at
      OR e.relation_until <= e.occurred_at OR e.interest = ''
    ) AS unfounded
  FROM record_access_event AS e
  WHERE e.occurred_at >= $period_start AND e.occurred_at <= $period_end AND e.granted IS NOT FALSE
), counted AS (
  SELECT
    s.source, s.account, count(*) AS views,
    count(*) FILTER (WHERE s.founded IS TRUE) AS founded,
    count(*) FILTER (WHERE s.unfounded IS TRUE) AS unfounded,
    -- same: any entry will do, and the example stands in the reason only
    max(s.entry) AS entry, max(CASE WHEN s.unfounded THEN s.entry END) AS bad_entry, max(CASE WHEN s.unfounded THEN concat(s.event, ' of ', strftime(s.occurred_at, '%Y-%m-%d %H:%M'), ' UTC') END) AS example
  FROM shown AS s
  GROUP BY s.source, s.account
)
SELECT
  concat(c.source, '/', coalesce(c.account, '(no name)')) AS resource,
  [c.entry, c.bad_entry] AS entry,
  CASE
    WHEN c.unfounded > 0
      THEN fail('unfounded', concat(c.account, ': ', c.unfounded, ' of ', c.views, ' views had no live role, no live relation to the student or no interest, as event ', c.example))
    WHEN c.account <> '' AND c.founded = c.views
      THEN pass('founded', concat(c.account, ': each of ', c.views, ' views rests on a live role, a live relation and an interest'))
    ELSE unknown('not_readable', concat(c.account, ': of ', c.views, ' views the log tells for ', c.founded, ' only on what they rest'))
  END AS result
FROM counted AS c
