-- Population: the newest validation that was not withdrawn.
WITH validation AS (
  SELECT c.*, row_number() OVER (ORDER BY c.issued_at DESC NULLS FIRST, c.certificate DESC) AS place
  FROM certificate AS c
  WHERE c.certificate_kind IN ('pci_saq', 'pci_roc') AND (c.withdrawn_at <= $as_of) IS NOT TRUE
)
SELECT
  v.certificate AS resource,
  v.entry,
  CASE
    WHEN v.issued_at < $as_of - days($max_days)
      THEN fail('too_old', concat(v.certificate, ' was signed on ', strftime(v.issued_at, '%Y-%m-%d')))
    WHEN v.expires_at < date_trunc('day', $as_of)
      THEN fail('expired', concat(v.certificate, ' was valid until ', strftime(v.expires_at, '%Y-%m-%d')))
    WHEN v.issued_at <= $as_of AND v.expires_at IS NOT NULL AND v.issuer <> ''
      THEN pass('valid', concat(v.certificate, ' was signed on ', strftime(v.issued_at, '%Y-%m-%d'), ' and is valid until ',
                strftime(v.expires_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(v.certificate, ': day of signing, end, or whom it was given to is not filled in, or lies ahead'))
  END AS result
FROM validation AS v
WHERE v.place = 1
