-- Population: every account. A sign-in long ago is proof; no sign-in is one only where the system keeps sign-ins.
SELECT
  concat(u.source, '/', u.account) AS resource,
  u.entry,
  CASE
    WHEN u.is_active IS TRUE AND u.interactive_login IS TRUE AND u.account_type IS DISTINCT FROM 'service'
         AND u.last_login_at <= $as_of - days($days)
      THEN fail('dormant', concat(u.account, ' was last used on ', strftime(u.last_login_at, '%Y-%m-%d')))
    WHEN u.is_active IS TRUE AND u.interactive_login IS TRUE AND u.account_type IS DISTINCT FROM 'service'
         AND u.last_login_at IS NULL AND u.never_logged_in IS TRUE AND u.created_at <= $as_of - days($days)
      THEN fail('never_used', concat(u.account, ' was created on ', strftime(u.created_at, '%Y-%m-%d'), ' and never used'))
    WHEN u.is_active IS FALSE
      THEN not_applicable('inactive', concat(u.account, ' cannot be used'))
    WHEN u.interactive_login IS FALSE
      THEN not_applicable('not_interactive', concat(u.account, ' opens no session'))
    WHEN u.account_type = 'service'
      THEN not_applicable('program', concat(u.account, ' belongs to a program'))
    WHEN u.last_login_at > $as_of - days($days) AND u.last_login_at <= $as_of
      THEN pass('used', concat(u.account, ' was last used on ', strftime(u.last_login_at, '%Y-%m-%d')))
    WHEN u.never_logged_in IS TRUE AND u.created_at > $as_of - days($days) AND u.created_at <= $as_of
      THEN pass('new', concat(u.account, ' is new: created on ', strftime(u.created_at, '%Y-%m-%d')))
    ELSE unknown('not_readable', concat(u.account, ': whether or when it was used was not readable'))
  END AS result
FROM user_account AS u
