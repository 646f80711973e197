-- Population: every connection between components that a server's configuration or its live sessions show, and every
-- database, pooler and cache that takes clients: what it would let in counts, whoever is connected at the moment.
WITH judged AS (
  SELECT 'link' AS what, concat(l.source, '/', l.source_component, ' to ', l.target_component) AS resource, l.entry,
    concat(l.source_component, ' to ', l.target_component) AS name, l.source_component AS client, l.target_component AS server,
    l.is_local, l.tls_enabled, l.tls_verified
  FROM internal_link AS l
  UNION ALL
  SELECT 'door', concat(d.source, '/', d.instance), d.entry, d.instance, NULL, NULL, d.is_loopback_only, d.tls_required, NULL
  FROM database_instance AS d
  UNION ALL
  SELECT 'door', concat(p.source, '/', p.instance), p.entry, p.instance, NULL, NULL, p.is_loopback_only, p.client_tls_required, NULL
  FROM connection_pooler AS p
  UNION ALL
  SELECT 'door', concat(c.source, '/', c.instance), c.entry, c.instance, NULL, NULL, c.is_loopback_only, NOT c.plaintext_port, NULL
  FROM cache_instance AS c
)
SELECT
  j.resource,
  j.entry,
  CASE
    WHEN j.is_local IS TRUE
      THEN pass('local', concat(j.name, CASE j.what WHEN 'door' THEN ' takes clients of its own machine only' ELSE ' never leaves the machine' END))
    WHEN j.what = 'door' AND j.tls_enabled IS FALSE
      THEN fail('takes_plain', concat(j.name, ' takes clients from other machines without encryption'))
    WHEN j.what = 'door' AND j.tls_enabled IS TRUE
      THEN pass('demands_tls', concat(j.name, ' takes nobody from another machine without encryption'))
    WHEN j.tls_enabled IS FALSE
      THEN fail('plain', concat(j.name, ' is not encrypted'))
    WHEN j.tls_enabled IS TRUE AND j.tls_verified IS FALSE
      THEN fail('unverified', concat(j.client, ' does not check whom it talks to at ', j.server))
    WHEN j.tls_enabled IS TRUE AND j.tls_verified IS TRUE
      THEN pass('verified', concat(j.name, ' is encrypted and checked'))
    ELSE unknown('not_readable', concat(j.name, ': encryption or check was not readable'))
  END AS result
FROM judged AS j
