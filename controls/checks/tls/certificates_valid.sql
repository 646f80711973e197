-- Population: every TLS endpoint a handshake was made with, wherever it can be reached from.
SELECT
  t.source || '/' || t.host || ':' || t.port || CASE WHEN t.server_name <> '' THEN ' ' || t.server_name ELSE '' END AS resource,
  t.entry,
  CASE
    WHEN t.cert_not_after <= $as_of
      THEN fail('expired', concat(t.host, ': the certificate ended on ', strftime(t.cert_not_after, '%Y-%m-%d')))
    WHEN t.ocsp_status = 'revoked'
      THEN fail('revoked', concat(t.host, ': the issuer has revoked the certificate'))
    WHEN t.chain_ok IS FALSE
      THEN fail('not_trusted', concat(t.host, ': ',
                -- same: words of the reason
                coalesce(t.chain_error, 'the chain does not lead to a trusted root')))
    WHEN t.name_matches IS FALSE
      THEN fail('wrong_name', concat(t.host, ': the certificate is not for ',
                -- same: words of the reason
                coalesce(nullif(t.server_name, ''), t.host)))
    WHEN t.cert_not_after <= $as_of + to_days($days_left::INTEGER)
      THEN fail('expires_soon', concat(t.host, ': the certificate ends on ', strftime(t.cert_not_after, '%Y-%m-%d'), ', within ', $days_left, ' days'))
    WHEN t.cert_not_after IS NOT NULL AND t.chain_ok IS TRUE AND t.name_matches IS TRUE
         AND t.ocsp_status IN ('good', 'none')
      THEN pass('certificate_ok', concat(t.host, ': trusted, valid until ', strftime(t.cert_not_after, '%Y-%m-%d')))
    WHEN t.cert_not_after IS NOT NULL AND t.chain_ok IS TRUE AND t.name_matches IS TRUE
      THEN unknown('revocation_unknown', concat(t.host, ': the issuer names a responder, but its word could not be had'))
    ELSE unknown('certificate_unreadable', concat(t.host, ': validity, chain or name of the certificate was not readable'))
  END AS result
FROM tls_endpoint AS t
