-- Population: every environment of the register; without one that is production the separation from it proves nothing.
WITH production AS (
  SELECT count(*) AS n FROM environment AS e WHERE e.is_production IS TRUE
)
SELECT
  concat(e.source, '/', e.environment) AS resource,
  e.entry,
  CASE
    WHEN e.shared_credentials IS TRUE
      THEN fail('shared_credentials', concat('a credential of ', e.environment, ' opens another environment too'))
    WHEN e.separate_account IS FALSE
      THEN fail('shared_account', concat(e.environment, ' shares its account or machines with another environment'))
    WHEN e.separate_network IS FALSE
      THEN fail('shared_network', concat(e.environment, ' and another environment reach each other'))
    WHEN e.checked_at < $as_of - days($max_days)
      THEN fail('check_old', concat(e.environment, ' was last looked at on ', strftime(e.checked_at, '%Y-%m-%d')))
    WHEN e.shared_credentials IS FALSE AND e.separate_account IS TRUE AND e.separate_network IS TRUE
         AND e.checked_at BETWEEN $as_of - days($max_days) AND $as_of AND e.is_production IS NOT NULL AND p.n > 0
      THEN pass('separate', concat(e.environment, ' is separate, as looked at on ', strftime(e.checked_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(e.environment, ': its separation, the date it was looked at, or which environment is production is not filled in'))
  END AS result
FROM environment AS e
-- same: always one row
LEFT JOIN production AS p ON true
