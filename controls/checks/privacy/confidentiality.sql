-- Population: every account that may be used and is no program's. Its person must have signed before it was opened.
WITH signed AS (
  SELECT
    folded(c.person) AS id, min(c.signed_at) AS first_at, min(c.entry) AS entry,
    count(*) FILTER (WHERE c.outlives_work IS TRUE) AS lasting, count(*) FILTER (WHERE c.outlives_work IS FALSE) AS ending,
    min(c.signed_at) FILTER (WHERE c.outlives_work IS TRUE) AS lasting_at,
    count(*) FILTER (WHERE c.signed_at IS NULL) AS undated
  FROM person_commitment AS c
  WHERE c.commitment_kind = 'confidentiality'
  GROUP BY folded(c.person)
), loose AS (
  SELECT count(*) FILTER (WHERE nullif(folded(c.person), '') IS NULL OR c.commitment_kind IS NULL) AS commitments FROM person_commitment AS c
)
SELECT
  concat(u.source, '/', u.account) AS resource,
  [u.entry, s.entry] AS entry,
  CASE
    WHEN u.is_active IS FALSE
      THEN not_applicable('inactive', concat(u.account, ' cannot be used'))
    WHEN u.account_type IN ('service', 'system')
      THEN not_applicable('program', concat(u.account, ' belongs to a program'))
    WHEN folded(u.person) <> '' AND s.id IS NULL AND l.commitments = 0
      THEN fail('not_signed', concat(u.person, ' has ', u.account, ' and signed nothing'))
    WHEN s.undated = 0 AND s.first_at > $as_of
      THEN fail('not_signed', concat(u.person, ' has ', u.account, ' and signs only on ', strftime(s.first_at, '%Y-%m-%d')))
    WHEN s.undated = 0 AND s.first_at >= date_trunc('day', u.created_at) + days(1)
      THEN fail('signed_late', concat(u.account, ' was opened on ', strftime(u.created_at, '%Y-%m-%d'), '; ', u.person, ' signed on ',
                strftime(s.first_at, '%Y-%m-%d')))
    WHEN s.undated = 0 AND s.lasting = 0 AND s.ending > 0
      THEN fail('ends_with_work', concat('what ', u.person, ' signed ends with the work'))
    WHEN folded(u.person) <> '' AND s.undated = 0 AND s.lasting_at <= $as_of AND s.first_at < date_trunc('day', u.created_at) + days(1)
      THEN pass('signed', concat(u.person, ' signed on ', strftime(s.first_at, '%Y-%m-%d'), ', before ', u.account, ' was opened'))
    ELSE unknown('not_told', concat(u.account, ': whose it is, when it was opened, or when and what the person signed is not recorded'))
  END AS result
FROM user_account AS u
LEFT JOIN signed AS s ON s.id = folded(u.person)
LEFT JOIN loose AS l ON TRUE
