-- Population: every distribution that was read.
SELECT
  concat(d.source, '/', d.distribution) AS resource,
  d.entry,
  CASE
    WHEN d.enabled IS FALSE
      THEN not_applicable('off', concat(d.distribution, ' serves nothing'))
    WHEN d.origin_locked IS FALSE
      THEN fail('origin_open', concat(d.distribution, ': an origin answers others than this network'))
    WHEN d.min_protocol NOT IN ('TLSv1.2', 'TLSv1.3')
      THEN fail('old_tls', concat(d.distribution, ' accepts ', d.min_protocol))
    WHEN d.plain_http IS TRUE
      THEN fail('plain_http', concat(d.distribution, ' answers plain HTTP'))
    WHEN d.origin_tls IS FALSE
      THEN fail('origin_plain', concat(d.distribution, ' fetches from an origin without TLS'))
    WHEN d.logging IS FALSE
      THEN fail('no_log', concat(d.distribution, ' logs no requests'))
    WHEN d.serves_private IS TRUE AND d.private_content_signed IS FALSE
      THEN fail('not_signed', concat(d.distribution, ' gives private files without a signed link'))
    WHEN d.enabled IS TRUE AND d.origin_locked IS TRUE AND d.min_protocol IN ('TLSv1.2', 'TLSv1.3') AND d.plain_http IS FALSE
         AND d.origin_tls IS TRUE AND d.logging IS TRUE AND (d.serves_private IS FALSE OR d.private_content_signed IS TRUE)
      THEN pass('secured', concat(d.distribution, ': ', d.min_protocol, ' or newer, origin locked, requests logged, ',
                CASE WHEN d.private_content_signed THEN 'links signed' ELSE 'nothing private' END))
    ELSE unknown('not_readable', concat(d.distribution, ': TLS, origin, log, or whether private files are served and how was not readable'))
  END AS result
FROM cdn_distribution AS d
