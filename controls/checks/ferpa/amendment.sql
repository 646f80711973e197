-- Population: requests to amend under FERPA, or of which law or right is not told, that are open or had something happen
-- in the period. The law says a reasonable time; the number is ours.
WITH due AS (
  SELECT r.*, local_date(r.received_at) + days($days) AS due_on
  FROM data_request AS r
  WHERE (r.regime IN ('gdpr', 'arco', 'other')) IS NOT TRUE AND (r.right_kind IN ('amend', 'rectification')) IS NOT FALSE
  AND (r.status = 'closed' AND greatest(r.received_at, r.answered_at, r.executed_at) < $period_start) IS NOT TRUE
)
SELECT
  d.request AS resource,
  d.entry,
  CASE
    WHEN d.regime IS NULL OR d.right_kind IS NULL
      THEN unknown('not_filled', concat('request ', d.request, ' does not say under which law it is made, or what is asked for'))
    WHEN d.outcome = 'withdrawn' AND d.status = 'closed'
      THEN not_applicable('withdrawn', concat('request ', d.request, ' was withdrawn'))
    WHEN local_date(d.answered_at) > d.due_on AND d.answered_at <= $as_of
      THEN fail('late', concat('request ', d.request, ' was due by ', strftime(d.due_on, '%Y-%m-%d'), ' and decided on ', strftime(d.answered_at, '%Y-%m-%d')))
    WHEN d.status = 'open' AND d.answered_at IS NULL AND local_date($as_of) > d.due_on
      THEN fail('overdue', concat('request ', d.request, ' is open and was due by ', strftime(d.due_on, '%Y-%m-%d')))
    WHEN d.outcome IN ('refused', 'partly_granted') AND d.remedy_told IS FALSE
      THEN fail('hearing_not_told', concat('request ', d.request, ' was refused on ', strftime(d.answered_at, '%Y-%m-%d'), ' without a word on the hearing'))
    WHEN d.status = 'open' AND d.answered_at IS NULL AND d.received_at <= $as_of AND local_date($as_of) <= d.due_on
      THEN not_applicable('running', concat('request ', d.request, ' is open and due by ', strftime(d.due_on, '%Y-%m-%d')))
    WHEN d.answered_at >= d.received_at AND d.answered_at <= $as_of AND local_date(d.answered_at) <= d.due_on
         AND (d.outcome IN ('granted', 'no_data_held') OR (d.outcome IN ('refused', 'partly_granted') AND d.remedy_told IS TRUE))
      THEN pass('decided', concat('request ', d.request, ' was due by ', strftime(d.due_on, '%Y-%m-%d'), ' and decided on ', strftime(d.answered_at, '%Y-%m-%d'), ': ', d.outcome))
    ELSE unknown('not_decided', concat('request ', d.request, ': dates, outcome or word on the hearing are not filled in, or it was closed undecided'))
  END AS result
FROM due AS d
