-- Population: vendors in use that handle personal data, or do not say so, once for each law they name. A vendor that
-- names none stays, undecided.
WITH used AS (
  SELECT
    v.source, v.vendor, v.entry, v.status, v.personal_data, v.contract_id,
    unnest(CASE WHEN len(v.regimes) > 0 THEN list_distinct(v.regimes) ELSE [NULL] END) AS regime
  FROM vendor AS v
  WHERE v.personal_data IS NOT FALSE AND (v.status IN ('planned', 'ended')) IS NOT TRUE
), asked AS (
  SELECT
    u.*, CASE u.regime WHEN 'gdpr' THEN $gdpr_clauses WHEN 'lfpdppp' THEN $lfpdppp_clauses WHEN 'ferpa' THEN $ferpa_clauses END AS clauses
  FROM used AS u
), found AS (
  SELECT
    c.contract_id, count(*) AS n,
    -- same: where there are several none is relied on
    max(c.entry) AS entry
  FROM contract AS c
  GROUP BY c.contract_id
)
SELECT
  concat(u.vendor, ' (', coalesce(u.regime, 'no law named'), ')') AS resource,
  [u.entry, c.entry] AS entry,
  CASE
    WHEN f.n > 1
      THEN unknown('two_contracts', concat(u.vendor, ': ', f.n, ' contracts bear the number ', u.contract_id))
    WHEN u.status = 'active' AND u.personal_data IS TRUE AND folded(c.party) <> folded(u.vendor)
      THEN fail('other_party', concat(u.vendor, ': contract ', u.contract_id, ' is with somebody else'))
    WHEN u.status = 'active' AND u.personal_data IS TRUE AND c.status IN ('draft', 'ended')
      THEN fail('not_in_force', concat(u.vendor, ': contract ', u.contract_id, ' is ', CASE c.status WHEN 'draft' THEN 'not signed' ELSE 'ended' END))
    WHEN u.status = 'active' AND u.personal_data IS TRUE AND c.expires_at < date_trunc('day', $as_of)
      THEN fail('not_in_force', concat(u.vendor, ': contract ', u.contract_id, ' held until ', strftime(c.expires_at, '%Y-%m-%d')))
    WHEN u.status = 'active' AND u.personal_data IS TRUE AND list_has_all(c.clauses, u.clauses) IS FALSE
      THEN fail('clause_missing', concat(u.vendor, ': contract ', u.contract_id, ' lacks ', array_to_string([x FOR x IN u.clauses IF NOT list_contains(c.clauses, x)], ', ')))
    WHEN u.status = 'active' AND u.personal_data IS TRUE AND c.status = 'signed' AND folded(c.party) = folded(u.vendor)
         AND list_contains(c.regimes, u.regime) AND (c.is_open_ended IS TRUE OR c.expires_at >= date_trunc('day', $as_of))
         AND c.clauses_checked_at >= c.signed_at AND c.clauses_checked_at <= $as_of
         AND list_has_all(c.clauses, u.clauses)
      THEN pass('terms_found', concat(u.vendor, ': contract ', u.contract_id, ' has every clause for ', u.regime))
    ELSE unknown('not_filled', concat(u.vendor, ': law, contract, signature, end or clauses are not filled in or were not found'))
  END AS result
FROM asked AS u
LEFT JOIN found AS f ON f.contract_id = u.contract_id
LEFT JOIN contract AS c ON c.entry = f.entry
