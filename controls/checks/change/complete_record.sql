-- Population: changes made in the period, and every change whose moment is not filled in.
SELECT
  concat(c.source, '/', c.change) AS resource,
  c.entry,
  CASE
    WHEN c.is_production IS FALSE
      THEN not_applicable('not_production', concat(c.change, ' does not touch production'))
    WHEN c.change_type = 'emergency'
      THEN not_applicable('emergency', concat(c.change, ' is an emergency'))
    WHEN c.status IN ('draft', 'submitted', 'approved', 'rejected', 'cancelled') AND c.implemented_at IS NULL
      THEN not_applicable('not_made', concat(c.change, ' was not made: ', c.status))
    WHEN c.is_production IS TRUE AND c.status = 'rejected' AND c.implemented_at <= $as_of
      THEN fail('made_though_rejected', concat(c.change, ' was rejected and made on ', strftime(c.implemented_at, '%Y-%m-%d')))
    WHEN c.is_production IS TRUE AND c.change_type IN ('normal', 'standard') AND c.approved_at > c.implemented_at
      THEN fail('approved_late', concat(c.change, ' began on ', strftime(c.implemented_at, '%Y-%m-%d %H:%M'), ' and was approved on ', strftime(c.approved_at, '%Y-%m-%d %H:%M')))
    WHEN c.is_production IS TRUE AND c.change_type IN ('normal', 'standard') AND folded(c.approved_by) <> ''
         AND folded(c.approved_by) = folded(c.requested_by)
      THEN fail('approved_own_request', concat(c.change, ' was approved by the person who asked for it'))
    WHEN c.is_production IS TRUE AND c.change_type IN ('normal', 'standard') AND folded(c.approved_by) <> ''
         AND folded(c.approved_by) = folded(c.implemented_by)
      THEN fail('approved_own_work', concat(c.change, ' was approved by the person who made it'))
    WHEN c.is_production IS TRUE AND c.change_type IN ('normal', 'standard') AND c.status IN ('approved', 'implemented', 'rolled_back')
         AND trim(c.reason) <> '' AND trim(c.risk) <> '' AND trim(c.security_impact) <> ''
         AND trim(c.test_ref) <> '' AND trim(c.rollback_plan) <> ''
         AND trim(c.approved_by) <> '' AND trim(c.requested_by) <> '' AND trim(c.implemented_by) <> ''
         AND c.approved_at <= c.implemented_at AND c.implemented_at <= $as_of
      THEN pass('complete', concat(c.change, ' was approved on ', strftime(c.approved_at, '%Y-%m-%d'), ' and made on ', strftime(c.implemented_at, '%Y-%m-%d'), ' with all that belongs to it'))
    ELSE unknown('not_filled', concat(c.change, ': its type, environment, status, dates, persons, or one of reason, risk, security impact, tests and way back is not filled in'))
  END AS result
FROM change_request AS c
WHERE (c.implemented_at < $period_start) IS NOT TRUE
