-- Population: every application whose isolation was ever tested. Only runs on the version that was in production count;
-- the newest of them decides. A run that does not say when it ended or on what may be that one.
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
), application AS (
  SELECT
    r.application, min(r.source) AS source, min(r.entry) AS entry, count(*) AS runs,
    count(*) FILTER (WHERE r.unclear IS TRUE) AS unclear
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
    WHEN n.skipped > 0
      THEN unknown('skipped', concat(n.application, ': run ', n.run, ' left out ', n.skipped, ' tests'))
    WHEN n.tenants < 2
      THEN unknown('one_tenant', concat(n.application, ': run ', n.run, ' knew one institution, so nothing was tried between two'))
    WHEN n.application <> '' AND len(n.commit) >= 7 AND n.failed = 0 AND n.skipped = 0 AND n.passed >= $min_tests AND n.passed = n.tests
         AND n.tenants >= 2 AND n.started_at <= n.finished_at AND n.finished_at >= $as_of - hours($hours)
      THEN pass('isolated', concat(n.application, ': run ', n.run, ' of ', strftime(n.finished_at, '%Y-%m-%d %H:%M'), ' UTC, ', n.passed,
                ' tests between ', n.tenants, ' institutions passed on the version in production'))
    WHEN n.run IS NULL AND a.unclear = 0 AND a.application <> ''
      THEN unknown('other_version', concat(a.application, ': none of ', a.runs, ' runs was on the version in production'))
    ELSE unknown('not_readable', concat(coalesce(a.application, 'a run that names no application'), ': which run is the newest, or what it found, is not filled in'))
  END AS result
FROM application AS a
LEFT JOIN newest AS n ON n.application = a.application AND n.nth = 1
