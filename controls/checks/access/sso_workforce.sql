-- Population: every account. Whether a system takes part in single sign-on, its accounts say; a local password alone
-- (an account of a machine) proves neither.
SELECT
  concat(u.source, '/', u.account) AS resource,
  u.entry,
  CASE
    WHEN u.is_active IS TRUE AND u.account_type IN ('human', 'shared') AND u.sso_enforced IS FALSE
      THEN fail('not_enforced', concat(u.account, ' can sign in without single sign-on'))
    WHEN u.is_active IS TRUE AND u.account_type IN ('human', 'shared') AND u.sso_enforced IS TRUE AND u.has_password IS TRUE
      THEN fail('local_password', concat(u.account, ' uses single sign-on and still has a local password'))
    WHEN u.is_active IS FALSE
      THEN not_applicable('inactive', concat(u.account, ' cannot be used'))
    WHEN u.account_type IN ('service', 'system')
      THEN not_applicable('not_staff', concat(u.account, ' belongs to a program'))
    WHEN u.sso_enforced IS TRUE AND u.has_password IS FALSE
      THEN pass('enforced', concat(u.account, ' signs in through single sign-on only'))
    WHEN u.account_type = 'break_glass' AND u.exception_ref <> ''
      THEN pass('emergency', concat(u.account, ' is for emergencies: exception ', u.exception_ref))
    ELSE unknown('not_readable', concat(u.account, ': whether it signs in through single sign-on only was not readable'))
  END AS result
FROM user_account AS u
