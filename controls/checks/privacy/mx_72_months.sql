-- Population: every record of an unmet obligation. Calendar months, in the local date; what was deleted is judged too.
WITH due AS (
  SELECT d.*, months_after(d.breached_at, $months) AS ends_at FROM debt_record AS d
), dated AS (
  -- same: a term ends with the last microsecond of a day, which is never the moment judged
  SELECT d.*, d.ends_at < $as_of AS is_over FROM due AS d
)
SELECT
  d.record AS resource,
  d.entry,
  CASE
    WHEN d.deleted_at > d.ends_at + days($grace_days) AND d.deleted_at <= $as_of
      THEN fail('deleted_late', concat(d.record, ': due on ', local_date(d.ends_at), ', deleted on ', local_date(d.deleted_at)))
    WHEN (d.deleted_at <= $as_of) IS NOT TRUE AND d.is_over IS TRUE
      THEN fail('kept_too_long', concat(d.record, ': ', $months, ' months ended on ', local_date(d.ends_at)))
    WHEN d.deleted_at >= d.breached_at AND d.deleted_at <= $as_of AND d.deleted_at <= d.ends_at + days($grace_days)
      THEN pass('deleted', concat(d.record, ' was deleted on ', local_date(d.deleted_at)))
    WHEN d.breached_at <= $as_of AND d.is_over IS FALSE AND d.deleted_at IS NULL  -- null: not deleted, and need not be
      THEN pass('within_term', concat(d.record, ' may be kept until ', local_date(d.ends_at)))
    ELSE unknown('not_filled', concat(d.record, ': when the obligation was not met is not filled in or does not fit'))
  END AS result
FROM dated AS d
