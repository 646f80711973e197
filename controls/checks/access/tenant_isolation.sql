-- Population: every application whose isolation was ever tested. Only runs on the version that was in production count;
-- the newest of them decides. A run that does not say when it ended or on what may be that one. What the run says of the
-- version in production is held against the register of deployments, where there is one.
WITH run AS (
  SELECT
    t.*,
    lower(t.commit) = lower(t.deployed_commit) AS on_deployed,
    t.finished_at IS NULL OR t.finished_at > $as_of OR t.commit IS NULL OR t.deployed_commit IS NULL AS unclear
  FROM tenant_isolation_test AS t
), newest AS (
  SELECT r.*, row_number() OVER (PARTITION BY r.application ORDER BY r.finished_at DESC, r.failed DESC NULLS FIRST, r.source, r.run) AS nth
  FROM run AS r
  WHERE r.on_deployed IS TRUE AND r.finished_at <= $as_of
), deployed AS (
  SELECT n.source, n.run, d.repository, arg_max(coalesce(nullif(d.commit, ''), '?'), d.deployed_at) AS commit
  FROM newest AS n
  -- join: a run without deployments is looked for below
  JOIN deployment AS d
    ON d.is_production IS TRUE AND d.deployed_at <= n.finished_at AND (d.rolled_back_at <= n.finished_at) IS NOT TRUE
  GROUP BY n.source, n.run, d.repository
), version AS (
  SELECT
    n.source, n.run, count(*) FILTER (WHERE starts_with(lower(d.commit), lower(n.commit)) OR starts_with(lower(n.commit), lower(d.commit))) AS agreeing
  FROM deployed AS d
  -- same: it was made of these runs
  LEFT JOIN newest AS n ON n.source = d.source AND n.run = d.run
  GROUP BY n.source, n.run
), application AS (
  SELECT
    r.application, count(*) AS runs, count(*) FILTER (WHERE r.unclear IS TRUE) AS unclear,
    -- same: any of them will do
    min(r.source) AS source, min(r.entry) AS entry
  FROM run AS r
  GROUP BY r.application
)
SELECT
  concat(a.source, '/', coalesce(a.application, '(no application)')) AS resource,
  [a.entry, n.entry] AS entry,
  CASE
    WHEN n.failed > 0 AND a.unclear = 0
      THEN fail('leaks', concat(n.application, ': in run ', n.run, ' of ', strftime(n.finished_at, '%Y-%m-%d %H:%M'), ' UTC ', n.failed, ' tests failed'))
    WHEN n.finished_at < n.collected_at - hours($hours) AND a.unclear = 0
      THEN fail('too_old', concat(n.application, ': the last run on the version in production, ', n.run, ', ended on ',
                strftime(n.finished_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN v.agreeing = 0
      THEN unknown('contradicted', concat(n.application, ': run ', n.run, ' says ', n.commit, ' was in production, and the register of deployments does not'))
    WHEN n.skipped > 0
      THEN unknown('skipped', concat(n.application, ': run ', n.run, ' left out ', n.skipped, ' tests'))
    WHEN n.tenants < 2
      THEN unknown('one_tenant', concat(n.application, ': run ', n.run, ' knew one institution, so nothing was tried between two'))
    WHEN n.application <> '' AND len(n.commit) >= 7 AND n.failed = 0 AND n.skipped = 0 AND n.passed >= $min_tests AND n.passed = n.tests
         AND n.tenants >= 2 AND n.started_at <= n.finished_at AND n.finished_at >= $as_of - hours($hours) AND a.unclear = 0
      THEN pass('isolated', concat(n.application, ': run ', n.run, ' of ', strftime(n.finished_at, '%Y-%m-%d %H:%M'), ' UTC, ', n.passed,
                ' tests between ', n.tenants, ' institutions passed on the version in production'))
    WHEN n.run IS NULL AND a.unclear = 0 AND a.application <> ''
      THEN unknown('other_version', concat(a.application, ': none of ', a.runs, ' runs was on the version in production'))
    -- same: words of the reason
    ELSE unknown('not_readable', concat(coalesce(a.application, 'a run that names no application'), ': which run is the newest, or what it found, is not filled in'))
  END AS result
FROM application AS a
LEFT JOIN newest AS n ON n.application = a.application AND n.nth = 1
LEFT JOIN version AS v ON v.source = n.source AND v.run = n.run
