-- Population: every account. Whether it belongs to an outside company must be told; a name proves nothing.
SELECT
  concat(u.source, '/', u.account) AS resource,
  u.entry,
  CASE
    WHEN u.is_vendor IS TRUE AND u.is_active IS TRUE AND u.expires_at <= $as_of
      THEN fail('overdue', concat(u.account, ' should have ended on ', strftime(u.expires_at, '%Y-%m-%d'), ' and still works'))
    WHEN u.is_vendor IS TRUE AND u.is_active IS TRUE
         AND (u.expires_at > u.created_at + days($days) OR u.expires_at > $as_of + days($days))
      THEN fail('too_long', concat(u.account, ' stays open until ', strftime(u.expires_at, '%Y-%m-%d')))
    WHEN u.is_active IS FALSE
      THEN not_applicable('inactive', concat(u.account, ' cannot be used'))
    WHEN u.is_vendor IS FALSE
      THEN not_applicable('own', concat(u.account, ' belongs to no outside company'))
    WHEN u.is_vendor IS TRUE AND u.expires_at > $as_of AND u.expires_at <= u.created_at + days($days) AND u.exception_ref <> ''
      THEN pass('boxed', concat(u.account, ': ', u.exception_ref, ', until ', strftime(u.expires_at, '%Y-%m-%d')))
    WHEN u.is_vendor IS TRUE
      THEN unknown('not_recorded', concat(u.account, ': approval, creation, end or use of the vendor account is not recorded'))
    ELSE unknown('not_readable', concat(u.account, ': whether it belongs to an outside company is not recorded'))
  END AS result
FROM user_account AS u
