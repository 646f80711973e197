-- Population: contracts with institutions under FERPA, and those that do not say whose or under which law they are.
SELECT
  c.contract_id AS resource,
  c.entry,
  CASE
    WHEN c.status = 'draft' AND c.in_use IS TRUE
      THEN fail('unsigned', concat(c.contract_id, ' is not signed and its service has begun'))
    WHEN c.status = 'signed' AND c.expires_at < date_trunc('day', $as_of)
      THEN fail('expired', concat(c.contract_id, ' held until ', strftime(c.expires_at, '%Y-%m-%d')))
    WHEN c.status = 'signed' AND list_has_all(c.clauses, $clauses) IS FALSE
      THEN fail('clause_missing', concat(c.contract_id, ' lacks ', array_to_string([x FOR x IN $clauses IF NOT list_contains(c.clauses, x)], ', ')))
    WHEN c.status = 'draft' AND c.in_use IS FALSE
      THEN not_applicable('not_begun', concat(c.contract_id, ' is not signed and no service has begun'))
    WHEN c.contract_type = 'customer' AND list_contains(c.regimes, 'ferpa') AND c.status = 'signed' AND c.signed_at <= $as_of
         AND (c.is_open_ended IS TRUE OR c.expires_at >= date_trunc('day', $as_of))
         AND list_has_all(c.clauses, $clauses) AND c.clauses_checked_at >= c.signed_at AND c.clauses_checked_at <= $as_of
      THEN pass('terms_found', concat(c.contract_id, ', signed on ', strftime(c.signed_at, '%Y-%m-%d'), ', has all clauses looked for'))
    ELSE unknown('not_filled', concat(c.contract_id, ' does not say whether it is signed, until when it holds, or which clauses the signed text has'))
  END AS result
FROM contract AS c
WHERE (c.contract_type IN ('vendor', 'recipient')) IS NOT TRUE AND c.status IS DISTINCT FROM 'ended'
  AND list_contains(c.regimes, 'ferpa') IS NOT FALSE
