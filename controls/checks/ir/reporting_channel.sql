-- Population: the two audiences; the register as a whole says by which ways each can report.
WITH register AS (
  -- same: any entry will do
  SELECT max(r.entry) AS entry
  FROM reporting_channel AS r
  HAVING count(*) > 0
), audience AS (
  SELECT g.entry, unnest(['staff', 'customers']) AS audience FROM register AS g
), known AS (
  SELECT
    r.*,
    r.is_active AND r.last_test_received AND r.last_test_at > $as_of - days($max_days) AND r.last_test_at <= $as_of AS good
  FROM reporting_channel AS r
), counted AS (
  SELECT
    k.audience,
    -- same: any entry will do
    coalesce(max_by(k.entry, k.last_test_at) FILTER (WHERE k.good IS TRUE), max(k.entry)) AS entry,
    -- same: a name in words
    max_by(k.channel, k.last_test_at) FILTER (WHERE k.good IS TRUE) AS channel,
    -- same: days in words
    max(k.last_test_at) FILTER (WHERE k.good IS TRUE) AS good_at, max(k.last_test_at) AS tested_at,
    count(*) FILTER (WHERE k.good IS NULL) AS untold
  FROM known AS k
  GROUP BY k.audience
)
SELECT
  a.audience AS resource,
  [coalesce(c.entry, a.entry)] AS entry,
  CASE
    WHEN c.entry IS NULL
      THEN fail('no_channel', concat(a.audience, ': no channel is recorded'))
    WHEN c.good_at IS NULL AND c.untold = 0
      THEN fail('not_tested', concat(a.audience, ': no active channel whose test arrived within ', $max_days, ' days; last test on ',
                -- same: words of the reason
                coalesce(strftime(c.tested_at, '%Y-%m-%d'), 'no day')))
    WHEN c.good_at IS NOT NULL
      THEN pass('tested', concat(a.audience, ': a test through ', c.channel, ' arrived on ', strftime(c.good_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(a.audience, ': whether ', c.untold, ' channel(s) are in use, or when a test arrived, is not filled in'))
  END AS result
FROM audience AS a
LEFT JOIN counted AS c ON c.audience = a.audience
