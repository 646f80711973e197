-- Population: every account. Judged are those that somebody could use now at a prompt; what an account is for decides.
SELECT
  concat(u.source, '/', u.account) AS resource,
  u.entry,
  CASE
    WHEN u.is_active IS TRUE AND u.interactive_login IS TRUE AND u.account_type IN ('shared', 'break_glass')
         AND u.expires_at <= $as_of
      THEN fail('exception_over', concat(u.account, ' is used by several people; its exception ended on ',
                strftime(u.expires_at, '%Y-%m-%d')))
    WHEN u.is_active IS FALSE
      THEN not_applicable('inactive', concat(u.account, ' cannot be used'))
    WHEN u.interactive_login IS FALSE
      THEN not_applicable('not_interactive', concat(u.account, ' opens no session'))
    WHEN u.account_type IN ('shared', 'break_glass') AND u.exception_ref <> '' AND u.expires_at > $as_of
      THEN pass('excepted', concat(u.account, ': exception ', u.exception_ref, ' until ', strftime(u.expires_at, '%Y-%m-%d')))
    WHEN u.account_type IN ('shared', 'break_glass')
      THEN unknown('no_exception', concat(u.account, ' is used by several people; no exception with an end is recorded'))
    WHEN u.person <> ''
      THEN pass('personal', concat(u.account, ' belongs to ', u.person))
    ELSE unknown('no_person', concat(u.account, ': whether it is in use, or which person it belongs to, is not recorded'))
  END AS result
FROM user_account AS u
