-- Population: the windows for monthly updates, as one; one that was completed recently suffices.
WITH known AS (
  SELECT
    w.*,
    w.window_type = 'monthly_update' AND w.status = 'completed' AND w.actual_end > $as_of - days($max_days) AND w.actual_end <= $as_of AS good
  FROM maintenance_window AS w
  WHERE (w.window_type = 'monthly_update') IS NOT FALSE
), counted AS (
  SELECT
    -- same: any entry will do
    coalesce(max_by(k.entry, k.actual_end) FILTER (WHERE k.good IS TRUE), max(k.entry)) AS entry,
    max(k.actual_end) FILTER (WHERE k.good IS TRUE) AS good_at, -- same: which of them stands in the reason only
    -- same: stands in the reason only
    coalesce(strftime(max(k.actual_end) FILTER (WHERE k.status = 'completed' AND k.actual_end <= $as_of), '%Y-%m-%d'), 'no day yet') AS last_day,
    count(*) FILTER (WHERE k.good IS NULL) AS untold
  FROM known AS k
  HAVING count(*) > 0
)
SELECT
  'monthly update' AS resource,
  c.entry,
  CASE
    WHEN c.good_at IS NULL AND c.untold = 0
      THEN fail('too_old', concat('the last window for updates was completed on ', c.last_day))
    WHEN c.good_at IS NOT NULL
      THEN pass('completed', concat('a window for updates was completed on ', strftime(c.good_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(c.untold, ' window(s) lack their type, status or end'))
  END AS result
FROM counted AS c
