-- Population: every web site asked over HTTPS. What is not known to be inside counts as outside.
SELECT
  h.source || '/' || h.url AS resource,
  h.entry,
  CASE
    WHEN h.exposure IN ('loopback', 'private')
      THEN not_applicable('not_outside', concat(h.url, ' answers only on ', h.exposure, ' addresses'))
    WHEN h.hsts_max_age_s = 0
      THEN fail('hsts_missing', concat(h.url, ' sends no Strict-Transport-Security'))
    WHEN h.hsts_max_age_s < $max_age_s
      THEN fail('hsts_short', concat(h.url, ' sends max-age ', h.hsts_max_age_s, ' s, less than ', $max_age_s, ' s'))
    WHEN h.hsts_subdomains IS FALSE
      THEN fail('hsts_no_subdomains', concat(h.url, ' leaves subdomains out'))
    WHEN h.hsts_max_age_s >= $max_age_s AND h.hsts_subdomains IS TRUE
      THEN pass('hsts_ok', concat(h.url, ' sends max-age ', h.hsts_max_age_s, ' s with subdomains'))
    ELSE unknown('hsts_unreadable', concat(h.url, ': the headers of the answer were not readable'))
  END AS result
FROM http_endpoint AS h
