-- Population: emergencies made in the period, and changes whose type or moment is not filled in. Working days are Monday to
-- Friday in UTC; holidays are not left out, which makes the term shorter, never longer.
WITH made AS (
  SELECT
    c.*,
    c.implemented_at + days($business_days + 2 * ((least(isodow(c.implemented_at), 5) - 1 + $business_days) // 5)
                            - greatest(isodow(c.implemented_at) - 5, 0)) AS due_at
  FROM change_request AS c
  WHERE (c.implemented_at < $period_start) IS NOT TRUE
)
SELECT
  concat(m.source, '/', m.change) AS resource,
  m.entry,
  CASE
    WHEN m.is_production IS FALSE
      THEN not_applicable('not_production', concat(m.change, ' does not touch production'))
    WHEN m.change_type IN ('normal', 'standard')
      THEN not_applicable('ordinary', concat(m.change, ' is no emergency'))
    WHEN m.status IN ('draft', 'submitted', 'approved', 'rejected', 'cancelled') AND m.implemented_at IS NULL
      THEN not_applicable('not_made', concat(m.change, ' was not made: ', m.status))
    WHEN m.change_type = 'emergency' AND m.is_production IS TRUE AND m.approved_at > m.due_at
      THEN fail('approved_late', concat(m.change, ' was to be approved by ', strftime(m.due_at, '%Y-%m-%d %H:%M'), ' and was on ', strftime(m.approved_at, '%Y-%m-%d %H:%M')))
    WHEN m.change_type = 'emergency' AND m.is_production IS TRUE AND m.post_review_at > m.due_at
      THEN fail('reviewed_late', concat(m.change, ' was to be reviewed by ', strftime(m.due_at, '%Y-%m-%d %H:%M'), ' and was on ', strftime(m.post_review_at, '%Y-%m-%d %H:%M')))
    WHEN m.change_type = 'emergency' AND m.is_production IS TRUE AND m.status IN ('draft', 'submitted', 'rejected') AND m.due_at < $as_of
      THEN fail('not_approved', concat(m.change, ' was made on ', strftime(m.implemented_at, '%Y-%m-%d'), ' and is still: ', m.status))
    WHEN m.change_type = 'emergency' AND m.is_production IS TRUE AND folded(m.implemented_by) <> ''
         AND folded(m.implemented_by) IN (folded(m.approved_by), folded(m.post_review_by))
      THEN fail('own_work', concat(m.change, ' was approved or reviewed by the person who made it'))
    WHEN m.change_type = 'emergency' AND m.is_production IS TRUE AND folded(m.requested_by) <> ''
         AND folded(m.requested_by) = folded(m.approved_by)
      THEN fail('own_request', concat(m.change, ' was approved by the person who asked for it'))
    WHEN m.change_type = 'emergency' AND m.is_production IS TRUE AND m.status IN ('approved', 'implemented', 'rolled_back')
         AND m.approved_at <= $as_of
         AND m.post_review_at BETWEEN m.implemented_at AND m.due_at AND m.post_review_at <= $as_of
         AND trim(m.approved_by) <> '' AND trim(m.post_review_by) <> ''
         AND trim(m.implemented_by) <> '' AND trim(m.requested_by) <> ''
      THEN pass('reviewed', concat(m.change, ' was made on ', strftime(m.implemented_at, '%Y-%m-%d'), ', approved on ', strftime(m.approved_at, '%Y-%m-%d'), ' and reviewed on ', strftime(m.post_review_at, '%Y-%m-%d')))
    WHEN m.change_type = 'emergency' AND m.implemented_at <= $as_of AND m.due_at >= $as_of AND (m.approved_at IS NULL OR m.post_review_at IS NULL)
      THEN not_applicable('running', concat(m.change, ' is to be approved and reviewed by ', strftime(m.due_at, '%Y-%m-%d %H:%M')))
    ELSE unknown('not_filled', concat(m.change, ': its type, environment, status, persons or dates are not filled in, or out of order'))
  END AS result
FROM made AS m
