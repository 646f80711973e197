-- Population: the newest test of this channel. A test without channel or time might be newer, and keeps the answer open.
WITH known AS (
  SELECT t.* FROM alert_test AS t
  WHERE (folded(t.channel) = 'email') IS NOT FALSE AND (t.sent_at > $as_of) IS NOT TRUE
), newest AS (
  SELECT
    max(k.sent_at) AS sent_at,
    -- same: any entry will do
    max(k.entry) AS any_entry,
    count(*) FILTER (WHERE k.channel IS NULL OR k.sent_at IS NULL) AS unclear
  FROM known AS k
  HAVING count(*) > 0
), arrived AS (
  SELECT
    -- same: any entry will do
    max(k.entry) AS entry,
    k.sent_at, count(*) AS n, count(k.delivered_at) AS delivered, max(k.delivered_at) AS delivered_at,
    min(k.delivered_at) AS first_at,
    count(*) FILTER (WHERE trim(k.confirmed_by) > '') AS confirmed
  FROM known AS k
  GROUP BY k.sent_at
)
SELECT
  'email' AS resource,
  [coalesce(a.entry, n.any_entry)] AS entry,
  CASE
    WHEN n.sent_at <= $as_of - days($max_days) AND n.unclear = 0
      THEN fail('too_old', concat('the last test alert by email was sent on ', strftime(n.sent_at, '%Y-%m-%d')))
    WHEN n.unclear = 0 AND a.delivered_at > n.sent_at + minutes($minutes)
      THEN fail('late', concat('the test alert sent at ', strftime(n.sent_at, '%Y-%m-%d %H:%M:%S'), ' arrived at ', strftime(a.delivered_at, '%Y-%m-%d %H:%M:%S')))
    WHEN n.unclear = 0 AND a.delivered = a.n AND a.confirmed = a.n
         AND a.first_at >= n.sent_at AND a.delivered_at <= $as_of
      THEN pass('arrived', concat('the test alert of ', strftime(n.sent_at, '%Y-%m-%d %H:%M:%S'), ' by email arrived in time and a person saw it'))
    ELSE unknown('not_filled', concat('the test alert of ',
                 -- same: words of the reason
                 coalesce(strftime(n.sent_at, '%Y-%m-%d %H:%M'), 'unknown date'), ' by email: its channel, a time, or who saw it arrive is not filled in or out of order'))
  END AS result
FROM newest AS n
LEFT JOIN arrived AS a ON a.sent_at = n.sent_at
