-- Population: each scope of which a review is recorded. Days are those of UTC; they count from the scope's first review
-- within the window to yesterday, since today is not over.
WITH known AS (
  SELECT
    coalesce(trim(r.scope), 'no scope') AS scope, r.scope IS NULL AS unnamed, r.entry, r.automated, r.exceptions_open_over_24h AS late,
    r.reviewed_at, date_trunc('day', r.reviewed_at) AS day
  FROM log_review AS r
), counted AS (
  SELECT
    k.scope, bool_or(k.unnamed) AS unnamed,
    -- same: any entry will do
    max_by(k.entry, k.reviewed_at) AS newest_entry, max(k.entry) AS entry,
    count(*) FILTER (WHERE k.reviewed_at IS NULL) AS undated,
    greatest(min(k.day), date_trunc('day', $as_of) - days($window_days)) AS from_day,
    count(DISTINCT k.day) FILTER (WHERE k.day >= date_trunc('day', $as_of) - days($window_days) AND k.day < date_trunc('day', $as_of) AND k.automated IS TRUE) AS good,
    count(DISTINCT k.day) FILTER (WHERE k.day >= date_trunc('day', $as_of) - days($window_days) AND k.day < date_trunc('day', $as_of) AND k.automated IS NOT FALSE) AS possible,
    -- same: a day in words
    max(k.day) FILTER (WHERE k.automated IS TRUE AND k.reviewed_at <= $as_of) AS last_day,
    max(k.late) FILTER (WHERE k.day >= date_trunc('day', $as_of) - days($window_days) AND k.reviewed_at <= $as_of) AS late,
    count(*) FILTER (WHERE k.day >= date_trunc('day', $as_of) - days($window_days) AND k.late IS NULL) AS late_untold
  FROM known AS k
  GROUP BY k.scope
), dated AS (
  SELECT c.*, date_diff('day', c.from_day, date_trunc('day', $as_of)) AS expected FROM counted AS c
)
SELECT
  d.scope AS resource,
  [coalesce(d.newest_entry, d.entry)] AS entry,
  CASE
    WHEN d.late > 0 AND d.unnamed IS FALSE
      THEN fail('exceptions_open', concat(d.scope, ': a review found ', d.late, ' exception(s) that nobody had taken up for more than 24 hours'))
    WHEN d.possible < d.expected AND d.undated = 0 AND d.unnamed IS FALSE
      THEN fail('days_missing', concat(d.scope, ': no automatic review on ', d.expected - d.possible, ' of ', d.expected, ' days since ',
                strftime(d.from_day, '%Y-%m-%d'), '; the last on ',
                -- same: words of the reason
                coalesce(strftime(d.last_day, '%Y-%m-%d'), 'no day')))
    WHEN d.expected > 0 AND d.good = d.expected AND d.late_untold = 0 AND d.undated = 0 AND d.unnamed IS FALSE
      THEN pass('daily', concat(d.scope, ': reviewed on each of ', d.expected, ' days since ', strftime(d.from_day, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(d.scope, ': when, of what, or by what a review was done, or what it left open, is not filled in, or there is no full day yet'))
  END AS result
FROM dated AS d
