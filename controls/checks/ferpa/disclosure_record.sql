-- Population: requests and disclosures of the period, those still pending, and those without a date. What 99.32(d)
-- excepts need not stand here; where it does, only a consent is looked for, since the entry rests on it.
SELECT
  d.disclosure_id AS resource,
  d.entry,
  CASE
    WHEN d.outcome = 'disclosed' AND d.basis = 'none'
      THEN fail('no_basis', concat(d.disclosure_id, ' was disclosed on ', strftime(d.disclosed_at, '%Y-%m-%d'), ' without consent or exception'))
    WHEN d.disclosed_at > $as_of OR d.requested_at > $as_of
      THEN unknown('in_future', concat(d.disclosure_id, ' bears a date after ', strftime($as_of, '%Y-%m-%d')))
    WHEN d.basis = 'exception' AND d.exception_code IN ('99.31(a)(1)', '99.31(a)(11)', '99.31(a)(12)')
      THEN not_applicable('excepted', concat(d.disclosure_id, ' rests on ', d.exception_code, ', which needs no entry'))
    WHEN d.basis = 'exception' AND d.exception_code = '99.31(a)(9)' AND d.is_sealed IS TRUE
      THEN not_applicable('excepted', concat(d.disclosure_id, ' obeyed a sealed order, which needs no entry'))
    WHEN d.outcome = 'disclosed' AND d.basis = 'consent' AND d.disclosed_at <= $as_of AND d.student_ref <> ''
         AND trim(d.recipient) <> '' AND trim(d.consent_ref) <> ''
      THEN pass('by_consent', concat(d.disclosure_id, ' of ', strftime(d.disclosed_at, '%Y-%m-%d'), ' rests on consent ', d.consent_ref))
    WHEN d.outcome = 'disclosed' AND d.basis = 'exception' AND d.disclosed_at <= $as_of AND d.student_ref <> ''
         AND trim(d.recipient) <> '' AND trim(d.legitimate_interest) <> ''
         AND d.exception_code <> '' AND (d.exception_code <> '99.31(a)(10)' OR trim(d.threat) <> '')
      THEN pass('recorded', concat(d.disclosure_id, ' of ', strftime(d.disclosed_at, '%Y-%m-%d'), ' names party, interest and ', d.exception_code))
    WHEN d.outcome IN ('pending', 'refused') AND d.requested_at <= $as_of AND d.student_ref <> ''
         AND trim(d.requester) <> '' AND trim(d.legitimate_interest) <> ''
      THEN pass('request_recorded', concat(d.disclosure_id, ' of ', strftime(d.requested_at, '%Y-%m-%d'), ' names who asked and why; it is ', d.outcome))
    ELSE unknown('not_filled', concat(d.disclosure_id, ' lacks ',
      CASE WHEN d.outcome IS NULL THEN 'what became of it' WHEN d.student_ref IS NULL THEN 'the student' ELSE 'its date, party, interest, basis or threat' END))
  END AS result
FROM disclosure_record AS d
WHERE ((d.outcome = 'disclosed' AND d.disclosed_at < $period_start) OR (d.outcome = 'refused' AND d.requested_at < $period_start)) IS NOT TRUE
