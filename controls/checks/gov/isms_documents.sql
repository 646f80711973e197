-- Population: every document in force, each required kind that none is of, and every objective that is pursued.
WITH document AS (
  SELECT d.*, nullif(folded(d.document_kind), '') AS called FROM isms_document AS d WHERE (d.withdrawn_at <= $as_of) IS NOT TRUE
), register AS (
  SELECT
    coalesce(k.entry, g.entry) AS entry, -- same: any entry will do
    k.unnamed
  FROM (
    SELECT
      min(d.entry) AS entry, -- same: any entry will do
      count(*) FILTER (WHERE nullif(folded(d.document_kind), '') IS NULL AND (d.withdrawn_at <= $as_of) IS NOT TRUE) AS unnamed
    FROM isms_document AS d
  ) AS k
  LEFT JOIN (SELECT min(o.entry) AS entry FROM objective AS o) AS g ON TRUE -- same: always one row
), required AS (
  SELECT unnest($required::VARCHAR[]) AS called
), goal AS (
  SELECT o.* FROM objective AS o WHERE (o.ended_at <= $as_of) IS NOT TRUE
), judged AS (
  SELECT
    d.entry, concat('document ', d.document) AS resource, d.document AS name, d.called, d.approved_by, d.approved_at,
    d.next_review_at, d.answers_climate, list_contains($required::VARCHAR[], d.called) AS is_required
  FROM document AS d
  UNION ALL BY NAME
  SELECT r.entry, concat('required: ', w.called) AS resource, w.called AS name, r.unnamed
  FROM required AS w
  LEFT JOIN document AS d ON d.called = w.called
  -- same: always one row
  LEFT JOIN register AS r ON TRUE
  WHERE d.document IS NULL AND r.entry IS NOT NULL
  UNION ALL BY NAME
  SELECT g.entry, concat('objective ', g.objective) AS resource, g.objective AS name, g.metric, g.set_at, g.measured_at
  FROM goal AS g
  UNION ALL BY NAME
  SELECT r.entry, 'objectives' AS resource, TRUE AS no_goal
  FROM register AS r
  LEFT JOIN goal AS g ON TRUE
  WHERE g.objective IS NULL AND r.entry IS NOT NULL
)
SELECT
  j.resource,
  j.entry,
  CASE
    WHEN j.unnamed = 0
      THEN fail('missing', concat('no document of the kind ', j.name, ' is in force'))
    WHEN j.no_goal
      THEN fail('no_objective', 'no objective is pursued')
    WHEN j.is_required IS FALSE
      THEN not_applicable('not_required', concat(j.name, ' (', j.called, ') is not among the required kinds'))
    WHEN j.is_required IS TRUE AND j.approved_at > $as_of
      THEN fail('not_in_force', concat(j.name, ' is approved only on ', strftime(j.approved_at, '%Y-%m-%d')))
    WHEN j.is_required IS TRUE AND j.next_review_at < date_trunc('day', $as_of)
      THEN fail('review_overdue', concat(j.name, ' was to be reviewed by ', strftime(j.next_review_at, '%Y-%m-%d')))
    WHEN j.called = 'context' AND j.answers_climate IS FALSE
      THEN fail('no_climate', concat(j.name, ' does not say whether climate change is a relevant issue'))
    WHEN j.is_required IS TRUE AND j.approved_by <> '' AND j.approved_at <= $as_of AND j.next_review_at IS NOT NULL
         AND (j.called <> 'context' OR j.answers_climate IS TRUE)
      THEN pass('in_date', concat(j.name, ' was approved on ', strftime(j.approved_at, '%Y-%m-%d'), ', review by ',
                strftime(j.next_review_at, '%Y-%m-%d')))
    WHEN j.measured_at < $as_of - days($measure_days)
      THEN fail('not_measured', concat(j.name, ' was last measured on ', strftime(j.measured_at, '%Y-%m-%d')))
    WHEN j.metric <> '' AND j.measured_at <= $as_of
      THEN pass('measured', concat(j.name, ' was measured on ', strftime(j.measured_at, '%Y-%m-%d')))
    WHEN j.metric <> '' AND j.set_at <= $as_of AND j.set_at >= $as_of - days($measure_days)
      THEN not_applicable('new', concat(j.name, ' was set on ', strftime(j.set_at, '%Y-%m-%d'), ' and need not be measured yet'))
    ELSE unknown('not_filled', concat(j.name, ': kind, approval, next review, climate, metric or measurement is not filled in'))
  END AS result
FROM judged AS j
