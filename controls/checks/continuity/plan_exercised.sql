-- Population: every continuity plan in force; where there is none, the register itself. The latest exercise of a plan counts.
WITH plan AS (
  SELECT d.*, string_split(lower(array_to_string(d.covers, '|')), '|') AS subjects
  FROM policy_document AS d
  WHERE folded(d.document_kind) = 'continuity' AND (d.withdrawn_at <= $as_of) IS NOT TRUE
), register AS (
  SELECT
    min(d.entry) AS entry,
    count(*) FILTER (WHERE nullif(folded(d.document_kind), '') IS NULL AND (d.withdrawn_at <= $as_of) IS NOT TRUE) AS unnamed
  FROM policy_document AS d
), loose AS (
  SELECT count(*) AS exercises FROM continuity_exercise AS e WHERE nullif(folded(e.plan), '') IS NULL OR e.held_at IS NULL
), latest AS (
  SELECT e.*, folded(e.plan) AS of_plan
  FROM continuity_exercise AS e
  WHERE e.held_at <= $as_of
  QUALIFY row_number() OVER (PARTITION BY folded(e.plan) ORDER BY e.held_at DESC, e.exercise DESC) = 1
), judged AS (
  SELECT
    p.entry, p.document AS resource, p.document, p.approved_by, p.approved_at, p.next_review_at,
    list_contains(p.subjects, 'impact_analysis') AS has_analysis,
    e.entry AS exercise_entry, e.exercise, e.held_at, e.passed, e.report_ref, l.exercises AS loose
  FROM plan AS p
  LEFT JOIN latest AS e ON e.of_plan = folded(p.document)
  LEFT JOIN loose AS l ON TRUE
  UNION ALL BY NAME
  SELECT r.entry, 'continuity' AS resource, r.unnamed
  FROM register AS r
  LEFT JOIN plan AS p ON TRUE
  WHERE p.document IS NULL AND r.entry IS NOT NULL
)
SELECT
  j.resource,
  [j.entry, j.exercise_entry] AS entry,
  CASE
    WHEN j.unnamed = 0
      THEN fail('missing', 'no continuity plan is in force')
    WHEN j.approved_at > $as_of
      THEN fail('not_in_force', concat(j.document, ' is approved only on ', strftime(j.approved_at, '%Y-%m-%d')))
    WHEN j.next_review_at < date_trunc('day', $as_of)
      THEN fail('review_overdue', concat(j.document, ' was to be reviewed by ', strftime(j.next_review_at, '%Y-%m-%d')))
    WHEN j.has_analysis IS FALSE
      THEN fail('no_analysis', concat(j.document, ' holds no impact analysis'))
    WHEN j.held_at < $as_of - days($max_days)
      THEN fail('exercise_old', concat(j.document, ' was last exercised on ', strftime(j.held_at, '%Y-%m-%d')))
    WHEN j.passed IS FALSE
      THEN fail('exercise_failed', concat('the exercise of ', j.document, ' on ', strftime(j.held_at, '%Y-%m-%d'), ' did not meet its goals'))
    WHEN j.exercise IS NULL AND j.loose = 0
      THEN fail('never_exercised', concat(j.document, ' was never exercised'))
    WHEN j.approved_by <> '' AND j.approved_at <= $as_of AND j.next_review_at IS NOT NULL AND j.has_analysis IS TRUE
         AND j.passed IS TRUE AND j.report_ref <> ''
      THEN pass('exercised', concat(j.document, ' was exercised on ', strftime(j.held_at, '%Y-%m-%d'), ': ', j.report_ref))
    ELSE unknown('not_filled', concat(j.resource, ': kind, approval, next review, subjects, or an exercise with plan, date, result and report is not filled in'))
  END AS result
FROM judged AS j
