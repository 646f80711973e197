-- Population: every system whose rules of sign-in were read.
SELECT
  concat(p.source, '/', p.system) AS resource,
  p.entry,
  CASE
    WHEN p.mfa_bypass_allowed IS TRUE
      THEN fail('way_around', concat(p.system, ' lets people in without the second factor'))
    WHEN p.mfa_replay_protected IS FALSE
      THEN fail('replayable', concat(p.system, ' accepts a used code again'))
    WHEN p.mfa_bypass_allowed IS FALSE AND p.mfa_replay_protected IS TRUE
      THEN pass('strong', concat(p.system, ' has no way in without the second factor and refuses used codes'))
    ELSE unknown('not_readable', concat(p.system, ': whether the second factor can be passed by or replayed was not readable'))
  END AS result
FROM auth_policy AS p
