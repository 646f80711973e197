-- Population: requests under the GDPR that are open or had something happen in the period; a request that names no law may
-- be one. An extension counts only when it was told inside the first month.
WITH term AS (
  SELECT r.*, eu_months_after(r.received_at, $months) AS first_by, eu_months_after(r.received_at, $extended_months) AS second_by
  FROM data_request AS r
  WHERE (r.regime IN ('arco', 'ferpa', 'other') OR r.right_kind IN ('credential_reset')) IS NOT TRUE
    AND (r.status = 'closed' AND r.answered_at < $period_start
         AND (r.executed_at < $period_start OR (r.executed_at IS NULL AND r.outcome IN ('refused', 'no_data_held', 'withdrawn', 'not_completed')))) IS NOT TRUE
), due AS (
  SELECT
    t.*,
    CASE WHEN t.extension_notified_at <= t.first_by THEN t.second_by ELSE t.first_by END AS answer_by,
    t.outcome IN ('granted', 'partly_granted') AS to_carry_out,
    t.outcome IN ('refused', 'partly_granted') AS refused
  FROM term AS t
), dated AS (
  -- same: a term ends with the last microsecond of a day, which is never the moment judged
  SELECT d.*, d.answer_by < $as_of AS is_over FROM due AS d
)
SELECT
  d.request AS resource,
  d.entry,
  CASE
    WHEN d.regime = 'gdpr' AND d.answered_at > d.answer_by AND d.is_over IS TRUE
      THEN fail('answered_late', concat('request ', d.request, ' was answered on ', local_date(d.answered_at), '; the term ended on ', local_date(d.answer_by)))
    WHEN d.regime = 'gdpr' AND d.answered_at IS NULL AND d.status = 'open' AND d.is_over IS TRUE
      THEN fail('answer_overdue', concat('request ', d.request, ' is open; the term to answer ended on ', local_date(d.answer_by)))
    WHEN d.regime = 'gdpr' AND d.to_carry_out IS TRUE AND d.executed_at > d.answer_by AND d.is_over IS TRUE
      THEN fail('carried_out_late', concat('request ', d.request, ' was carried out on ', local_date(d.executed_at), '; the term ended on ', local_date(d.answer_by)))
    WHEN d.regime = 'gdpr' AND d.to_carry_out IS TRUE AND d.executed_at IS NULL AND d.status = 'open' AND d.is_over IS TRUE
      THEN fail('not_carried_out', concat('request ', d.request, ' was granted and is open; the term ended on ', local_date(d.answer_by)))
    WHEN d.regime = 'gdpr' AND d.refused IS TRUE AND d.remedy_told IS FALSE AND d.answered_at <= $as_of
      THEN fail('remedy_not_told', concat('request ', d.request, ' was refused without a word on complaint and court'))
    WHEN d.regime = 'gdpr' AND d.status = 'open' AND d.received_at <= $as_of AND d.is_over IS FALSE AND d.answered_at IS NULL
      THEN not_applicable('running', concat('request ', d.request, ' is open; its term ends on ', local_date(d.answer_by)))
    WHEN d.regime = 'gdpr' AND d.status = 'open' AND d.received_at <= d.answered_at AND d.answered_at <= $as_of
         AND d.is_over IS FALSE AND d.to_carry_out IS TRUE AND d.executed_at IS NULL
      THEN not_applicable('running', concat('request ', d.request, ' was granted in time and is carried out until ', local_date(d.answer_by)))
    WHEN d.regime = 'gdpr' AND d.answered_at >= d.received_at AND d.answered_at <= d.answer_by AND d.answered_at <= $as_of
         AND d.outcome IS NOT NULL
         AND (d.extension_notified_at IS NULL OR (d.extension_notified_at >= d.received_at AND trim(d.extension_reason) <> ''))  -- null: an empty date is no extension, and the term then is the first
         AND (d.to_carry_out IS FALSE OR (d.executed_at >= d.received_at AND d.executed_at <= $as_of))
         AND (d.refused IS FALSE OR (trim(d.refusal_ground) <> '' AND d.remedy_told IS TRUE))
      THEN pass('in_time', concat('request ', d.request, ' was answered on ', local_date(d.answered_at), ', term ', local_date(d.answer_by)))
    ELSE unknown('not_filled', concat('request ', d.request, ': law, dates, outcome, ground or reasons of an extension are not filled in or do not fit'))
  END AS result
FROM dated AS d
