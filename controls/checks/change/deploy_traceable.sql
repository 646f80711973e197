-- Population: deployments of the period, from the pipeline's side: what no change explains is found only here.
WITH known AS (
  SELECT
    max(c.entry) AS entry,  -- same: any entry will do
    c.change, count(*) AS n, max(c.approved_at) AS approved_at, count(c.approved_at) AS dated,
    count(*) FILTER (WHERE c.status IN ('rejected', 'cancelled')) AS refused,
    count(*) FILTER (WHERE c.status IN ('approved', 'implemented', 'rolled_back')) AS accepted,
    count(*) FILTER (WHERE c.is_production IS TRUE) AS production,
    count(*) FILTER (WHERE c.change_type = 'emergency') AS emergency,
    count(*) FILTER (WHERE c.change_type IN ('normal', 'standard')) AS ordinary
  FROM change_request AS c
  GROUP BY c.change
)
SELECT
  concat(d.source, '/', d.deployment) AS resource,
  [d.entry, k.entry] AS entry,
  CASE
    WHEN d.is_production IS FALSE
      THEN not_applicable('not_production', concat(d.deployment, ' went to ', d.environment))
    WHEN d.is_production IS TRUE AND d.ci_passed IS FALSE
      THEN fail('build_failed', concat(d.deployment, ' of ', strftime(d.deployed_at, '%Y-%m-%d'), ': the build or its tests had not passed'))
    WHEN d.is_production IS TRUE AND trim(d.change) <> '' AND k.n IS NULL
      THEN fail('change_not_found', concat(d.deployment, ' names change ', d.change, ', which the register of changes does not have'))
    WHEN d.is_production IS TRUE AND k.refused > 0
      THEN fail('change_refused', concat(d.deployment, ': change ', d.change, ' was rejected or cancelled'))
    WHEN d.is_production IS TRUE AND k.ordinary = k.n AND k.approved_at > d.deployed_at
      THEN fail('approved_late', concat(d.deployment, ' began on ', strftime(d.deployed_at, '%Y-%m-%d %H:%M'), ', change ', d.change, ' was approved on ', strftime(k.approved_at, '%Y-%m-%d %H:%M')))
    WHEN k.emergency = k.n AND d.ci_passed IS TRUE
      THEN not_applicable('emergency', concat(d.deployment, ': change ', d.change, ' is an emergency'))
    WHEN d.is_production IS TRUE AND d.ci_passed IS TRUE AND trim(d.pull_request) <> '' AND trim(d."commit") <> ''
         AND k.ordinary = k.n AND k.accepted = k.n AND k.production = k.n AND k.dated = k.n
         AND d.deployed_at <= $as_of
      THEN pass('traceable', concat(d.deployment, ' of ', strftime(d.deployed_at, '%Y-%m-%d'), ' belongs to change ', d.change, ', approved on ', strftime(k.approved_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(d.deployment, ': its environment, date, commit, pull request, build or change is not filled in, or its change is not clear'))
  END AS result
FROM deployment AS d
LEFT JOIN known AS k ON k.change = d.change
WHERE (d.deployed_at < $period_start) IS NOT TRUE
