-- Population: every system whose rules of sign-in were read, save those proven to take no password.
SELECT
  concat(p.source, '/', p.system) AS resource,
  p.entry,
  CASE
    WHEN p.password_login IS FALSE
      THEN not_applicable('no_passwords', concat(p.system, ' takes no passwords'))
    WHEN p.password_min_length < $min_length
      THEN fail('short', concat(p.system, ' takes passwords of ', p.password_min_length, ' characters'))
    WHEN p.password_needs_alnum IS FALSE
      THEN fail('not_mixed', concat(p.system, ' does not demand letters and digits'))
    WHEN p.password_history < $history
      THEN fail('reused', concat(p.system, ' refuses the last ', p.password_history, ' passwords only'))
    WHEN list_contains(string_split(lower(array_to_string($algorithms::VARCHAR[], ',')), ','), lower(p.hash_algorithm)) IS FALSE
      THEN fail('weak_hash', concat(p.system, ' stores passwords with ', p.hash_algorithm))
    WHEN lower(p.hash_algorithm) = 'pbkdf2_sha256' AND p.hash_iterations < $pbkdf2_iterations
      THEN fail('few_iterations', concat(p.system, ' stores passwords with ', p.hash_iterations, ' iterations of ', p.hash_algorithm))
    WHEN p.password_min_length >= $min_length AND p.password_needs_alnum IS TRUE AND p.password_history >= $history
         AND list_contains(string_split(lower(array_to_string($algorithms::VARCHAR[], ',')), ','), lower(p.hash_algorithm))
         AND (lower(p.hash_algorithm) <> 'pbkdf2_sha256' OR p.hash_iterations >= $pbkdf2_iterations)
      THEN pass('strong', concat(p.system, ': ', p.password_min_length, ' characters, mixed, last ', p.password_history,
                ' refused, ', p.hash_algorithm))
    ELSE unknown('not_readable', concat(p.system, ': a rule for passwords was not readable'))
  END AS result
FROM auth_policy AS p
