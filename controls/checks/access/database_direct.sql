-- Population: every account; judged are those of sources with a database server that could sign in now. A role that may
-- be a superuser, or may be able to sign in, counts towards the limit only where it keeps another from a pass.
WITH server AS (
  SELECT d.source, min(d.entry) AS entry, min(d.instance) AS instance FROM database_instance AS d GROUP BY d.source
), superusers AS (
  SELECT
    u.source,
    count(*) FILTER (WHERE u.is_superuser IS TRUE AND u.is_active IS TRUE) AS proven,
    count(*) FILTER (WHERE u.is_superuser IS NOT FALSE AND u.is_active IS NOT FALSE) AS possible
  FROM user_account AS u
  GROUP BY u.source
)
SELECT
  concat(u.source, '/', u.account) AS resource,
  [u.entry, d.entry] AS entry,
  CASE
    WHEN d.instance IS NULL
      THEN not_applicable('no_database', concat(u.account, ' is an account of no database'))
    WHEN u.is_active IS FALSE
      THEN not_applicable('inactive', concat(u.account, ' cannot sign in'))
    WHEN u.is_active IS TRUE AND u.is_superuser IS TRUE AND n.proven > $max_superusers
      THEN fail('superusers', concat(u.account, ' is one of ', n.proven, ' superusers that can sign in to ', d.instance))
    WHEN u.is_active IS TRUE AND u.account_type = 'shared'
      THEN fail('shared', concat(u.account, ' signs in to ', d.instance, ' and is used by several people'))
    WHEN u.account_type = 'shared'
      THEN unknown('not_readable', concat(u.account, ' is used by several people; whether it can sign in was not readable'))
    WHEN (u.account_type = 'service' OR u.person <> '') AND (u.is_superuser IS FALSE OR n.possible <= $max_superusers)
      THEN pass('named', concat(u.account, CASE WHEN u.person <> '' THEN concat(' belongs to ', u.person) ELSE ' belongs to a program' END,
                CASE WHEN u.is_superuser IS FALSE THEN '' ELSE concat('; at most ', n.possible, ' superusers can sign in') END))
    WHEN u.account_type = 'service' OR u.person <> ''
      THEN unknown('not_readable', concat(u.account, ': how many superusers can sign in to ', d.instance, ' was not readable'))
    ELSE unknown('no_name', concat(u.account, ' may sign in to ', d.instance, '; which person or program it belongs to is not recorded'))
  END AS result
FROM user_account AS u
LEFT JOIN server AS d ON d.source = u.source
LEFT JOIN superusers AS n ON n.source = u.source
