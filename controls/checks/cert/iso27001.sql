-- Population: the certificate that is valid longest. One that was withdrawn or suspended counts, as a failure.
WITH certified AS (
  SELECT c.*, row_number() OVER (ORDER BY c.expires_at DESC NULLS FIRST, c.certificate DESC) AS place
  FROM certificate AS c
  WHERE c.certificate_kind = 'iso27001_2022'
)
SELECT
  c.certificate AS resource,
  c.entry,
  CASE
    WHEN c.withdrawn_at <= $as_of
      THEN fail('withdrawn', concat(c.certificate, ' was withdrawn or suspended on ', strftime(c.withdrawn_at, '%Y-%m-%d')))
    WHEN c.expires_at < date_trunc('day', $as_of)
      THEN fail('expired', concat(c.certificate, ' was valid until ', strftime(c.expires_at, '%Y-%m-%d')))
    WHEN c.last_audit_at < $as_of - to_months(CAST($audit_months AS INTEGER))
      THEN fail('audit_old', concat('the issuer of ', c.certificate, ' last audited on ', strftime(c.last_audit_at, '%Y-%m-%d')))
    WHEN c.expires_at IS NOT NULL AND c.issued_at <= $as_of AND c.last_audit_at <= $as_of AND c.issuer <> '' AND c.scope <> ''
      THEN pass('valid', concat(c.certificate, ' by ', c.issuer, ' is valid until ', strftime(c.expires_at, '%Y-%m-%d'), '; last audit on ',
                strftime(c.last_audit_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(c.certificate, ': issuer, scope, issue, end or last audit is not filled in, or lies ahead'))
  END AS result
FROM certified AS c
WHERE c.place = 1
