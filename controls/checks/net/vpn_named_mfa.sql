-- Population: every gateway, and every account that opened a session in the period (an erased person by the alias that is
-- left). Sessions that name nobody stand together.
WITH used AS (
  SELECT
    s.source, s.gateway, coalesce(s.account, s.subject) AS account, count(*) AS sessions,
    count(*) FILTER (WHERE s.account_type = 'human') AS human,
    count(*) FILTER (WHERE s.account_type = 'shared') AS shared,
    count(*) FILTER (WHERE s.account_type IN ('service', 'system', 'break_glass')) AS nobody,
    count(*) FILTER (WHERE s.mfa_used IS TRUE) AS second,
    count(*) FILTER (WHERE s.mfa_used IS FALSE) AS plain,
    -- same: any entry will do, and the time stands in the reason only
    max(s.entry) AS entry, max(CASE WHEN s.mfa_used THEN NULL ELSE s.entry END) AS bad_entry, max(CASE WHEN s.mfa_used THEN NULL ELSE s.occurred_at END) AS plain_at
  FROM vpn_session AS s
  WHERE s.occurred_at >= $period_start AND s.occurred_at <= $period_end
  GROUP BY s.source, s.gateway, coalesce(s.account, s.subject)
), judged AS (
  SELECT
    concat(g.source, '/', g.gateway) AS resource, [g.entry] AS entry, g.gateway AS name, g.enabled,
    g.mfa_required, g.mfa_bypass_allowed, g.shared_logins_allowed,
    NULL AS account, NULL AS sessions, NULL AS human, NULL AS shared, NULL AS nobody, NULL AS second, NULL AS plain, NULL AS plain_at
  FROM vpn_config AS g
  UNION ALL
  SELECT
    concat(u.source, '/', u.gateway, ' ', coalesce(u.account, '(no name)')), [u.entry, u.bad_entry], concat(u.account, ' on ', u.gateway),
    NULL, NULL, NULL, NULL, u.account, u.sessions, u.human, u.shared, u.nobody, u.second, u.plain, u.plain_at
  FROM used AS u
)
SELECT
  j.resource,
  j.entry,
  CASE
    WHEN j.enabled IS FALSE
      THEN not_applicable('closed', concat(j.name, ' accepts no sessions'))
    WHEN j.mfa_required IS FALSE
      THEN fail('no_second_factor', concat(j.name, ' does not demand a second factor'))
    WHEN j.mfa_bypass_allowed IS TRUE
      THEN fail('bypass', concat(j.name, ' has a way in without the second factor'))
    WHEN j.shared_logins_allowed IS TRUE
      THEN fail('shared_allowed', concat(j.name, ' lets several use one certificate, key or account at a time'))
    WHEN j.shared > 0
      THEN fail('shared', concat(j.name, ': ', j.shared, ' of ', j.sessions, ' sessions by a shared account'))
    WHEN j.nobody > 0
      THEN fail('no_person', concat(j.name, ': ', j.nobody, ' of ', j.sessions, ' sessions by an account that is no person''s'))
    WHEN j.plain > 0
      THEN fail('without_mfa', concat(j.name, ': ', j.plain, ' of ', j.sessions, ' sessions without a second factor, the last on ',
                strftime(j.plain_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN j.enabled IS TRUE AND j.mfa_required IS TRUE AND j.mfa_bypass_allowed IS FALSE AND j.shared_logins_allowed IS FALSE
      THEN pass('demanded', concat(j.name, ' demands a second factor of everybody, and a login of each'))
    WHEN j.account <> '' AND j.human = j.sessions AND j.second = j.sessions
      THEN pass('named', concat(j.name, ': ', j.sessions, ' sessions of a person, each with a second factor'))
    ELSE unknown('not_readable', concat(j.name, ': who it was, or whether a second factor is demanded and was used, was not readable'))
  END AS result
FROM judged AS j
