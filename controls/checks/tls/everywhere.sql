-- Population: endpoints met by handshake, sites asked over HTTP, and every virtual host of the web servers read.
WITH met AS (
  SELECT
    concat(t.source, '/', t.host, ':', t.port, CASE WHEN t.server_name <> '' THEN concat(' ', t.server_name) ELSE '' END) AS resource,
    t.entry, t.exposure IN ('loopback', 'private') AS inside, t.min_protocol AS protocol, NULL AS redirects, NULL AS allowed,
    TRUE AS current
  FROM tls_endpoint AS t
  UNION ALL
  SELECT concat(h.source, '/', h.url), h.entry, h.exposure IN ('loopback', 'private'), 'http', h.http_redirects_https, NULL, TRUE
  FROM http_endpoint AS h
  UNION ALL
  SELECT
    concat(v.source, '/', v.host, ' ', v.listen), v.entry,
    v.exposure IN ('loopback', 'private'),
    CASE WHEN v.tls IS TRUE THEN 'configured' WHEN v.tls IS FALSE THEN 'http' END, v.redirects_to_https, v.tls_protocols,
    v.in_force
  FROM virtual_host AS v
)
SELECT
  m.resource,
  m.entry,
  CASE
    WHEN m.inside IS TRUE AND m.current IS NOT TRUE
      THEN unknown('not_loaded', concat(m.resource, ': that it answers only inside is in a file that the running server may not have read'))
    WHEN m.inside IS TRUE
      THEN not_applicable('not_outside', concat(m.resource, ' answers only inside'))
    WHEN m.protocol IN ('SSLv2', 'SSLv3', 'TLSv1', 'TLSv1.0', 'TLSv1.1')
      THEN fail('old_protocol', concat(m.resource, ' accepts ', m.protocol))
    -- same: only a virtual host has a list
    WHEN m.protocol = 'configured' AND list_has_any(m.allowed, ['SSLv2', 'SSLv3', 'TLSv1', 'TLSv1.0', 'TLSv1.1'])
      THEN fail('old_protocol', concat(m.resource, ' is configured for ', array_to_string(m.allowed, ', ')))
    WHEN m.protocol IN ('http', 'configured') AND m.redirects IS FALSE
      THEN fail('plain_http', concat(m.resource, ' serves content without TLS'))
    WHEN m.protocol IN ('TLSv1.2', 'TLSv1.3')
      THEN pass('encrypted', concat(m.resource, ' accepts nothing older than ', m.protocol))
    WHEN m.current IS FALSE
      THEN unknown('not_loaded', concat(m.resource, ': the configuration changed, and the running server has not read it since'))
    WHEN m.protocol = 'configured' AND m.current IS TRUE AND m.redirects IS TRUE AND len(m.allowed) > 0 AND list_has_all(['TLSv1.2', 'TLSv1.3'], m.allowed)
      THEN pass('encrypted', concat(m.resource, ' is configured for ', array_to_string(m.allowed, ', '), ' only'))
    WHEN m.protocol = 'http' AND m.current IS TRUE AND m.redirects IS TRUE
      THEN pass('redirected', concat(m.resource, ' serves nothing over plain HTTP: it redirects or is closed'))
    ELSE unknown('not_readable', concat(m.resource, ': protocols or redirects were not readable'))
  END AS result
FROM met AS m
