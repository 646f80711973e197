-- Population: every account. Judged are those of programs of ours; accounts that come with a product are not theirs.
SELECT
  concat(u.source, '/', u.account) AS resource,
  u.entry,
  CASE
    WHEN u.account_type = 'service' AND u.is_active IS TRUE AND u.interactive_login IS TRUE
      THEN fail('interactive', concat(u.account, ' belongs to a program and can open a session'))
    WHEN u.is_active IS FALSE
      THEN not_applicable('inactive', concat(u.account, ' cannot be used'))
    WHEN u.account_type IN ('human', 'system', 'shared', 'break_glass')
      THEN not_applicable('no_program', concat(u.account, ' belongs to no program of ours'))
    WHEN u.account_type = 'service' AND u.interactive_login IS FALSE
      THEN pass('not_interactive', concat(u.account, ' belongs to a program and opens no session'))
    WHEN u.account_type = 'service'
      THEN unknown('not_readable', concat(u.account, ' belongs to a program; whether it is in use or opens sessions was not readable'))
    ELSE unknown('type_unknown', concat(u.account, ': whether it belongs to a program is not recorded'))
  END AS result
FROM user_account AS u
