-- Population: breaches of the period and open ones, and incidents in which personal data is involved, or may be.
WITH registered AS (
  SELECT b.incident, count(*) AS n FROM breach AS b GROUP BY b.incident
), judged AS (
  SELECT b.*, concat('breach ', b.breach) AS resource
  FROM breach AS b
  WHERE (b.status = 'closed' AND b.aware_at < $period_start AND b.measures_updated_at < $period_start) IS NOT TRUE
  UNION ALL BY NAME
  SELECT i.entry, concat('incident ', i.incident) AS resource, i.personal_data, i.personal_data_decided_at AS decided_at
  FROM incident AS i
  LEFT JOIN registered AS r ON r.incident = i.incident
  WHERE r.incident IS NULL AND i.personal_data IS DISTINCT FROM FALSE AND i.status IS DISTINCT FROM 'false_alarm'
    AND (greatest(i.detected_at, i.resolved_at) < $period_start AND i.status = 'resolved') IS NOT TRUE
)
SELECT
  j.resource,
  j.entry,
  CASE
    WHEN j.personal_data IS TRUE AND j.decided_at < $as_of - days($register_days)
      THEN fail('not_registered', concat(j.resource, ' involves personal data since ', strftime(j.decided_at, '%Y-%m-%d'), ' and no breach names it'))
    WHEN j.personal_data IS TRUE AND j.decided_at <= $as_of
      THEN not_applicable('running', concat(j.resource, ' is to be registered as a breach'))
    WHEN j.status = 'open' AND j.aware_at < $as_of - days($days)
         AND (j.facts IS NULL OR j.effects IS NULL OR j.remedial_action IS NULL OR j.cause_analysis IS NULL OR j.measures_updated_at IS NULL)
      THEN fail('not_written', concat(j.resource, ' is open since ', strftime(j.aware_at, '%Y-%m-%d'), ' without facts, effects, remedy, cause or measures'))
    WHEN j.status = 'open' AND j.aware_at >= $as_of - days($days) AND j.aware_at <= $as_of
      THEN not_applicable('running', concat(j.resource, ' is open since ', strftime(j.aware_at, '%Y-%m-%d'), '; the review goes on'))
    WHEN j.status IN ('open', 'closed') AND trim(j.facts) <> '' AND trim(j.effects) <> ''
         AND trim(j.remedial_action) <> '' AND trim(j.cause_analysis) <> '' AND j.measures_updated_at >= j.aware_at AND j.measures_updated_at <= $as_of
      THEN pass('registered', concat(j.resource, ' is registered whole; measures updated on ', strftime(j.measures_updated_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(j.resource, ': whether personal data is involved, status, times, facts, effects, remedy, cause or measures is not filled in'))
  END AS result
FROM judged AS j
