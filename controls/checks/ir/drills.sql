-- Population: the exercises of the register, as one; one good exercise that is recent enough suffices.
WITH known AS (
  SELECT
    d.*,
    d.run_at > $as_of - days($max_days) AND d.run_at <= $as_of AND d.participants >= $participants
      AND d.lessons_recorded AND d.plan_updated AS good
  FROM drill AS d
), counted AS (
  SELECT
    -- same: any entry will do, and the day stands in the reason only
    coalesce(max_by(k.entry, k.run_at) FILTER (WHERE k.good IS TRUE), max(k.entry)) AS entry, max(k.run_at) FILTER (WHERE k.good IS TRUE) AS good_at,
    -- the newest that was held
    max(k.run_at) FILTER (WHERE k.run_at <= $as_of) AS held_at,
    count(*) FILTER (WHERE k.good IS NULL) AS untold
  FROM known AS k
  HAVING count(*) > 0
)
SELECT
  'drills' AS resource,
  c.entry,
  CASE
    WHEN c.good_at IS NULL AND c.untold = 0 AND c.held_at > $as_of - days($max_days)
      THEN fail('incomplete', concat('the exercise of ', strftime(c.held_at, '%Y-%m-%d'), ' had too few participants, or left no lessons or no updated plan'))
    WHEN c.good_at IS NULL AND c.untold = 0
      THEN fail('too_old', concat('the last exercise was held on ',
                -- same: words of the reason
                coalesce(strftime(c.held_at, '%Y-%m-%d'), 'no day yet'), '; one is due every ', $max_days, ' days'))
    WHEN c.good_at IS NOT NULL
      THEN pass('held', concat('an exercise was held on ', strftime(c.good_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(c.untold, ' exercise(s) lack a date, participants, or whether lessons and plan were written'))
  END AS result
FROM counted AS c
