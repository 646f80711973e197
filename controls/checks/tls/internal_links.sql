-- Population: every connection between components that a server's configuration or its live sessions show.
SELECT
  concat(l.source, '/', l.source_component, ' to ', l.target_component) AS resource,
  l.entry,
  CASE
    WHEN l.is_local IS TRUE
      THEN pass('local', concat(l.source_component, ' to ', l.target_component, ' never leaves the machine'))
    WHEN l.tls_enabled IS FALSE
      THEN fail('plain', concat(l.source_component, ' to ', l.target_component, ' is not encrypted'))
    WHEN l.tls_enabled IS TRUE AND l.tls_verified IS FALSE
      THEN fail('unverified', concat(l.source_component, ' does not check the certificate of ', l.target_component))
    WHEN l.tls_enabled IS TRUE AND l.tls_verified IS TRUE
      THEN pass('verified', concat(l.source_component, ' to ', l.target_component, ' is encrypted and checked'))
    ELSE unknown('not_readable', concat(l.source_component, ' to ', l.target_component, ': encryption or check was not readable'))
  END AS result
FROM internal_link AS l
