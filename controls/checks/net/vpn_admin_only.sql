-- Population: every listening socket that is, or could be, administration, and every path of administration behind the web
-- servers read. A password does not make a path inside: only the addresses that may reach it do.
-- Only sockets are public or private, only paths are closed, limited, or bound to another address than loopback.
WITH judged AS (
  SELECT
    concat(s.source, '/', s.asset, ' ', s.protocol, ' ', s.address, ':', s.port) AS resource, s.entry,
    -- same: a name in words
    coalesce(s.component, concat('port ', s.port)) AS name, concat(s.address, ':', s.port) AS place,
    s.is_admin, s.exposure, s.is_encrypted AS encrypted,
    NULL AS closed, NULL AS limited, NULL AS allowed, NULL AS sign_in, NULL AS either, TRUE AS current
  FROM listening_socket AS s
  UNION ALL
  SELECT
    concat(a.source, '/', a.host, ' ', a.listen, ' ', a.path), a.entry,
    a.path, concat(a.host, ' on ', a.listen),
    TRUE, CASE WHEN a.is_loopback IS TRUE THEN 'loopback' WHEN a.is_loopback IS FALSE THEN 'other' END, a.encrypted,
    a.closed, a.address_limited, a.public_allowed, a.authentication <> '', a.either_suffices, a.in_force
  FROM admin_path AS a
)
SELECT
  j.resource,
  j.entry,
  CASE
    WHEN j.is_admin IS FALSE
      THEN not_applicable('not_admin', concat(j.name, ' is no administrative service'))
    WHEN j.is_admin IS TRUE AND j.exposure = 'public'
      THEN fail('reachable', concat(j.name, ' listens on ', j.place))
    WHEN j.exposure = 'other' AND j.closed IS FALSE
         AND (j.limited IS FALSE OR j.either IS TRUE AND j.sign_in IS TRUE)
      THEN fail('path_open', concat(j.name, ' of ', j.place, ' may be asked from every address'))
    WHEN j.exposure = 'other' AND j.closed IS FALSE AND j.encrypted IS FALSE
      THEN fail('clear_text', concat(j.name, ' of ', j.place, ' is served without TLS'))
    WHEN j.current IS FALSE
      THEN unknown('not_loaded', concat(j.name, ' of ', j.place, ': the configuration changed, and the running server has not read it since'))
    WHEN j.exposure = 'loopback' AND j.current IS TRUE
      THEN pass('local', concat(j.name, ' listens on loopback only'))
    WHEN j.current IS TRUE AND j.closed IS TRUE
      THEN pass('path_closed', concat(j.name, ' of ', j.place, ' answers nobody'))
    WHEN j.current IS TRUE AND j.exposure = 'other' AND j.encrypted IS TRUE AND j.limited IS TRUE
         AND (j.either IS FALSE OR j.sign_in IS FALSE) AND list_has_all($vpn_addresses, j.allowed)
      THEN pass('path_inside', concat(j.name, ' of ', j.place, ' may be asked from inside only, encrypted'))
    WHEN j.limited IS TRUE AND len(j.allowed) > 0
      THEN unknown('path_public', concat(j.name, ' of ', j.place, ' may be asked from ', array_to_string(j.allowed, ', '), ', which is not declared to be the VPN''s'))
    WHEN j.is_admin IS TRUE AND j.exposure = 'private' AND j.encrypted IS FALSE
      THEN fail('clear_text', concat(j.name, ' on ', j.place, ' is not encrypted'))
    WHEN j.is_admin IS TRUE AND j.exposure = 'private' AND j.encrypted IS TRUE
      THEN pass('inside', concat(j.name, ' listens on private address ', j.place, ', encrypted'))
    ELSE unknown('not_known', concat(j.name, ' on ', j.place, ': what it is, whether it is encrypted or from where it can be reached was not readable'))
  END AS result
FROM judged AS j
