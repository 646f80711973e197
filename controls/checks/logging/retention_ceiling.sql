-- Population: every class that is a log, or may be, and holds personal data, or may. The ceiling is for what identifies
-- people; what is left without it may stay for the seven years of logging.retention_7y.
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
)
SELECT
  c.record_class AS resource,
  [c.entry, r.entry] AS entry,
  CASE
    WHEN c.is_log IS FALSE THEN not_applicable('no_log', concat(c.record_class, ' is no log'))
    WHEN c.is_log IS TRUE AND c.contains_personal_data IS FALSE THEN not_applicable('not_personal', concat(c.record_class, ' says nothing about people'))
    WHEN c.is_log IS TRUE AND c.contains_personal_data IS TRUE AND c.oldest_identifying_at < $as_of - days(c.max_days) AND c.identifying_records > coalesce(c.held_records, 0)
      THEN fail('too_old', concat(c.record_class, ': identifying records since ', strftime(c.oldest_identifying_at, '%Y-%m-%d'), ', ceiling ', c.max_days, ' days'))
    WHEN c.is_log IS TRUE AND c.contains_personal_data IS TRUE AND r.broken > 0
      THEN fail('run_failed', concat(c.record_class, ': the run on ', strftime(r.run_at, '%Y-%m-%d'), ' did not delete everything due'))
    WHEN c.is_log IS TRUE AND c.contains_personal_data IS TRUE AND r.run_at < $as_of - days($days)
      THEN fail('run_old', concat(c.record_class, ': the last run was on ', strftime(r.run_at, '%Y-%m-%d')))
    WHEN c.is_log IS TRUE AND c.contains_personal_data IS TRUE AND c.max_days > 0 AND trim(c.legal_basis) <> ''
         AND (c.identifying_records = 0 OR (c.oldest_identifying_at >= $as_of - days(c.max_days) AND c.oldest_identifying_at <= $as_of))
         AND r.undated = 0 AND r.whole = r.runs
      THEN pass('within', concat(c.record_class, ': nothing identifying is older than ', c.max_days, ' days'))
    ELSE unknown('not_filled', concat(c.record_class, ': ceiling, basis, oldest identifying record, or a whole run within ', $days, ' days is not filled in, or a hold covers it'))
  END AS result
FROM retention_class AS c
LEFT JOIN run AS r ON r.record_class = c.record_class
