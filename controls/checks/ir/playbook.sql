-- Population: every playbook in force; where there is none, the register itself.
WITH document AS (
  SELECT d.*, nullif(folded(d.document_kind), '') AS called FROM policy_document AS d WHERE (d.withdrawn_at <= $as_of) IS NOT TRUE
), playbook AS (
  SELECT d.*, string_split(lower(array_to_string(d.covers, '|')), '|') AS subjects FROM document AS d WHERE d.called = 'incident_playbook'
), register AS (
  SELECT
    min(d.entry) AS entry,
    count(*) FILTER (WHERE nullif(folded(d.document_kind), '') IS NULL AND (d.withdrawn_at <= $as_of) IS NOT TRUE) AS unnamed
  FROM policy_document AS d
), judged AS (
  SELECT
    p.entry, p.document AS resource, p.document, p.approved_by, p.approved_at, p.published_at, p.next_review_at,
    p.covers, list_has_all(p.subjects, $must_cover::VARCHAR[]) AS covers_all
  FROM playbook AS p
  UNION ALL BY NAME
  SELECT r.entry, 'incident_playbook' AS resource, r.unnamed
  FROM register AS r
  LEFT JOIN playbook AS p ON TRUE
  WHERE p.document IS NULL AND r.entry IS NOT NULL
)
SELECT
  j.resource,
  j.entry,
  CASE
    WHEN j.unnamed = 0
      THEN fail('missing', 'no incident playbook is in force')
    WHEN j.approved_at < $as_of - days($max_days)
      THEN fail('approval_old', concat(j.document, ' was last approved on ', strftime(j.approved_at, '%Y-%m-%d')))
    WHEN j.next_review_at < date_trunc('day', $as_of)
      THEN fail('review_overdue', concat(j.document, ' was to be reviewed by ', strftime(j.next_review_at, '%Y-%m-%d')))
    WHEN j.approved_at > $as_of OR j.published_at > $as_of
      THEN fail('not_in_force', concat(j.document, ' is approved or published only on ',
                strftime(greatest(j.approved_at, j.published_at), '%Y-%m-%d')))
    WHEN j.covers_all IS FALSE
      THEN fail('subject_missing', concat(j.document, ' deals with ', array_to_string(j.covers, ', '), '; it must deal with ',
                array_to_string($must_cover::VARCHAR[], ', ')))
    WHEN j.approved_by <> '' AND j.approved_at <= $as_of AND j.published_at <= $as_of AND j.next_review_at IS NOT NULL AND j.covers_all IS TRUE
      THEN pass('in_force', concat(j.document, ' was approved on ', strftime(j.approved_at, '%Y-%m-%d'), ', review by ',
                strftime(j.next_review_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(j.resource, ': kind, approval, publication, next review or subjects are not filled in'))
  END AS result
FROM judged AS j
