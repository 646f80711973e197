-- Population: everything that is measured, and every machine of the inventory: one that is not measured must not vanish.
WITH measured AS (
  SELECT
    a.source, a.asset, a.hostname, a.environment, a.entry, count(DISTINCT m.metric) AS metrics,
    list(DISTINCT m.metric ORDER BY m.metric) AS names,
    -- same: any entry will do
    max(m.entry) AS metric_entry
  FROM asset AS a
  LEFT JOIN capacity_metric AS m ON m.host IN (a.asset, a.hostname) AND list_contains($machine_metrics, m.metric)
  GROUP BY a.source, a.asset, a.hostname, a.environment, a.entry
), judged AS (
  SELECT
    concat(m.source, '/', m.resource, ' ', m.metric) AS resource, [m.entry] AS entry, concat(m.resource, ' ', m.metric) AS name,
    m.environment, m.p95_permille, m.window_days, m.sampled_permille, m.computed_at, m.collected_at, NULL AS metrics, NULL AS names
  FROM capacity_metric AS m
  UNION ALL
  SELECT
    concat(a.source, '/', coalesce(a.hostname, a.asset)), [a.entry, a.metric_entry],
    -- same: words of the reason
    coalesce(a.hostname, a.asset),

    a.environment, NULL, NULL, NULL, NULL, NULL, a.metrics, a.names
  FROM measured AS a
)
SELECT
  j.resource,
  j.entry,
  CASE
    WHEN list_contains($not_production, lower(j.environment))
      THEN not_applicable('not_production', concat(j.name, ' is declared to be ', j.environment))
    WHEN j.p95_permille > $max_percent * 10 AND j.window_days >= $window_days AND j.sampled_permille >= $sampled_percent * 10
      THEN fail('short', concat(j.name, ': 95th percentile ', j.p95_permille, ' ‰ of the limit over ', j.window_days, ' days, more than ', $max_percent, ' %'))
    WHEN j.window_days < $window_days
      THEN unknown('window_short', concat(j.name, ': known for ', j.window_days, ' of ', $window_days, ' days'))
    WHEN j.sampled_permille < $sampled_percent * 10
      THEN unknown('samples_missing', concat(j.name, ': samples for ', j.sampled_permille, ' ‰ of the window only'))
    WHEN j.computed_at < j.collected_at - hours($hours)
      THEN unknown('old_figures', concat(j.name, ': its window ended on ', strftime(j.computed_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN j.p95_permille >= 0 AND j.window_days >= $window_days AND j.sampled_permille >= $sampled_percent * 10 AND j.computed_at <= $as_of
      THEN pass('headroom', concat(j.name, ': 95th percentile ', j.p95_permille, ' ‰ of the limit over ', j.window_days, ' days'))
    WHEN j.metrics = len($machine_metrics)
      THEN pass('measured', concat(j.name, ' is measured: ', array_to_string(j.names, ', ')))
    WHEN j.metrics <> len($machine_metrics)
      THEN unknown('not_measured', concat(j.name, ': of ', array_to_string($machine_metrics, ', '), ' only ', j.metrics, ' are measured'))
    ELSE unknown('not_readable', concat(j.name, ': use, window or samples were not readable'))
  END AS result
FROM judged AS j
