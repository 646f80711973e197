-- Population: incidents noticed in the period, and those that are not over. Each clock runs from the first notice.
WITH limited AS (
  SELECT
    i.*,
    CASE i.severity WHEN 'sev1' THEN $sev1_ack_minutes WHEN 'sev2' THEN $sev2_ack_minutes WHEN 'sev3' THEN $sev3_ack_minutes END AS ack_limit,
    CASE i.severity WHEN 'sev1' THEN $sev1_contain_hours WHEN 'sev2' THEN $sev2_contain_hours END AS contain_limit
  FROM incident AS i
  WHERE (i.detected_at < $period_start) IS NOT TRUE OR (i.status IN ('resolved', 'false_alarm')) IS NOT TRUE
), timed AS (
  SELECT
    l.*,
    l.detected_at + minutes(l.ack_limit) AS ack_due,
    l.detected_at + hours(l.contain_limit) AS contain_due,
    l.detected_at + hours($classify_hours) AS classify_due,
    least(l.acknowledged_at, l.classified_at, l.personal_data_decided_at, l.contained_at) AS first_at,
    greatest(l.acknowledged_at, l.classified_at, l.personal_data_decided_at, l.contained_at) AS last_at
  FROM limited AS l
)
SELECT
  concat(t.source, '/', t.incident) AS resource,
  t.entry,
  CASE
    WHEN t.status = 'false_alarm'
      THEN not_applicable('false_alarm', concat(t.incident, ' was looked into and was nothing'))
    WHEN t.first_at < t.detected_at
      THEN unknown('out_of_order', concat(t.incident, ': a step is dated before it was noticed on ', strftime(t.detected_at, '%Y-%m-%d %H:%M')))
    WHEN t.detected_at > $as_of OR t.last_at > $as_of
      THEN unknown('future', concat(t.incident, ' has a date that is still to come'))
    WHEN t.acknowledged_at > t.ack_due
      THEN fail('acknowledged_late', concat(t.incident, ' (', t.severity, ') was taken on at ', strftime(t.acknowledged_at, '%Y-%m-%d %H:%M'), ', due ', strftime(t.ack_due, '%Y-%m-%d %H:%M')))
    WHEN t.classified_at > t.classify_due
      THEN fail('classified_late', concat(t.incident, ' was classified at ', strftime(t.classified_at, '%Y-%m-%d %H:%M'), ', due ', strftime(t.classify_due, '%Y-%m-%d %H:%M')))
    WHEN t.personal_data_decided_at > t.classify_due
      THEN fail('decided_late', concat(t.incident, ': whether personal data is involved was decided at ', strftime(t.personal_data_decided_at, '%Y-%m-%d %H:%M'), ', due ', strftime(t.classify_due, '%Y-%m-%d %H:%M')))
    WHEN t.contained_at > t.contain_due
      THEN fail('contained_late', concat(t.incident, ' (', t.severity, ') was contained at ', strftime(t.contained_at, '%Y-%m-%d %H:%M'), ', due ', strftime(t.contain_due, '%Y-%m-%d %H:%M')))
    WHEN t.status = 'open' AND t.contained_at IS NULL AND t.contain_due < $as_of
      THEN fail('not_contained', concat(t.incident, ' (', t.severity, ') is open and was to be contained by ', strftime(t.contain_due, '%Y-%m-%d %H:%M')))
    WHEN t.acknowledged_at <= t.ack_due AND t.classified_at <= t.classify_due AND t.personal_data_decided_at <= t.classify_due
         AND t.personal_data IS NOT NULL AND (t.contained_at <= t.contain_due OR t.severity = 'sev3') AND t.status IS NOT NULL
      THEN pass('in_time', concat(t.incident, ' (', t.severity, '): every step of ', strftime(t.detected_at, '%Y-%m-%d'), ' came in time'))
    WHEN t.status = 'open' AND (t.acknowledged_at IS NOT NULL OR t.ack_due >= $as_of)
         AND ((t.classified_at IS NOT NULL AND t.personal_data_decided_at IS NOT NULL AND t.personal_data IS NOT NULL) OR t.classify_due >= $as_of)
         AND (t.contain_due >= $as_of OR t.severity = 'sev3') AND t.detected_at IS NOT NULL
      THEN not_applicable('running', concat(t.incident, ' was noticed at ', strftime(t.detected_at, '%Y-%m-%d %H:%M'), '; what is still missing is not due'))
    ELSE unknown('not_filled', concat(t.incident, ': severity, status, a time or the decision on personal data is not filled in'))
  END AS result
FROM timed AS t
