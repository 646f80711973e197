-- Population: vendors in use that handle card data, or do not say so.
WITH assured AS (
  SELECT
    folded(a.vendor) AS vendor, count(*) AS reports,
    -- same: any entry will do
    max(a.entry) AS entry,
    -- which proves nothing
    count(*) FILTER (WHERE a.covers_service IS FALSE OR a.is_sufficient IS FALSE OR a.valid_until < date_trunc('day', $as_of)) AS useless,
    count(*) FILTER (WHERE a.reviewed_at < $as_of - days($days)) AS unread,
    count(*) FILTER (WHERE a.covers_service IS TRUE AND a.is_sufficient IS TRUE AND a.valid_until >= date_trunc('day', $as_of)
                     AND a.reviewed_at >= a.issued_at AND a.reviewed_at >= $as_of - days($days) AND a.reviewed_at <= $as_of) AS good
  FROM provider_assurance AS a
  WHERE a.report_type = 'pci_aoc'
  GROUP BY folded(a.vendor)
), found AS (
  SELECT
    c.contract_id, count(*) AS n,
    -- same: where there are several none is relied on
    max(c.entry) AS entry
  FROM contract AS c
  GROUP BY c.contract_id
)
SELECT
  v.vendor AS resource,
  [v.entry, c.entry, a.entry] AS entry,
  CASE
    WHEN f.n > 1
      THEN unknown('two_contracts', concat(v.vendor, ': ', f.n, ' contracts bear the number ', v.contract_id))
    WHEN v.status IS NULL OR v.account_data IS NULL
      THEN unknown('not_filled', concat(v.vendor, ': whether it is in use or handles card data is not filled in'))
    WHEN v.due_diligence_at > v.started_at
      THEN fail('assessed_late', concat(v.vendor, ' was in use on ', strftime(v.started_at, '%Y-%m-%d'), ' and assessed on ', strftime(v.due_diligence_at, '%Y-%m-%d')))
    WHEN folded(c.party) <> folded(v.vendor)
      THEN fail('other_party', concat(v.vendor, ': contract ', v.contract_id, ' is with somebody else'))
    WHEN c.status IN ('draft', 'ended') OR c.expires_at < date_trunc('day', $as_of)
      THEN fail('not_in_force', concat(v.vendor, ': contract ', v.contract_id, ' is not signed or has ended'))
    WHEN list_has_all(c.clauses, $clauses) IS FALSE
      THEN fail('clause_missing', concat(v.vendor, ': contract ', v.contract_id, ' lacks ', array_to_string([x FOR x IN $clauses IF NOT list_contains(c.clauses, x)], ', ')))
    WHEN a.useless = a.reports
      THEN fail('not_validated', concat(v.vendor, ': no attestation of the ', a.reports, ' on record is in date, covers the service and suffices'))
    WHEN a.unread = a.reports
      THEN fail('not_read', concat(v.vendor, ': no attestation was read in the last ', $days, ' days'))
    WHEN trim(v.service) <> '' AND v.due_diligence_at <= v.started_at
         AND c.status = 'signed' AND folded(c.party) = folded(v.vendor) AND (c.is_open_ended IS TRUE OR c.expires_at >= date_trunc('day', $as_of))
         AND c.clauses_checked_at >= c.signed_at AND c.clauses_checked_at <= $as_of
         AND list_has_all(c.clauses, $clauses) AND a.good > 0
      THEN pass('validated', concat(v.vendor, ' is under contract ', v.contract_id, ' and its attestation is in date'))
    ELSE unknown('not_filled', concat(v.vendor, ': service, assessment, contract or attestation is not filled in or was not found'))
  END AS result
FROM vendor AS v
LEFT JOIN found AS f ON f.contract_id = v.contract_id
LEFT JOIN contract AS c ON c.entry = f.entry
LEFT JOIN assured AS a ON a.vendor = folded(v.vendor)
WHERE v.account_data IS NOT FALSE AND (v.status IN ('planned', 'ended')) IS NOT TRUE
