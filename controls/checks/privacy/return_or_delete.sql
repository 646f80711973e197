-- Population: customers whose contract ended in the period, and every older case in which data was not deleted by its term.
WITH case_ AS (
  SELECT o.*, o.ended_at + days(coalesce(o.contract_days, $days)) AS due_at
  FROM offboarding AS o
  WHERE (o.ended_at < $period_start AND o.verified_at < $period_start) IS NOT TRUE
)
SELECT
  c.offboarding AS resource,
  c.entry,
  CASE
    WHEN c.ended_at > $as_of THEN not_applicable('not_ended', concat(c.offboarding, ': the contract ends on ', strftime(c.ended_at, '%Y-%m-%d')))
    WHEN c.due_at < $as_of AND (c.data_deleted_at > c.due_at OR c.data_returned_at > c.due_at)
      THEN fail('late', concat(c.offboarding, ': data was returned or deleted after ', strftime(c.due_at, '%Y-%m-%d')))
    WHEN trim(c.hold_reference) <> '' AND c.data_deleted_at IS NULL
      THEN unknown('held', concat(c.offboarding, ': a part is kept under ', c.hold_reference, '; what, is not readable here'))
    WHEN c.due_at >= $as_of AND (c.data_deleted_at IS NULL OR c.verified_at IS NULL)
      THEN not_applicable('running', concat(c.offboarding, ': the term ends on ', strftime(c.due_at, '%Y-%m-%d')))
    WHEN c.data_deleted_at <= c.due_at AND c.verified_at >= c.data_deleted_at AND c.verified_at <= $as_of
         AND trim(c.verified_by) <> '' AND greatest(c.data_returned_at, c.return_declined_at) <= c.data_deleted_at
      THEN pass('deleted', concat(c.offboarding, ': deleted on ', strftime(c.data_deleted_at, '%Y-%m-%d'), ', term ', strftime(c.due_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(c.offboarding, ': end, return, deletion or verification is not filled in or does not fit'))
  END AS result
FROM case_ AS c
