-- Population: the newest review that was held; where none was, the newest at all.
WITH held AS (
  SELECT m.*, row_number() OVER (ORDER BY (m.held_at <= $as_of) IS NOT TRUE, m.held_at DESC NULLS LAST, m.review DESC) AS place
  FROM management_review AS m
)
SELECT
  h.review AS resource,
  h.entry,
  CASE
    WHEN h.held_at < $as_of - days($max_days)
      THEN fail('too_old', concat('management last reviewed the system on ', strftime(h.held_at, '%Y-%m-%d')))
    WHEN h.held_at <= $as_of AND h.inputs_complete IS FALSE
      THEN fail('inputs_missing', concat('not all that must be looked at was, on ', strftime(h.held_at, '%Y-%m-%d')))
    WHEN h.held_at <= $as_of AND h.decisions_recorded IS FALSE
      THEN fail('no_decisions', concat('what was decided on ', strftime(h.held_at, '%Y-%m-%d'), ' is not written down'))
    WHEN h.held_at <= $as_of AND h.inputs_complete IS TRUE AND h.decisions_recorded IS TRUE AND h.minutes_ref <> '' AND h.chaired_by <> ''
      THEN pass('held', concat('held on ', strftime(h.held_at, '%Y-%m-%d'), ': ', h.minutes_ref))
    ELSE unknown('not_filled', concat(h.review, ': date, chair, inputs, decisions or minutes are not filled in, or it lies ahead'))
  END AS result
FROM held AS h
WHERE h.place = 1
