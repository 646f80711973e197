-- Population: every account, and every name that holds an administrative right without being a local account (a group
-- of a directory, everybody). Where sudo may add rights the account itself does not say "no": the grants decide.
WITH live AS (
  SELECT
    g.source, g.account,
    count(*) FILTER (WHERE g.is_privileged IS TRUE) AS admin,
    count(*) FILTER (WHERE g.is_privileged IS NULL) AS unread,
    -- same: a name in words
    min(g.role) FILTER (WHERE g.is_privileged IS TRUE) AS role,
    -- same: any entry will do
    coalesce(min(g.entry) FILTER (WHERE g.is_privileged IS TRUE), min(g.entry)) AS entry
  FROM role_grant AS g
  WHERE (g.expires_at <= $as_of) IS NOT TRUE
  GROUP BY g.source, g.account
), telling AS (
  SELECT DISTINCT g.source FROM role_grant AS g
), holder AS (
  SELECT
    u.source, u.account, u.entry, TRUE AS local, u.is_active, v.entry AS grant_entry, v.role, v.admin,
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
  SELECT v.source, v.account, v.entry, FALSE, NULL, NULL, v.role, v.admin, NULL
  FROM live AS v
  LEFT JOIN user_account AS u ON u.source = v.source AND u.account = v.account
  WHERE u.account IS NULL AND v.admin + v.unread > 0
), judged AS (
  SELECT
    h.*,
    len($allowed::VARCHAR[]) AS names,
    list_contains($allowed::VARCHAR[], h.account) OR list_contains($allowed::VARCHAR[], concat(h.source, '/', h.account)) AS listed
  FROM holder AS h
)
SELECT
  concat(j.source, '/', j.account) AS resource,
  [j.entry, j.grant_entry] AS entry,
  CASE
    WHEN j.is_active IS TRUE AND j.privileged IS TRUE AND j.names > 0 AND j.listed IS FALSE
      THEN fail('not_listed', concat(j.account, ' holds administrator rights', ' (' || j.role || ')', ' and is not on the approved list'))
    WHEN j.is_active IS FALSE
      THEN not_applicable('inactive', concat(j.account, ' cannot be used'))
    WHEN j.privileged IS FALSE
      THEN not_applicable('ordinary', concat(j.account, ' holds no administrator rights'))
    WHEN j.local IS FALSE
      THEN unknown('not_local', concat(j.account, ' holds administrator rights', ' (' || j.role || ')', ' and is no account here: who that is was not readable'))
    WHEN j.listed IS TRUE AND j.admin > 0
      THEN pass('listed', concat(j.account, ' is on the approved list and holds ', j.role))
    WHEN j.privileged IS TRUE AND j.names = 0
      THEN unknown('no_list', concat(j.account, ' holds administrator rights; no list of approved accounts is declared'))
    WHEN j.privileged IS TRUE AND j.listed IS TRUE
      THEN unknown('no_grant', concat(j.account, ' is on the approved list; no grant in force explains its rights'))
    ELSE unknown('not_readable', concat(j.account, ': whether it can be used, or its rights, were not readable'))
  END AS result
FROM judged AS j
