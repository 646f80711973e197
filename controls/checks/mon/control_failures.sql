-- Population: failures that are not over, whatever their age, and those that began or ended in the period. Working days are
-- Monday to Friday; a day counts to its end (UTC).
WITH judged AS (
  SELECT
    f.*, f.started_at + minutes($alert_minutes) AS alert_by,
    date_trunc('day', f.ended_at)
      + days($business_days + 2 * ((least(isodow(f.ended_at), 5) - 1 + $business_days) // 5) - greatest(isodow(f.ended_at) - 5, 0) + 1) AS record_by,
    nullif(trim(f.cause), '') AS cause_told, nullif(trim(f.remedy), '') AS remedy_told
  FROM control_failure AS f
)
SELECT
  j.failure AS resource,
  j.entry,
  CASE
    WHEN j.alerted_at > j.alert_by
      THEN fail('alerted_late', concat(j.control_system, ' stopped at ', strftime(j.started_at, '%Y-%m-%d %H:%M'), ', the alert came at ',
                strftime(j.alerted_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN j.cause_recorded_at >= j.record_by OR j.remedy_recorded_at >= j.record_by
      THEN fail('recorded_late', concat(j.control_system, ' worked again on ', strftime(j.ended_at, '%Y-%m-%d'), '; cause and remedy were to be recorded before ',
                strftime(j.record_by, '%Y-%m-%d')))
    WHEN j.is_over IS FALSE AND j.started_at <= $as_of AND $as_of <= j.alert_by AND j.alerted_at IS NULL
      THEN not_applicable('running', concat(j.control_system, ' stopped at ', strftime(j.started_at, '%Y-%m-%d %H:%M'), ' UTC; the time to alert runs'))
    WHEN j.is_over IS FALSE AND j.alerted_at >= j.started_at AND j.alerted_at <= $as_of
      THEN not_applicable('open', concat(j.control_system, ' does not work since ', strftime(j.started_at, '%Y-%m-%d %H:%M'), ' UTC; the alert came in time'))
    WHEN j.is_over IS TRUE AND j.alerted_at >= j.started_at AND j.ended_at >= j.started_at AND j.ended_at <= $as_of
         -- same: the term ends at midnight, which is never the moment judged
         AND $as_of < j.record_by
         AND (j.cause_told IS NULL OR j.remedy_told IS NULL)
      THEN not_applicable('to_be_recorded', concat(j.control_system, ' works again; cause and remedy are to be recorded before ', strftime(j.record_by, '%Y-%m-%d')))
    WHEN j.is_over IS TRUE AND j.alerted_at >= j.started_at AND j.ended_at >= j.started_at AND j.ended_at <= $as_of
         AND j.cause_told <> '' AND j.remedy_told <> '' AND j.cause_recorded_at <= $as_of AND j.remedy_recorded_at <= $as_of
      THEN pass('dealt_with', concat(j.control_system, ' failed for ', date_diff('minute', j.started_at, j.ended_at), ' min; alerted in time, cause and remedy recorded'))
    ELSE unknown('not_filled', concat(j.failure, ': state, times, cause or remedy is not filled in, or lies ahead'))
  END AS result
FROM judged AS j
WHERE j.is_over IS NOT TRUE OR (j.started_at < $period_start AND j.ended_at < $period_start) IS NOT TRUE
