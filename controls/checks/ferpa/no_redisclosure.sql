-- Population: disclosures of the period. 99.33(c) frees some grounds from the limits. A contract counts as it stood on the
-- day of the disclosure, one that has ended since included.
WITH covered AS (
  SELECT
    d.source, d.disclosure_id, count(c.entry) AS contracts,
    -- same: any of them is one it rests on
    max(c.entry) AS entry,
    -- which stood for nothing that day
    count(c.entry) FILTER (WHERE c.status = 'draft' OR c.signed_at > d.disclosed_at
      OR (c.status = 'signed' AND c.expires_at < date_trunc('day', d.disclosed_at)) OR (c.status = 'ended' AND c.ended_at <= d.disclosed_at)) AS dead,
    count(c.entry) FILTER (WHERE c.signed_at <= d.disclosed_at AND list_contains(c.regimes, 'ferpa') AND list_contains(c.purposes, d.purpose)
      AND ((c.status = 'signed' AND (c.is_open_ended IS TRUE OR c.expires_at >= date_trunc('day', d.disclosed_at)))
           OR (c.status = 'ended' AND c.ended_at > d.disclosed_at))) AS agreed,
    count(c.entry) FILTER (WHERE list_contains(c.purposes, d.purpose) IS FALSE) AS otherwise
  FROM disclosure_record AS d
  -- join: who has no contract has none that agrees
  JOIN contract AS c ON folded(c.party) = folded(d.recipient)
  GROUP BY d.source, d.disclosure_id
)
SELECT
  d.disclosure_id AS resource,
  [d.entry, k.entry] AS entry,
  CASE
    WHEN d.basis = 'exception' AND d.exception_code IN ('99.31(a)(8)', '99.31(a)(9)', '99.31(a)(11)', '99.31(a)(12)', '99.31(a)(14)', '99.31(a)(15)', '99.31(a)(16)')
      THEN not_applicable('not_bound', concat(d.disclosure_id, ' rests on ', d.exception_code, ', to which the limits do not apply'))
    WHEN d.basis = 'none'
      THEN fail('no_basis', concat(d.disclosure_id, ' was disclosed without consent or exception'))
    WHEN d.basis = 'consent' AND d.within_consent IS FALSE
      THEN fail('beyond_consent', concat(d.disclosure_id, ' went beyond what was consented to'))
    WHEN d.is_institution IS FALSE AND d.basis = 'consent' AND d.conditions_told_at > d.disclosed_at
      THEN fail('conditions_late', concat(d.disclosure_id, ': the recipient was told the limits on ', strftime(d.conditions_told_at, '%Y-%m-%d'), ' only'))
    WHEN d.is_institution IS FALSE AND d.basis = 'exception' AND d.conditions_accepted_at > d.disclosed_at
      THEN fail('conditions_late', concat(d.disclosure_id, ': the recipient accepted the limits on ', strftime(d.conditions_accepted_at, '%Y-%m-%d'), ' only'))
    WHEN d.is_institution IS FALSE AND d.basis = 'exception' AND k.dead = k.contracts
      THEN fail('no_contract_then', concat(d.disclosure_id, ': no contract with the recipient was in force on ', strftime(d.disclosed_at, '%Y-%m-%d')))
    WHEN d.is_institution IS FALSE AND d.basis = 'exception' AND k.otherwise = k.contracts
      THEN fail('other_purpose', concat(d.disclosure_id, ' was made for ', d.purpose, ', which no contract with the recipient names'))
    WHEN d.outcome = 'disclosed' AND d.disclosed_at <= $as_of AND d.is_institution IS TRUE AND d.basis IN ('consent', 'exception')
      THEN pass('institution', concat(d.disclosure_id, ' went to the institution itself'))
    WHEN d.outcome = 'disclosed' AND d.disclosed_at <= $as_of AND d.is_institution IS FALSE AND d.basis = 'consent' AND d.within_consent IS TRUE
         AND d.conditions_told_at <= d.disclosed_at
      THEN pass('consented', concat(d.disclosure_id, ' kept within its consent; the recipient knew the limits'))
    WHEN d.outcome = 'disclosed' AND d.disclosed_at <= $as_of AND d.is_institution IS FALSE AND d.basis = 'exception' AND d.exception_code <> ''
         AND d.conditions_accepted_at <= d.disclosed_at AND k.agreed > 0
      THEN pass('under_contract', concat(d.disclosure_id, ' went to a party under contract for ', d.purpose))
    ELSE unknown('not_shown', concat(d.disclosure_id, ': recipient, contract, purpose or conditions are not filled in or were not found'))
  END AS result
FROM disclosure_record AS d
LEFT JOIN covered AS k ON k.source = d.source AND k.disclosure_id = d.disclosure_id
WHERE (d.outcome IN ('pending', 'refused')) IS NOT TRUE AND (d.disclosed_at < $period_start) IS NOT TRUE
