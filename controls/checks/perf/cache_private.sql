-- Population: every path asked, and every location of a web server whose answers a shared cache may store.
WITH judged AS (
  SELECT
    concat(r.source, '/', r.url) AS resource, r.entry, r.url AS name,
    r.is_personal AS personal, r.is_private AS kept, NULL AS leaves_out, r.status, TRUE AS current
  FROM cached_response AS r
  UNION ALL
  SELECT
    concat(l.source, '/', l.host, ' ', l.location), l.entry, concat(l.host, ' ', l.location),
    CASE WHEN l.in_force IS TRUE AND (l.shared_cache IS FALSE OR l.is_static IS TRUE OR l.is_proxied IS FALSE) THEN FALSE
         WHEN l.shared_cache IS TRUE AND l.is_static IS FALSE AND l.is_proxied IS TRUE THEN TRUE END,
    NULL, l.bypasses_cookies, NULL, l.in_force
  FROM cache_rule AS l
)
SELECT
  j.resource,
  j.entry,
  CASE
    WHEN j.personal IS FALSE
      THEN not_applicable('not_personal', concat(j.name, ' gives nothing personal to a shared cache'))
    WHEN j.personal IS TRUE AND j.kept IS FALSE
      THEN fail('shared', concat(j.name, ' has personal data and neither private nor no-store'))
    WHEN j.personal IS TRUE AND j.leaves_out IS FALSE
      THEN fail('stores_signed_in', concat(j.name, ': the shared cache stores answers to signed-in requests'))
    WHEN j.personal IS TRUE AND (j.status < 200 OR j.status >= 300)
      THEN unknown('not_met', concat(j.name, ' answered ', j.status, ': the page with personal data was not seen'))
    WHEN j.personal IS TRUE AND j.kept IS TRUE AND j.status BETWEEN 200 AND 299
      THEN pass('kept_private', concat(j.name, ' says private or no-store'))
    WHEN j.current IS FALSE
      THEN unknown('not_loaded', concat(j.name, ': the configuration changed, and the running server has not read it since'))
    WHEN j.personal IS TRUE AND j.current IS TRUE AND j.leaves_out IS TRUE
      THEN pass('leaves_out', concat(j.name, ': the shared cache leaves out signed-in requests'))
    ELSE unknown('not_readable', concat(j.name, ': whether it is personal or how it is cached was not readable'))
  END AS result
FROM judged AS j
