-- Population: every TLS endpoint met by handshake. The lowest version is missing while one could not be tested: then
-- the suites of that one are not known either. The approved list is a reviewed document of at most 366 days, for the
-- endpoints that it names, or for all where it names none.
WITH endpoint AS (
  SELECT t.*, concat(t.source, '/', t.host, ':', t.port, CASE WHEN t.server_name <> '' THEN concat(' ', t.server_name) ELSE '' END) AS resource
  FROM tls_endpoint AS t
), document AS (
  SELECT a.entry, a.resources
  FROM attestation AS a
  WHERE a.control = 'tls.strong_settings' AND a.form = 'document' -- null: an attestation for no control does not count
    AND trim(a.reviewed_by) > '' AND trim(a.by_person) > '' -- null: erased; two persons cannot be told
    AND (trim(regexp_replace(lower(a.reviewed_by), '\s+', ' ', 'g'))
         = trim(regexp_replace(lower(a.by_person), '\s+', ' ', 'g'))) IS FALSE -- another spelling is no second person
    AND coalesce(a.revokes, '') = '' -- what takes another back states nothing of its own
    AND a.occurred_at <= $as_of -- null: always given
    AND a.expires_at > $as_of -- null: always given
    AND a.occurred_at >= $as_of - days(366) -- null: always given
    AND NOT EXISTS (SELECT 1 FROM attestation AS x WHERE x.revokes = a.attestation) -- null: only a named one is taken back
), approved AS (
  SELECT
    t.resource,
    -- same: any of them will do
    max(d.entry) AS entry
  FROM endpoint AS t
  -- join: an endpoint that no document speaks of has none
  JOIN document AS d ON (len(d.resources) > 0) IS NOT TRUE OR list_contains(d.resources, t.resource)
  GROUP BY t.resource
)
SELECT
  t.resource,
  [t.entry, p.entry] AS entry,
  CASE
    WHEN len(t.weak_ciphers) > 0
      THEN fail('weak_suite', concat(t.host, ' accepts ', array_to_string(t.weak_ciphers, ', ')))
    WHEN t.key_type = 'rsa' AND t.key_bits < $rsa_bits
      THEN fail('short_key', concat(t.host, ': RSA key of ', t.key_bits, ' bits'))
    WHEN t.key_type = 'ec' AND t.key_bits < $ec_bits
      THEN fail('short_key', concat(t.host, ': elliptic-curve key of ', t.key_bits, ' bits'))
    WHEN t.min_protocol <> '' AND len(t.weak_ciphers) = 0 AND len(t.ciphers) > 0 AND p.entry IS NOT NULL
         AND (t.key_type = 'rsa' AND t.key_bits >= $rsa_bits OR t.key_type = 'ec' AND t.key_bits >= $ec_bits OR t.key_type IN ('ed25519', 'ed448'))
      THEN pass('strong', concat(t.host, ': ', len(t.ciphers), ' strong suites, ', t.key_type, ' key of ', t.key_bits, ' bits'))
    WHEN t.min_protocol <> '' AND len(t.weak_ciphers) = 0 AND len(t.ciphers) > 0 AND t.key_type IS NOT NULL AND t.key_bits IS NOT NULL
      THEN unknown('not_approved', concat(t.host, ' uses strong suites only; no approved list of suites of the last year is recorded'))
    ELSE unknown('not_readable', concat(t.host, ': suites or key were not readable, or not for every version'))
  END AS result
FROM endpoint AS t
LEFT JOIN approved AS p ON p.resource = t.resource
