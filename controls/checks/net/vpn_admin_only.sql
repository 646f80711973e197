-- Population: every listening socket that is, or could be, administration.
SELECT
  s.source || '/' || s.asset || ' ' || s.protocol || ' ' || s.address || ':' || s.port AS resource,
  s.entry,
  CASE
    WHEN s.is_admin IS FALSE
      THEN not_applicable('not_admin', concat(coalesce(s.component, concat('port ', s.port)), ' is no administrative service'))
    WHEN s.is_admin IS TRUE AND s.exposure = 'public'
      THEN fail('reachable', concat(coalesce(s.component, 'administration'), ' listens on ', s.address, ':', s.port))
    WHEN s.exposure = 'loopback'
      THEN pass('local', concat(coalesce(s.component, concat('port ', s.port)), ' listens on loopback only'))
    WHEN s.is_admin IS TRUE AND s.exposure = 'private' AND s.is_encrypted IS FALSE
      THEN fail('clear_text', concat(coalesce(s.component, 'administration'), ' on ', s.address, ':', s.port, ' is not encrypted'))
    WHEN s.is_admin IS TRUE AND s.exposure = 'private' AND s.is_encrypted IS TRUE
      THEN pass('inside', concat(coalesce(s.component, 'administration'), ' listens on private address ', s.address, ', encrypted'))
    ELSE unknown('not_known', concat('port ', s.port, ' on ', s.address, ': what it is, whether it is encrypted or from where it can be reached was not readable'))
  END AS result
FROM listening_socket AS s
