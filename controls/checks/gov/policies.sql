-- Population: every document in force, and each required kind that no document has. What is not required is not judged.
WITH document AS (
  SELECT d.*, nullif(folded(d.document_kind), '') AS called FROM policy_document AS d WHERE (d.withdrawn_at <= $as_of) IS NOT TRUE
), register AS (
  SELECT min(d.entry) AS entry FROM policy_document AS d
), unnamed AS (
  SELECT count(*) AS documents FROM document AS d WHERE d.called IS NULL
), required AS (
  SELECT unnest($required::VARCHAR[]) AS called
), judged AS (
  SELECT
    d.entry, d.document AS resource, d.document, d.called, d.approved_by, d.approved_at, d.published_at, d.next_review_at, d.sha256,
    list_contains($required::VARCHAR[], d.called) AS is_required
  FROM document AS d
  UNION ALL BY NAME
  SELECT r.entry, concat('required: ', w.called) AS resource, w.called, n.documents AS unnamed
  FROM required AS w
  LEFT JOIN document AS d ON d.called = w.called
  LEFT JOIN register AS r ON TRUE
  LEFT JOIN unnamed AS n ON TRUE
  WHERE d.document IS NULL AND r.entry IS NOT NULL
)
SELECT
  j.resource,
  j.entry,
  CASE
    WHEN j.unnamed = 0
      THEN fail('missing', concat('no document of the kind ', j.called, ' is in force'))
    WHEN j.unnamed > 0
      THEN unknown('kind_unknown', concat('no document says to be of the kind ', j.called, '; ', j.unnamed, ' do not say what they are'))
    WHEN j.is_required IS FALSE
      THEN not_applicable('not_required', concat(j.document, ' (', j.called, ') is not among the required kinds'))
    WHEN j.is_required IS TRUE AND j.approved_at < $as_of - days($max_days)
      THEN fail('approval_old', concat(j.document, ' was last approved on ', strftime(j.approved_at, '%Y-%m-%d')))
    WHEN j.is_required IS TRUE AND j.next_review_at < date_trunc('day', $as_of)
      THEN fail('review_overdue', concat(j.document, ' was to be reviewed by ', strftime(j.next_review_at, '%Y-%m-%d')))
    WHEN j.is_required IS TRUE AND (j.approved_at > $as_of OR j.published_at > $as_of)
      THEN fail('not_in_force', concat(j.document, ' is approved or published only on ',
                strftime(greatest(j.approved_at, j.published_at), '%Y-%m-%d')))
    WHEN j.is_required IS TRUE AND j.approved_by <> '' AND j.approved_at <= $as_of AND j.published_at <= $as_of
         AND j.next_review_at IS NOT NULL AND regexp_full_match(j.sha256, '[0-9a-f]{64}')
      THEN pass('in_force', concat(j.document, ' was approved on ', strftime(j.approved_at, '%Y-%m-%d'), ', review by ',
                strftime(j.next_review_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(j.document, ': kind, approval, publication, next review or digest is not filled in'))
  END AS result
FROM judged AS j
