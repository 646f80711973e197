-- Population: every issuer of tokens. Where nothing tells privileged users apart, their lifetime is everybody's.
SELECT
  concat(j.source, '/', j.application, ' ', j.issuer) AS resource,
  j.entry,
  CASE
    WHEN j.access_ttl_s > $access_ttl_s
      THEN fail('long_access', concat(j.issuer, ' issues access tokens for ', j.access_ttl_s, ' s'))
    WHEN j.refresh_ttl_s > $refresh_ttl_s
      THEN fail('long_refresh', concat(j.issuer, ' issues refresh tokens for ', j.refresh_ttl_s, ' s'))
    WHEN j.refresh_ttl_privileged_s > $refresh_ttl_privileged_s
      THEN fail('long_privileged', concat(j.issuer, ' issues refresh tokens to privileged users for ', j.refresh_ttl_privileged_s, ' s'))
    WHEN j.access_ttl_s BETWEEN 1 AND $access_ttl_s AND j.refresh_ttl_s BETWEEN 1 AND $refresh_ttl_s
         AND j.refresh_ttl_privileged_s BETWEEN 1 AND $refresh_ttl_privileged_s
      THEN pass('short', concat(j.issuer, ': access ', j.access_ttl_s, ' s, refresh ', j.refresh_ttl_s, ' s, for privileged users ',
                j.refresh_ttl_privileged_s, ' s'))
    ELSE unknown('not_readable', concat(j.issuer, ': a lifetime was not readable'))
  END AS result
FROM jwt_config AS j
