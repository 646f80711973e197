-- Population: every system whose rules of sign-in were read. 0 attempts: never refused; 0 minutes of refusal: until an
-- administrator lifts it; 0 idle minutes: never ended.
SELECT
  concat(p.source, '/', p.system) AS resource,
  p.entry,
  CASE
    WHEN p.lockout_attempts < 1
      THEN fail('no_lockout', concat(p.system, ' never refuses after failed attempts'))
    WHEN p.lockout_attempts > $lockout_attempts
      THEN fail('many_attempts', concat(p.system, ' allows ', p.lockout_attempts, ' failed attempts'))
    WHEN p.lockout_attempts >= 1 AND p.lockout_minutes <> 0 AND p.lockout_minutes < $lockout_minutes
      THEN fail('short_lockout', concat(p.system, ' refuses for ', p.lockout_minutes, ' min only'))
    WHEN p.idle_minutes < 1
      THEN fail('no_idle_limit', concat(p.system, ' never ends an idle session'))
    WHEN p.idle_minutes > $idle_minutes
      THEN fail('long_idle', concat(p.system, ' ends sessions after ', p.idle_minutes, ' idle min'))
    WHEN p.lockout_attempts BETWEEN 1 AND $lockout_attempts AND (p.lockout_minutes = 0 OR p.lockout_minutes >= $lockout_minutes)
         AND p.idle_minutes BETWEEN 1 AND $idle_minutes
      THEN pass('limited', concat(p.system, ': refused after ', p.lockout_attempts, ' attempts ',
                -- same: words only
                CASE WHEN p.lockout_minutes = 0 THEN 'until lifted' ELSE concat('for ', p.lockout_minutes, ' min') END,
                ', ended after ', p.idle_minutes, ' idle min'))
    ELSE unknown('not_readable', concat(p.system, ': lock-out or idle limit were not readable'))
  END AS result
FROM auth_policy AS p
