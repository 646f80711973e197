-- Population: all disclosure records, and every register that once had more lines than at its last reading: a line that
-- is gone altogether would otherwise be judged by nobody.
WITH reading AS (
  SELECT
    c.of_source, max(c.rows) AS most, arg_max(c.rows, c.occurred_at) AS newest, arg_max(c.entry, c.occurred_at) AS entry
  FROM collection AS c
  WHERE c.of_kind = 'disclosure_record' AND c.outcome = 'complete' AND c.occurred_at >= $period_start
  GROUP BY c.of_source
), judged AS (
  SELECT d.disclosure_id AS name, d.entry, d.record_exists, d.education_record_exists, d.record_deleted_at, d.education_record_deleted_at, 0 AS gone
  FROM disclosure_record AS d
  UNION ALL
  SELECT concat('register of ', r.of_source), r.entry, NULL, NULL, NULL, NULL, r.most - r.newest
  FROM reading AS r
  WHERE r.most > r.newest
)
SELECT
  j.name AS resource,
  j.entry,
  CASE
    WHEN j.gone > 0
      THEN unknown('lines_gone', concat('the ', j.name, ' has ', j.gone, ' line(s) less than it had in the period'))
    WHEN (j.record_exists IS TRUE AND j.record_deleted_at <= $as_of)
         OR (j.education_record_exists IS TRUE AND j.education_record_deleted_at <= $as_of)
      THEN unknown('contradiction', concat(j.name, ' says of a record both that it is kept and when it was deleted'))
    WHEN j.record_exists IS FALSE AND j.education_record_exists IS TRUE
      THEN fail('deleted_before', concat('disclosure record ', j.name, ' is gone and its education record is still kept'))
    WHEN j.record_exists IS FALSE AND j.record_deleted_at < j.education_record_deleted_at
      THEN fail('deleted_before', concat('disclosure record ', j.name, ' was deleted on ', strftime(j.record_deleted_at, '%Y-%m-%d'), ', its education record on ',
                strftime(j.education_record_deleted_at, '%Y-%m-%d')))
    WHEN j.record_exists IS TRUE
      THEN pass('kept', concat('disclosure record ', j.name, ' is kept'))
    WHEN j.record_exists IS FALSE AND j.education_record_exists IS FALSE
         AND j.record_deleted_at >= j.education_record_deleted_at AND j.record_deleted_at <= $as_of
      THEN pass('ended_with_it', concat('disclosure record ', j.name, ' was deleted on ', strftime(j.record_deleted_at, '%Y-%m-%d'), ', no sooner than its education record'))
    ELSE unknown('not_filled', concat(j.name, ' does not say whether the records are kept, or when they were deleted'))
  END AS result
FROM judged AS j
