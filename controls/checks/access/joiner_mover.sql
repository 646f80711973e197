-- Population: every account that may be used, and each right of people whose job changed in the period, by account. Working
-- days are Monday to Friday; a day counts to its end (UTC). A customer is who the organisation says has an account of a
-- source, holds no more than an ordinary right there, and is on no staff register.
WITH staff AS (
  SELECT
    folded(p.person) AS id,
    -- same: any entry will do
    min(p.entry) AS entry,
    min(p.starts_at) AS starts_at, count(*) - count(p.starts_at) AS undated,
    CASE WHEN count(*) = count(p.ends_at) THEN max(p.ends_at) END AS ends_at,
    max(p.job_changed_at) FILTER (WHERE p.job_changed_at <= $as_of) AS moved_at
  FROM person AS p
  GROUP BY folded(p.person)
), rights AS (
  SELECT DISTINCT g.source, g.account FROM role_grant AS g WHERE g.is_privileged IS TRUE
), owned AS (
  SELECT
    u.*, nullif(folded(u.person), '') AS id, s.entry AS person_entry, s.starts_at, s.undated, s.ends_at, s.moved_at,
    CASE WHEN NOT list_contains($customer_sources::VARCHAR[], u.source) OR u.account_type <> 'human' OR u.is_privileged IS TRUE
              OR u.is_superuser IS TRUE OR r.account IS NOT NULL THEN FALSE
         WHEN u.account_type = 'human' AND u.is_privileged IS FALSE THEN TRUE END AS is_customer
  FROM user_account AS u
  LEFT JOIN staff AS s ON s.id = nullif(folded(u.person), '')
  LEFT JOIN rights AS r ON r.source = u.source AND r.account = u.account
  WHERE u.is_active IS NOT FALSE
), decided AS (
  SELECT folded(c.account_source) AS on_source, i.*
  FROM access_review_item AS i
  -- same: an item without campaign is on no source
  LEFT JOIN access_review_campaign AS c ON c.campaign = i.campaign
  WHERE i.decision IS NOT NULL
), moved AS (
  SELECT
    o.source, o.account, o.entry, o.id, o.person_entry, o.moved_at, g.entry AS grant_entry, g.role, g.scope, g.approved_at, g.approved_by,
    CASE WHEN g.granted_at <= $as_of THEN g.granted_at END AS granted_at,
    date_trunc('day', o.moved_at)
      + days($business_days + 2 * ((least(isodow(o.moved_at), 5) - 1 + $business_days) // 5) - greatest(isodow(o.moved_at) - 5, 0) + 1) AS decide_by
  FROM owned AS o
  LEFT JOIN role_grant AS g ON g.source = o.source AND g.account = o.account AND (g.expires_at <= $as_of) IS NOT TRUE
  WHERE o.moved_at >= $period_start
), judged AS (
  SELECT
    m.*, concat('moved: ', m.source, '/', m.account, ': ' || m.role || ' on ' || m.scope) AS resource, concat(m.account, ' with ' || m.role) AS what,
    -- same: any entry will do; the moments have cases
    max(i.entry) FILTER (WHERE i.decided_at >= m.moved_at AND i.decided_at < m.decide_by AND i.decided_at <= $as_of
                           AND nullif(folded(i.reviewer), '') IS NOT NULL AND folded(i.reviewer) IS DISTINCT FROM m.id
                           AND nullif(i.scope, '') IS NOT NULL) AS item_entry,
    count(i.entry) FILTER (WHERE i.decided_at IS NULL OR nullif(folded(i.reviewer), '') IS NULL OR nullif(i.scope, '') IS NULL) AS loose
  FROM moved AS m
  LEFT JOIN decided AS i ON i.on_source = folded(m.source) AND i.account = m.account
    AND (m.role IS NULL OR i.role = '*' OR i.role = m.role AND (i.scope IS NULL OR i.scope IN ('', '*', m.scope)))
  GROUP BY ALL
  UNION ALL BY NAME
  SELECT
    concat(o.source, '/', o.account) AS resource, o.account AS what, o.entry, o.person_entry, o.id, o.account_type, o.created_at, o.starts_at, o.undated,
    o.ends_at, o.is_customer, TRUE AS is_account
  FROM owned AS o
)
SELECT
  j.resource,
  [j.entry, j.person_entry, j.grant_entry, j.item_entry] AS entry,
  CASE
    -- only accounts have a type, a customer, a moment of opening and an end of work; moved rights have none of them
    WHEN j.id IS NULL AND j.account_type IN ('service', 'system', 'shared', 'break_glass')
      THEN not_applicable('not_personal', concat(j.what, ' is no account of one person'))
    WHEN j.is_customer IS TRUE AND j.id <> '' AND j.person_entry IS NULL
      THEN not_applicable('customer', concat(j.what, ' is declared to be a customer''s; its person is on no staff register'))
    WHEN j.is_customer IS FALSE AND j.id <> '' AND j.person_entry IS NULL
      THEN fail('not_on_register', concat(j.what, ' belongs to ', j.id, ', who is not on the staff register'))
    WHEN j.created_at >= $period_start AND j.undated = 0 AND j.created_at < j.starts_at - days($early_days)
      THEN fail('too_early', concat(j.what, ' was opened on ', strftime(j.created_at, '%Y-%m-%d'), '; the work begins on ', strftime(j.starts_at, '%Y-%m-%d')))
    WHEN j.created_at > j.ends_at
      THEN fail('opened_after', concat(j.what, ' was opened on ', strftime(j.created_at, '%Y-%m-%d'), '; the work ended on ', strftime(j.ends_at, '%Y-%m-%d')))
    WHEN j.person_entry IS NOT NULL AND (j.created_at < $period_start OR j.created_at <= $as_of AND j.undated = 0)
      THEN pass('on_register', concat(j.what, ' belongs to ', j.id, ' of the staff register'))
    WHEN j.is_account
      THEN unknown('no_person', concat(j.what, ': which person it belongs to, whether a customer, when it was opened, or when the work begins is not recorded'))
    WHEN j.granted_at >= j.moved_at
      THEN not_applicable('newer', concat(j.what, ' was given after the change of job on ', strftime(j.moved_at, '%Y-%m-%d')))
    WHEN j.item_entry IS NOT NULL
      THEN pass('decided', concat(j.what, ' was decided on after the change of job on ', strftime(j.moved_at, '%Y-%m-%d')))
    WHEN j.approved_at >= j.moved_at AND j.approved_at < j.decide_by AND j.approved_at <= $as_of AND folded(j.approved_by) <> ''
         AND folded(j.approved_by) <> j.id
      THEN pass('approved', concat(j.what, ' was approved again after the change of job on ', strftime(j.moved_at, '%Y-%m-%d')))
    WHEN date_trunc('day', $as_of) < j.decide_by
      THEN not_applicable('running', concat(j.what, ' is to be decided on before ', strftime(j.decide_by, '%Y-%m-%d')))
    WHEN j.granted_at IS NOT NULL AND j.loose = 0
      THEN fail('not_decided', concat(j.what, ' was kept over the change of job on ', strftime(j.moved_at, '%Y-%m-%d'), ' and nobody else decided on it in time'))
    ELSE unknown('not_told', concat(j.what, ': since when it is held, or moment, scope or reviewer of a decision is not recorded'))
  END AS result
FROM judged AS j
