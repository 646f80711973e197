-- Population: requests under the Mexican law that are open or had something happen in the period; a request that names no
-- law may be one. What was asked for late, or given late, does not move the term.
WITH request AS (
  SELECT
    r.*, mx_working_days_after(r.received_at, $ask_days) AS ask_by, mx_working_days_after(r.information_asked_at, $give_days) AS give_by
  FROM data_request AS r
  WHERE (r.regime IN ('gdpr', 'ferpa', 'other') OR r.right_kind IN ('credential_reset')) IS NOT TRUE
    AND (r.status = 'closed' AND r.answered_at < $period_start
         AND (r.executed_at < $period_start OR (r.executed_at IS NULL AND r.outcome IN ('refused', 'no_data_held', 'withdrawn', 'not_completed')))) IS NOT TRUE
), counted AS (
  SELECT
    q.*,
    CASE
      WHEN q.information_asked_at IS NULL OR q.information_asked_at > q.ask_by THEN q.received_at
      WHEN q.information_asked_at >= q.received_at AND q.information_given_at >= q.information_asked_at
           AND q.information_given_at <= q.give_by THEN q.information_given_at
    END AS counted_from
  FROM request AS q
), term AS (
  SELECT
    c.*, mx_working_days_after(c.counted_from, $answer_days) AS first_by, mx_working_days_after(c.counted_from, 2 * $answer_days) AS second_by,
    mx_working_days_after(c.answered_at, $execute_days) AS carry_first_by,
    mx_working_days_after(c.answered_at, 2 * $execute_days) AS carry_second_by
  FROM counted AS c
), due AS (
  SELECT
    t.*,
    CASE WHEN t.extension_notified_at <= t.first_by THEN t.second_by ELSE t.first_by END AS answer_by,
    CASE WHEN t.execution_extension_notified_at <= t.carry_first_by THEN t.carry_second_by ELSE t.carry_first_by END AS carry_by,
    t.outcome IN ('granted', 'partly_granted') AS to_carry_out,
    (t.extension_notified_at IS NULL OR (t.extension_notified_at >= t.received_at AND trim(t.extension_reason) <> ''))
      AND (t.execution_extension_notified_at IS NULL
           OR (t.execution_extension_notified_at >= t.answered_at AND trim(t.execution_extension_reason) <> '')) AS extensions_told,
    t.outcome IN ('granted', 'no_data_held', 'withdrawn')
      OR (t.outcome IN ('refused', 'partly_granted') AND trim(t.refusal_ground) <> '') AS grounded
  FROM term AS t
), dated AS (
  SELECT
    d.*,
    -- same: a term ends with the last microsecond of a day, which is never the moment judged
    d.answer_by < $as_of AS answer_over, d.carry_by < $as_of AS carry_over, d.give_by < $as_of AS give_over
  FROM due AS d
)
SELECT
  d.request AS resource,
  d.entry,
  CASE
    WHEN d.regime = 'arco' AND d.answered_at > d.answer_by AND d.answer_over IS TRUE
      THEN fail('answered_late', concat('request ', d.request, ' was answered on ', local_date(d.answered_at), '; the term ended on ', local_date(d.answer_by)))
    WHEN d.regime = 'arco' AND d.answered_at IS NULL AND d.status = 'open' AND d.answer_over IS TRUE
      THEN fail('answer_overdue', concat('request ', d.request, ' is open; the term to answer ended on ', local_date(d.answer_by)))
    WHEN d.regime = 'arco' AND d.to_carry_out IS TRUE AND d.executed_at > d.carry_by AND d.carry_over IS TRUE
      THEN fail('carried_out_late', concat('request ', d.request, ' was carried out on ', local_date(d.executed_at), '; the term ended on ', local_date(d.carry_by)))
    WHEN d.regime = 'arco' AND d.to_carry_out IS TRUE AND d.executed_at IS NULL AND d.status = 'open' AND d.carry_over IS TRUE
      THEN fail('not_carried_out', concat('request ', d.request, ' was granted and is open; the term to carry it out ended on ', local_date(d.carry_by)))
    WHEN d.regime = 'arco' AND d.status = 'open' AND d.received_at <= $as_of AND d.acknowledged_at <= $as_of AND d.answered_at IS NULL
         AND (d.answer_over IS FALSE OR (d.information_given_at IS NULL AND d.give_over IS FALSE))
      THEN not_applicable('running', concat('request ', d.request, ' is open; its term ends on ',
                -- same: words of the reason
                coalesce(local_date(d.answer_by), local_date(d.give_by))))
    WHEN d.regime = 'arco' AND d.status = 'open' AND d.received_at <= d.answered_at AND d.answered_at <= $as_of AND d.to_carry_out IS TRUE
         AND d.executed_at IS NULL AND d.carry_over IS FALSE
      THEN not_applicable('running', concat('request ', d.request, ' was answered in time; the term to carry it out ends on ', local_date(d.carry_by)))
    WHEN d.regime = 'arco' AND d.outcome = 'not_completed' AND d.information_asked_at >= d.received_at AND d.information_asked_at <= d.ask_by
         AND d.acknowledged_at >= d.received_at AND d.acknowledged_at <= $as_of AND d.give_over IS TRUE
         AND d.information_given_at IS NULL  -- null: the outcome says that it never came
      THEN pass('not_completed', concat('request ', d.request, ': what was missing was asked for in time and never came'))
    WHEN d.regime = 'arco' AND d.acknowledged_at >= d.received_at AND d.acknowledged_at <= $as_of
         AND d.answered_at >= d.received_at AND d.answered_at <= d.answer_by AND d.answered_at <= $as_of
         AND d.extensions_told IS TRUE AND d.grounded IS TRUE
         AND (d.to_carry_out IS FALSE OR (d.executed_at >= d.received_at AND d.executed_at <= $as_of))
      THEN pass('in_time', concat('request ', d.request, ' was answered on ', local_date(d.answered_at), ', term ', local_date(d.answer_by)))
    ELSE unknown('not_filled', concat('request ', d.request, ': law, dates, outcome, ground or reasons of an extension are not filled in or do not fit'))
  END AS result
FROM dated AS d
