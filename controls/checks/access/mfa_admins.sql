-- Population: every account, and every name that holds an administrative right without being a local account (a group
-- of a directory, everybody). A system that demands the second factor of everybody and has no way around it proves it
-- for each of its accounts; a source whose systems differ proves nothing.
WITH live AS (
  SELECT
    g.source, g.account,
    count(*) FILTER (WHERE g.is_privileged IS TRUE) AS admin,
    count(*) FILTER (WHERE g.is_privileged IS NULL) AS unread,
    -- same: any entry will do
    coalesce(min(g.entry) FILTER (WHERE g.is_privileged IS TRUE), min(g.entry)) AS entry
  FROM role_grant AS g
  WHERE (g.expires_at <= $as_of) IS NOT TRUE
  GROUP BY g.source, g.account
), telling AS (
  SELECT DISTINCT g.source FROM role_grant AS g
), policy AS (
  SELECT
    p.source,
    -- same: any entry will do
    min(p.entry) AS entry,
    count(*) FILTER (WHERE p.mfa_bypass_allowed IS TRUE) AS bypassed,
    count(*) FILTER (WHERE (p.mfa_required IS TRUE AND p.mfa_bypass_allowed IS FALSE) IS NOT TRUE) AS open
  FROM auth_policy AS p
  GROUP BY p.source
), holder AS (
  SELECT
    u.source, u.account, u.entry, u.is_active, u.interactive_login, u.mfa_enrolled, v.entry AS grant_entry,
    CASE
      WHEN u.is_privileged IS TRUE OR u.is_superuser IS TRUE OR v.admin > 0 THEN TRUE
      WHEN v.unread > 0 THEN NULL
      WHEN u.is_privileged IS FALSE THEN FALSE
      WHEN u.is_superuser IS FALSE AND t.source IS NOT NULL THEN FALSE
    END AS privileged
  FROM user_account AS u
  LEFT JOIN live AS v ON v.source = u.source AND v.account = u.account
  LEFT JOIN telling AS t ON t.source = u.source
  UNION ALL
  SELECT v.source, v.account, v.entry, NULL, NULL, NULL, NULL, NULL
  FROM live AS v
  LEFT JOIN user_account AS u ON u.source = v.source AND u.account = v.account
  WHERE u.account IS NULL AND v.admin + v.unread > 0
)
SELECT
  concat(h.source, '/', h.account) AS resource,
  [h.entry, h.grant_entry, p.entry] AS entry,
  CASE
    WHEN h.is_active IS TRUE AND h.privileged IS TRUE AND h.interactive_login IS TRUE AND h.mfa_enrolled IS FALSE
      THEN fail('not_enrolled', concat(h.account, ' is an administrator and has no second factor'))
    WHEN h.is_active IS FALSE
      THEN not_applicable('inactive', concat(h.account, ' cannot be used'))
    WHEN h.interactive_login IS FALSE
      THEN not_applicable('not_interactive', concat(h.account, ' opens no session'))
    WHEN h.privileged IS FALSE
      THEN not_applicable('ordinary', concat(h.account, ' holds no administrator rights'))
    WHEN h.mfa_enrolled IS FALSE
      THEN unknown('not_readable', concat(h.account, ' has no second factor; whether it administers or signs in was not readable'))
    WHEN p.open = 0
      THEN pass('demanded', concat(h.account, ': the system demands a second factor of everybody'))
    WHEN h.mfa_enrolled IS TRUE AND p.bypassed > 0
      THEN unknown('way_around', concat(h.account, ' has a second factor; the system has a way in without one'))
    WHEN h.mfa_enrolled IS TRUE
      THEN pass('enrolled', concat(h.account, ' has a second factor'))
    ELSE unknown('not_readable', concat(h.account, ': whether it signs in with a second factor was not readable'))
  END AS result
FROM holder AS h
LEFT JOIN policy AS p ON p.source = h.source
