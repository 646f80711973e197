-- Population: every class of retention, and every name that the inventory of data uses and no class has.
WITH last AS (
  SELECT
    r.record_class, max(r.run_at) FILTER (WHERE r.run_at <= $as_of) AS run_at, count(*) FILTER (WHERE r.run_at IS NULL) AS undated
  FROM retention_run AS r
  GROUP BY r.record_class
), run AS (
  SELECT
    l.record_class, l.run_at, l.undated, count(*) AS runs,
    max(r.entry) AS entry,  -- same: of two runs of one moment either entry will do
    count(*) FILTER (WHERE r.failed > 0 OR r.deleted + r.held < r.eligible) AS broken,
    count(*) FILTER (WHERE r.failed = 0 AND r.deleted + r.held = r.eligible AND (r.held = 0 OR trim(r.hold_reference) > '')) AS whole
  FROM last AS l
  -- same: a class none of whose runs has a date has no whole run either way
  LEFT JOIN retention_run AS r ON r.record_class = l.record_class AND r.run_at = l.run_at
  GROUP BY l.record_class, l.run_at, l.undated
), class AS (
  SELECT c.record_class, c.entry, c.contains_personal_data, c.max_days, c.legal_basis, TRUE AS is_declared FROM retention_class AS c
  UNION ALL BY NAME
  -- same: of two entries of the inventory either will do
  SELECT a.retention_class AS record_class, max(a.entry) AS entry, FALSE AS is_declared
  FROM data_asset AS a
  LEFT JOIN retention_class AS c ON c.record_class = a.retention_class
  WHERE c.record_class IS NULL AND trim(a.retention_class) > ''  -- a name that is empty is judged by privacy.data_inventory
  GROUP BY a.retention_class
)
SELECT
  c.record_class AS resource,
  [c.entry, r.entry] AS entry,
  CASE
    WHEN c.is_declared IS FALSE
      THEN fail('not_declared', concat('the inventory uses the class ', c.record_class, ', which is not declared'))
    WHEN c.contains_personal_data IS FALSE AND c.max_days IS NULL
      THEN not_applicable('no_end', concat(c.record_class, ' holds nothing personal and has no end'))
    WHEN r.broken > 0
      THEN fail('run_failed', concat(c.record_class, ': the run on ', strftime(r.run_at, '%Y-%m-%d'), ' did not delete everything due'))
    WHEN r.run_at < $as_of - days($days)
      THEN fail('run_old', concat(c.record_class, ': the last run was on ', strftime(r.run_at, '%Y-%m-%d')))
    WHEN c.contains_personal_data IS NOT NULL AND c.max_days > 0 AND trim(c.legal_basis) <> ''
         AND r.undated = 0 AND r.whole = r.runs
      THEN pass('applied', concat(c.record_class, ': ', c.max_days, ' days; last run on ', strftime(r.run_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(c.record_class, ': term, basis, or a whole run within ', $days, ' days is not filled in'))
  END AS result
FROM class AS c
LEFT JOIN run AS r ON r.record_class = c.record_class
