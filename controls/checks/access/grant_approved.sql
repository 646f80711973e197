-- Population: every grant. Judged are administrative ones where they are given: a right that comes through another
-- grant is judged with that one, but only where that one is itself an administrative grant of the same account.
WITH given AS (
  -- same: one of its scopes stands for all
  SELECT g.source, g.account, g.role, min(g.entry) AS entry
  FROM role_grant AS g
  WHERE g.is_direct IS TRUE AND g.is_privileged IS TRUE
  GROUP BY g.source, g.account, g.role
)
SELECT
  concat(g.source, '/', g.account, ': ', g.role, ' on ', g.scope) AS resource,
  [g.entry, u.entry, d.entry] AS entry,
  CASE
    WHEN g.is_privileged IS FALSE
      THEN not_applicable('ordinary', concat(g.role, ' is no administrative right'))
    WHEN u.is_active IS FALSE
      THEN not_applicable('inactive', concat(g.account, ' cannot be used'))
    WHEN g.is_direct IS FALSE AND d.role <> ''
      THEN not_applicable('inherited', concat(g.account, ' holds ', g.role, ' through ', d.role, ', judged there'))
    WHEN g.is_privileged IS TRUE AND (folded(g.approved_by) = folded(g.account) OR folded(g.approved_by) = folded(u.person)
                                      OR u.account_type = 'service' AND folded(g.approved_by) = folded(u.owner))
      THEN fail('self_approved', concat(g.role, ' for ', g.account, ' was approved by its receiver'))
    WHEN g.is_privileged IS TRUE AND g.approved_at > g.granted_at
      THEN fail('approved_late', concat(g.role, ' for ', g.account, ' was granted on ', strftime(g.granted_at, '%Y-%m-%d %H:%M'),
                ' and approved on ', strftime(g.approved_at, '%Y-%m-%d %H:%M')))
    WHEN u.account_type = 'service' AND folded(g.approved_by) = folded(u.owner)
      THEN unknown('not_recorded', concat(g.role, ' for ', g.account, ' was approved by its owner; whether it is an administrative right is not recorded'))
    WHEN folded(g.approval_ref) <> '' AND folded(g.approved_by) <> '' AND folded(g.approved_by) <> folded(g.account)
         AND g.approved_at <= g.granted_at AND (folded(g.approved_by) <> folded(u.person)
                                                OR u.account_type = 'service' AND folded(g.approved_by) <> folded(u.owner))
      THEN pass('approved', concat(g.role, ' for ', g.account, ': ', g.approval_ref, ', by ', g.approved_by))
    WHEN g.approval_ref <> '' AND g.approved_by <> '' AND g.approved_at <= g.granted_at
      THEN unknown('receiver_unknown', concat(g.role, ' for ', g.account, ' was approved; which person the account belongs to is not recorded'))
    ELSE unknown('not_recorded', concat(g.role, ' for ', g.account, ': kind or approval of the right is not recorded'))
  END AS result
FROM role_grant AS g
LEFT JOIN user_account AS u ON u.source = g.source AND u.account = g.account
LEFT JOIN given AS d ON d.source = g.source AND d.account = g.account AND d.role = split_part(g.via, ' > ', 1)
