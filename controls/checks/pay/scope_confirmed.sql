-- Population: the scope as a whole, once a machine or any confirmation is recorded, and each machine of the inventory.
WITH confirmed AS (
  SELECT
    s.*,
    trim(s.confirmed_by) <> '' AND s.covers_inventory AND s.confirmed_at > $as_of - days($max_days) AND s.confirmed_at <= $as_of AS good
  FROM scope_confirmation AS s
  WHERE (folded(s.regime) = 'pci_dss') IS NOT FALSE
), counted AS (
  SELECT
    -- same: any entry will do
    max_by(c.entry, c.confirmed_at) FILTER (WHERE c.good IS TRUE AND c.regime IS NOT NULL) AS good_entry, max(c.entry) AS entry,
    -- same: a day in words
    max(c.confirmed_at) FILTER (WHERE c.confirmed_at <= $as_of) AS last_at,
    count(*) AS n,
    max(c.confirmed_at) FILTER (WHERE c.good IS TRUE AND c.regime IS NOT NULL) AS good_at,
    count(*) FILTER (WHERE c.good IS NULL OR (c.regime IS NULL AND c.good IS NOT FALSE)) AS untold
  FROM confirmed AS c
), changed AS (
  SELECT
    max(c.implemented_at) FILTER (WHERE c.is_significant IS TRUE AND c.is_production IS TRUE AND c.implemented_at < $as_of - days($change_days)) AS sure_at,
    max(c.implemented_at) FILTER (WHERE c.implemented_at < $as_of - days($change_days)) AS possible_at,
    count(*) FILTER (WHERE c.implemented_at IS NULL) AS undated
  FROM change_request AS c
  WHERE c.is_significant IS NOT FALSE AND c.is_production IS NOT FALSE
    AND (c.status IN ('draft', 'submitted', 'approved', 'rejected', 'cancelled') AND c.implemented_at IS NULL) IS NOT TRUE
), given AS (
  -- same: any entry will do
  SELECT coalesce((SELECT max(s.entry) FROM scope_confirmation AS s), (SELECT max(a.entry) FROM asset AS a)) AS entry
), thing AS (
  SELECT 'scope' AS resource, [coalesce(c.good_entry, c.entry, g.entry)] AS entry, 'scope' AS part, NULL AS in_scope, NULL AS reviewed_at
  FROM given AS g
  -- same: always one row
  LEFT JOIN counted AS c ON true
  WHERE g.entry IS NOT NULL
  UNION ALL
  SELECT concat(a.source, '/', coalesce(a.hostname, a.asset)), [a.entry], 'asset', a.in_pci_scope, a.reviewed_at
  FROM asset AS a
)
SELECT
  t.resource,
  t.entry,
  CASE
    WHEN t.part = 'scope' AND c.n > 0 AND c.good_at IS NULL AND c.untold = 0
      THEN fail('not_confirmed', concat('no named person confirmed scope and inventory in ', $max_days, ' days; the last confirmation is of ',
                -- same: words of the reason
                coalesce(strftime(c.last_at, '%Y-%m-%d'), 'no day')))
    WHEN t.part = 'scope' AND c.good_at <= h.sure_at AND c.untold = 0
      THEN fail('not_since_change', concat('the scope was confirmed on ', strftime(c.good_at, '%Y-%m-%d'), ', before the significant change of ', strftime(h.sure_at, '%Y-%m-%d')))
    WHEN t.in_scope IS TRUE AND t.reviewed_at <= $as_of - days($max_days)
      THEN fail('component_not_reviewed', concat(t.resource, ' was last confirmed on ', strftime(t.reviewed_at, '%Y-%m-%d')))
    WHEN t.in_scope IS FALSE
      THEN not_applicable('out_of_scope', concat(t.resource, ' is declared to be out of scope'))
    WHEN t.part = 'scope' AND c.good_at IS NOT NULL AND h.undated = 0
         AND (c.good_at > h.possible_at OR h.possible_at IS NULL)  -- null: no change that could be significant is recorded
      THEN pass('confirmed', concat('scope and inventory were confirmed on ', strftime(c.good_at, '%Y-%m-%d')))
    WHEN t.in_scope IS TRUE AND t.reviewed_at <= $as_of
      THEN pass('reviewed', concat(t.resource, ' was confirmed on ', strftime(t.reviewed_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(t.resource, ': who confirmed it and when, whether it is in scope, or what a later change was, is not filled in'))
  END AS result
FROM thing AS t
-- same: always one row, and so below
LEFT JOIN counted AS c ON true
-- same: always one row
LEFT JOIN changed AS h ON true
