-- Population: everybody who holds a role in a system that says which roles conflict. Several accounts of one person count
-- together; a program counts by itself.
WITH held AS (
  SELECT
    g.source, g.role, g.entry,
    CASE WHEN folded(u.person) <> '' THEN u.person ELSE g.account END AS holder,
    -- the same name, however it is written
    CASE WHEN folded(u.person) <> '' THEN folded(u.person) ELSE folded(g.account) END AS who,
    CASE WHEN folded(u.person) <> '' OR u.account_type = 'service' THEN 1 ELSE 0 END AS told,
    CASE WHEN u.is_active IS FALSE THEN 0 ELSE 1 END AS usable,
    -- same: what ends this moment is left out below
    CASE WHEN g.exception_ref <> '' AND g.expires_at > $as_of THEN 1 ELSE 0 END AS excepted,
    d.conflicts_with
  FROM role_grant AS g
  LEFT JOIN user_account AS u ON u.source = g.source AND u.account = g.account
  LEFT JOIN role_definition AS d ON d.source = g.source AND d.role = g.role
  WHERE (g.expires_at <= $as_of) IS NOT TRUE
), clash AS (
  SELECT
    a.source, a.who,
    -- same: one pair in words
    min(a.role) AS one, min(b.role) AS other,
    count(*) FILTER (WHERE a.excepted = 0 AND b.excepted = 0) AS open
  FROM held AS a
  -- same: who holds no other role is left out below
  LEFT JOIN held AS b ON b.source = a.source AND b.who = a.who AND b.usable = 1 AND list_contains(a.conflicts_with, b.role)
  WHERE a.usable = 1 AND b.role IS NOT NULL
  GROUP BY a.source, a.who
), judged AS (
  SELECT
    h.source, h.who,
    -- same: one of its names, and one of its grants, stand for all
    min(h.holder) AS holder, min(h.entry) AS entry,
    max(h.usable) AS usable, min(h.told) AS told, count(*) AS roles,
    count(*) FILTER (WHERE h.usable = 1 AND h.conflicts_with IS NULL) AS unread
  FROM held AS h
  GROUP BY h.source, h.who
)
SELECT
  concat(j.source, '/', j.holder) AS resource,
  j.entry,
  CASE
    WHEN c.open > 0
      THEN fail('conflict', concat(j.holder, ' holds ', c.one, ' and ', c.other, ', which are declared to conflict'))
    WHEN j.usable = 0
      THEN not_applicable('inactive', concat(j.holder, ' has no account that can be used'))
    WHEN j.unread = 0 AND j.told = 1 AND c.open = 0
      THEN pass('excepted', concat(j.holder, ' holds conflicting roles under an exception with an end'))
    WHEN j.unread = 0 AND j.told = 1
      THEN pass('apart', concat(j.holder, ' holds ', j.roles, ' role(s), none in conflict'))
    ELSE unknown('not_declared', concat(j.holder, ': conflicts of a role, or which person it is, are not recorded'))
  END AS result
FROM judged AS j
LEFT JOIN clash AS c ON c.source = j.source AND c.who = j.who
WHERE j.source IN (SELECT d.source FROM role_definition AS d)
