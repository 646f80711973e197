-- Population: every service that was ever tried, and every critical one of the register. The newest trial that ended
-- decides; one whose end is not filled in may be the newest.
WITH trial AS (
  SELECT t.*, t.finished_at IS NULL OR t.finished_at > $as_of AS unclear
  FROM load_test AS t
), newest AS (
  SELECT t.*, row_number() OVER (PARTITION BY t.service ORDER BY t.finished_at DESC, t.source, t.load_test) AS nth
  FROM trial AS t
  WHERE t.finished_at <= $as_of
), doubt AS (
  SELECT t.service, count(*) AS trials
  FROM trial AS t
  WHERE t.unclear IS TRUE
  GROUP BY t.service
), said AS (
  SELECT
    s.service, count(*) FILTER (WHERE s.is_critical IS NOT FALSE) AS critical,
    count(*) FILTER (WHERE list_contains($not_production, lower(s.environment)) IS NOT TRUE) AS productive,
    -- same: any of them will do
    min(s.source) AS source, min(s.entry) AS entry
  FROM service AS s
  GROUP BY s.service
), named AS (
  -- same: any of them will do
  SELECT t.service, min(t.source) AS source, min(t.entry) AS entry FROM load_test AS t GROUP BY t.service
), target AS (
  SELECT n.source, n.entry, n.service, 1 AS productive, 1 AS critical FROM named AS n
  UNION ALL
  SELECT s.source, s.entry, s.service, s.productive, s.critical
  FROM said AS s
  LEFT JOIN named AS n ON n.service = s.service
  WHERE n.service IS NULL
)
SELECT
  concat(g.source, '/', coalesce(g.service, '(no service)')) AS resource,
  [g.entry, n.entry] AS entry,
  CASE
    WHEN g.productive = 0
      THEN not_applicable('not_production', concat(g.service, ' is declared not to be production'))
    WHEN g.critical = 0
      THEN not_applicable('not_critical', concat(g.service, ' is declared not to be critical, and was never tried'))
    WHEN n.passed IS FALSE AND u.trials IS NULL
      THEN fail('missed', concat(n.service, ': trial ', n.load_test, ' of ', strftime(n.finished_at, '%Y-%m-%d'), ' missed its goals'))
    WHEN n.achieved_rps < n.expected_peak_rps AND u.trials IS NULL
      THEN fail('below_peak', concat(n.service, ': trial ', n.load_test, ' reached ', n.achieved_rps, ' requests a second, the expected peak is ', n.expected_peak_rps))
    WHEN n.p95_ms > n.p95_limit_ms AND u.trials IS NULL
      THEN fail('slow', concat(n.service, ': trial ', n.load_test, ' answered within ', n.p95_ms, ' ms at the 95th percentile, the limit is ', n.p95_limit_ms))
    WHEN n.errors * 1000000 > n.requests * $error_ppm AND u.trials IS NULL
      THEN fail('errors', concat(n.service, ': trial ', n.load_test, ' had ', n.errors, ' errors in ', n.requests, ' requests'))
    WHEN n.finished_at < n.collected_at - days($max_days) AND u.trials IS NULL
      THEN fail('overdue', concat(n.service, ': the last trial, ', n.load_test, ', ended on ', strftime(n.finished_at, '%Y-%m-%d')))
    WHEN n.is_like_production IS FALSE AND lower(n.environment) IS DISTINCT FROM 'production'
      THEN unknown('unlike', concat(n.service, ': trial ', n.load_test, ' ran on ', n.environment, ', which is not like production'))
    WHEN n.service <> '' AND n.passed IS TRUE AND n.expected_peak_rps > 0 AND n.achieved_rps >= n.expected_peak_rps
         AND n.p95_ms <= n.p95_limit_ms AND n.requests > 0 AND n.errors >= 0
         AND (n.is_like_production IS TRUE OR lower(n.environment) = 'production')
         AND n.finished_at >= $as_of - days($max_days)
         AND u.trials IS NULL  -- null: no trial of the service is in doubt
      THEN pass('holds', concat(n.service, ': trial ', n.load_test, ' of ', strftime(n.finished_at, '%Y-%m-%d'), ' sustained ', n.achieved_rps,
                ' requests a second, expected peak ', n.expected_peak_rps))
    WHEN g.service <> '' AND n.load_test IS NULL AND u.trials IS NULL
      THEN unknown('never', concat(g.service, ': critical, or not said to be otherwise, and no trial is recorded'))
    -- same: words of the reason
    ELSE unknown('not_readable', concat(coalesce(g.service, 'a trial that names no service'), ': which trial is the newest, or what it found, is not filled in'))
  END AS result
FROM target AS g
LEFT JOIN newest AS n ON n.service = g.service AND n.nth = 1
LEFT JOIN doubt AS u ON u.service = g.service
