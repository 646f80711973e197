-- Population: every account; judged are those of sources with a database server that could sign in now.
WITH server AS (
  -- same: each of a source's entries shows that it has a database server
  SELECT d.source, min(d.entry) AS entry FROM database_instance AS d GROUP BY d.source
)
SELECT
  concat(u.source, '/', u.account) AS resource,
  [u.entry, d.entry] AS entry,
  CASE
    WHEN d.entry IS NULL
      THEN not_applicable('no_database', concat(u.account, ' is an account of no database'))
    WHEN u.is_active IS FALSE
      THEN not_applicable('inactive', concat(u.account, ' cannot sign in'))
    WHEN u.has_password IS FALSE
      THEN not_applicable('no_password', concat(u.account, ' has no password'))
    WHEN u.is_active IS TRUE AND u.has_password IS TRUE AND NOT list_contains($algorithms::VARCHAR[], u.password_hash_algorithm)
      THEN fail('weak_hash', concat('the password of ', u.account, ' is stored as ', u.password_hash_algorithm))
    WHEN u.has_password IS TRUE AND list_contains($algorithms::VARCHAR[], u.password_hash_algorithm)
      THEN pass('strong_hash', concat('the password of ', u.account, ' is stored as ', u.password_hash_algorithm))
    ELSE unknown('not_readable', concat(u.account, ': whether it can sign in, or how its password is stored, was not readable'))
  END AS result
FROM user_account AS u
LEFT JOIN server AS d ON d.source = u.source
