-- Population: every account; judged are those of sources with a database server that could sign in now. A role that may
-- be a superuser, or may be able to sign in, counts towards the limit only where it keeps another from a pass. And every
-- door: the rules of each database server, and each pooler. Behind a door that asks for no proof, names mean nothing.
WITH server AS (
  -- same: of several servers of one source any may be named
  SELECT d.source, min(d.entry) AS entry, min(d.instance) AS instance FROM database_instance AS d GROUP BY d.source
), superusers AS (
  SELECT
    u.source,
    count(*) FILTER (WHERE u.is_superuser IS TRUE AND u.is_active IS TRUE) AS proven,
    count(*) FILTER (WHERE u.is_superuser IS NOT FALSE AND u.is_active IS NOT FALSE) AS possible
  FROM user_account AS u
  GROUP BY u.source
), rules AS (
  SELECT
    r.source,
    r.system,
    list(r.entry) AS entries,
    count(*) AS n,
    count(*) FILTER (WHERE r.method > '' AND r.error IS NULL AND (r.method IS DISTINCT FROM 'ident' OR r.is_local IS NOT NULL)) AS told,
    -- same: which of them is told
    min(r.position) FILTER (WHERE r.method = 'trust' OR (r.method = 'ident' AND r.is_local IS FALSE)) AS open
  FROM auth_rule AS r
  GROUP BY r.source, r.system
), judged AS (
  SELECT 'account' AS what, concat(u.source, '/', u.account) AS resource, [u.entry, d.entry] AS entries, d.instance, u.account,
    u.account_type, u.person, u.is_active, u.is_superuser, n.proven, n.possible, CAST(NULL AS BOOLEAN) AS asks, CAST(NULL AS BIGINT) AS open
  FROM user_account AS u
  LEFT JOIN server AS d ON d.source = u.source
  -- same: every source with an account is counted
  LEFT JOIN superusers AS n ON n.source = u.source
  UNION ALL
  SELECT 'rules', concat(d.source, '/', d.instance, ' rules'), list_concat([d.entry], r.entries), d.instance, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, r.told = r.n AND d.rules_in_force IS TRUE, r.open
  FROM database_instance AS d
  LEFT JOIN rules AS r ON r.source = d.source AND r.system = d.instance
  UNION ALL
  SELECT 'pooler', concat(p.source, '/', p.instance), [p.entry], p.instance, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, p.authenticates, NULL
  FROM connection_pooler AS p
)
SELECT
  j.resource,
  j.entries AS entry,
  CASE
    WHEN j.open IS NOT NULL
      THEN fail('open', concat(j.instance, ': rule ', j.open, ' lets clients in on their word'))
    WHEN j.what = 'pooler' AND j.asks IS FALSE
      THEN fail('open', concat(j.instance, ' lets clients in on their word'))
    WHEN j.asks IS TRUE
      THEN pass('asks', concat(j.instance, ' asks every client for proof'))
    WHEN j.what <> 'account'
      THEN unknown('not_readable', concat(j.instance, ': whether it asks every client for proof was not readable'))
    WHEN j.instance IS NULL
      THEN not_applicable('no_database', concat(j.account, ' is an account of no database'))
    WHEN j.is_active IS FALSE
      THEN not_applicable('inactive', concat(j.account, ' cannot sign in'))
    WHEN j.is_active IS TRUE AND j.is_superuser IS TRUE AND j.proven > $max_superusers
      THEN fail('superusers', concat(j.account, ' is one of ', j.proven, ' superusers that can sign in to ', j.instance))
    WHEN j.is_active IS TRUE AND j.account_type = 'shared'
      THEN fail('shared', concat(j.account, ' signs in to ', j.instance, ' and is used by several people'))
    WHEN j.account_type = 'shared'
      THEN unknown('not_readable', concat(j.account, ' is used by several people; whether it can sign in was not readable'))
    WHEN (j.account_type = 'service' OR j.person <> '') AND (j.is_superuser IS FALSE OR j.possible <= $max_superusers)
      THEN pass('named', concat(j.account,
                -- same: words only
                CASE WHEN j.person <> '' THEN concat(' belongs to ', j.person) ELSE ' belongs to a program' END,
                -- same: words only
                CASE WHEN j.is_superuser IS FALSE THEN '' ELSE concat('; at most ', j.possible, ' superusers can sign in') END))
    WHEN j.account_type = 'service' OR j.person <> ''
      THEN unknown('not_readable', concat(j.account, ': how many superusers can sign in to ', j.instance, ' was not readable'))
    ELSE unknown('no_name', concat(j.account, ' may sign in to ', j.instance, '; which person or program it belongs to is not recorded'))
  END AS result
FROM judged AS j
