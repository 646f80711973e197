-- Population: every account, and everybody who left in the period and has none. A person may stand in two registers: who
-- works by one of them is here. An account names its person; the address of somebody who left only ever proves a failure.
WITH known AS (
  SELECT
    p.person, p.entry, folded(p.person) AS id, nullif(folded(p.email), '') AS email,
    p.ends_at <= $as_of OR (p.status = 'left' AND p.ends_at IS NULL) AS has_left,
    CASE WHEN p.ends_at <= $as_of THEN p.ends_at END AS left_at,
    p.status IN ('expected', 'active', 'on_leave') AND (p.ends_at <= $as_of) IS NOT TRUE AS is_here
  FROM person AS p
), staff AS (
  SELECT
    k.id, bool_or(k.is_here IS TRUE) AS is_here, bool_and(k.has_left IS TRUE) AS has_left,
    -- same: any spelling and entry will do
    min(k.person) AS person, min(k.entry) AS entry,
    -- the last day, where each register tells one
    CASE WHEN count(*) = count(k.left_at) THEN max(k.left_at) END AS left_at
  FROM known AS k
  GROUP BY k.id
), address AS (
  SELECT
    k.email,
    -- same: any spelling and entry will do
    min(k.person) AS person, min(k.entry) AS entry,
    -- the last day, where each register tells one
    CASE WHEN count(*) = count(k.left_at) THEN max(k.left_at) END AS left_at
  FROM known AS k
  GROUP BY k.email
), rights AS (
  -- same: any entry will do
  SELECT g.source, g.account, min(g.entry) AS entry
  FROM role_grant AS g
  WHERE g.is_privileged IS TRUE
  GROUP BY g.source, g.account
), owned AS (
  SELECT
    u.source, u.account, u.entry, u.account_type, u.is_active, u.disabled_at, u.collected_at, u.last_login_at, u.never_logged_in,
    nullif(folded(u.person), '') AS id, s.is_here, s.has_left, s.left_at, s.entry AS person_entry, a.entry AS address_entry,
    r.entry AS grant_entry, a.left_at AS address_left_at,
    -- same: a name in words
    coalesce(s.person, a.person) AS person,
    coalesce(s.left_at, a.left_at) AS gone_at,
    CASE WHEN u.is_privileged IS TRUE OR u.is_superuser IS TRUE OR r.entry IS NOT NULL THEN TRUE
         WHEN u.is_privileged IS FALSE THEN FALSE END AS high
  FROM user_account AS u
  LEFT JOIN staff AS s ON s.id = folded(u.person)
  LEFT JOIN address AS a ON s.id IS NULL AND a.email = folded(u.email)
  LEFT JOIN rights AS r ON r.source = u.source AND r.account = u.account
), judged AS (
  SELECT
    o.*, concat(o.source, '/', o.account) AS resource,
    o.gone_at + hours(CASE WHEN o.high IS TRUE THEN $privileged_hours ELSE $hours END) AS late_from,
    o.left_at + hours(CASE WHEN o.high IS FALSE THEN $hours ELSE $privileged_hours END) AS sure_until
  FROM owned AS o
  UNION ALL BY NAME
  SELECT s.entry, concat('left: ', s.person) AS resource, s.person, TRUE AS without_account
  FROM staff AS s
  LEFT JOIN user_account AS u ON folded(u.person) = s.id
  WHERE s.has_left IS TRUE AND (s.left_at < $period_start) IS NOT TRUE AND u.account IS NULL
)
SELECT
  j.resource,
  [j.entry, j.person_entry, j.address_entry, j.grant_entry] AS entry,
  CASE
    WHEN j.is_active IS TRUE AND j.collected_at > j.late_from
      THEN fail('still_active', concat(j.account, ' can be used; ', j.person, ', whose it is by name or address, left on ',
                strftime(j.gone_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN j.is_active IS FALSE AND j.left_at >= $period_start AND j.disabled_at > j.late_from
      THEN fail('late', concat(j.account, ' was disabled on ', strftime(j.disabled_at, '%Y-%m-%d %H:%M'), '; ', j.person, ' left on ',
                strftime(j.left_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN j.last_login_at > j.left_at AND j.last_login_at >= $period_start
      THEN fail('used_after', concat(j.account, ' was used on ', strftime(j.last_login_at, '%Y-%m-%d %H:%M'), '; ', j.person, ' left on ',
                strftime(j.left_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN j.without_account
      THEN not_applicable('no_account', concat(j.person, ' left; no account names this person'))
    WHEN j.is_active IS FALSE AND (j.is_here IS TRUE OR j.left_at < $period_start OR (j.has_left IS NULL AND j.disabled_at < $period_start))
      THEN not_applicable('inactive', concat(j.account, ' cannot be used and is nobody''s who left in the period'))
    WHEN j.account_type IN ('service', 'system', 'shared', 'break_glass') AND j.id IS NULL AND j.address_left_at IS NULL
      THEN not_applicable('not_personal', concat(j.account, ' is no account of one person'))
    WHEN j.is_active IS TRUE AND $as_of <= j.sure_until
      THEN not_applicable('running', concat(j.account, ': ', j.person, ' left on ', strftime(j.left_at, '%Y-%m-%d %H:%M'),
                          ' UTC; the time to disable it runs'))
    WHEN j.is_active IS FALSE AND least(j.disabled_at, j.collected_at) <= j.sure_until
         AND (j.last_login_at <= j.left_at OR j.never_logged_in IS TRUE)
      THEN pass('in_time', concat(j.account, ' was off by ', strftime(least(j.disabled_at, j.collected_at), '%Y-%m-%d %H:%M'), '; ', j.person,
                ' left on ', strftime(j.left_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN j.is_active IS TRUE AND j.is_here IS TRUE
      THEN pass('works_here', concat(j.account, ' belongs to ', j.person, ', who has not left'))
    WHEN j.has_left IS NULL
      THEN unknown('unexplained', concat(j.account, ': no person of the staff register explains it'))
    ELSE unknown('not_told', concat(j.account, ': whether it is off, since when, its use or when the person left is not recorded'))
  END AS result
FROM judged AS j
