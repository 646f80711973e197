-- Population: withdrawals of the period, those whose processing is not known to have stopped before it, entries that do
-- not say what was done; and each law and channel by which consent was given in the period. FERPA has no rule on withdrawal.
WITH given AS (
  SELECT e.source, e.regime, e.channel,
    -- same: any of them is one it rests on
    max(e.entry) AS entry
  FROM consent_event AS e
  WHERE e.action = 'granted' AND (e.acted_at < $period_start) IS NOT TRUE AND e.regime IS DISTINCT FROM 'ferpa'
  GROUP BY e.source, e.regime, e.channel
), tried AS (
  SELECT
    t.regime, t.channel,
    -- same: any of them is one it rests on
    max(t.entry) AS entry,
    count(*) FILTER (WHERE t.logged_in_test IS FALSE) AS failed, min(t.last_selftest_at) AS at,
    count(*) FILTER (WHERE t.logged_in_test IS TRUE AND t.last_selftest_at <= $as_of) AS good, count(*) AS n
  FROM compliance_event_type AS t
  WHERE t.event_type = 'consent_withdrawn'
  GROUP BY t.regime, t.channel
), item AS (
  SELECT
    concat('withdrawal ', e.event_id) AS name, [e.entry] AS entry, e.action, e.acted_at AS at, e.effective_at, NULL AS failed, NULL AS good, NULL AS n
  FROM consent_event AS e
  WHERE (e.action IN ('granted', 'refused')) IS NOT TRUE AND (e.acted_at < $period_start AND e.effective_at < $period_start) IS NOT TRUE
    AND e.regime IS DISTINCT FROM 'ferpa'
  UNION ALL
  SELECT
    concat('channel ', coalesce(g.channel, 'not named'), ' (', coalesce(g.regime, 'no law named'), ')'), [g.entry, t.entry], 'channel', t.at, NULL, t.failed, t.good, t.n
  FROM given AS g
  LEFT JOIN tried AS t ON t.regime = g.regime AND t.channel = g.channel
)
SELECT
  i.name AS resource,
  i.entry,
  CASE
    WHEN i.failed > 0
      THEN fail('cannot_withdraw', concat(i.name, ': the withdrawal tried on ', strftime(i.at, '%Y-%m-%d'), ' was not recorded'))
    WHEN i.action = 'channel' AND i.at < $as_of - days($test_days)
      THEN fail('test_old', concat(i.name, ': a withdrawal was last tried on ', strftime(i.at, '%Y-%m-%d')))
    WHEN i.action = 'withdrawn' AND i.effective_at > i.at + hours($hours) AND i.at < $as_of - hours($hours)
      THEN fail('too_slow', concat(i.name, ' of ', strftime(i.at, '%Y-%m-%d %H:%M'), ' was to take effect within ', $hours, ' hours; it is dated ', strftime(i.effective_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN i.action = 'withdrawn' AND i.at <= $as_of AND i.at >= $as_of - hours($hours) AND (i.effective_at <= $as_of) IS NOT TRUE
      THEN not_applicable('running', concat(i.name, ' of ', strftime(i.at, '%Y-%m-%d %H:%M'), ' UTC has its hours still running'))
    WHEN i.good = i.n
      THEN pass('can_withdraw', concat(i.name, ': a withdrawal was tried on ', strftime(i.at, '%Y-%m-%d'), ' and recorded'))
    WHEN i.action = 'withdrawn' AND i.effective_at >= i.at AND i.effective_at <= $as_of
      THEN pass('stopped', concat(i.name, ' of ', strftime(i.at, '%Y-%m-%d'), ' took effect within ', $hours, ' hours'))
    ELSE unknown('not_filled', concat(i.name, ': times, action or trial are not filled in or contradict each other'))
  END AS result
FROM item AS i
