-- Population: significant changes made in the period, and changes of which that is not filled in. A scan counts for a change
-- that it names; one of the time after it that names none may be meant, and keeps the answer open.
WITH made AS (
  SELECT c.*, c.implemented_at + days($days) AS due_at
  FROM change_request AS c
  WHERE (c.implemented_at < $period_start) IS NOT TRUE
), scanned AS (
  SELECT
    m.source, m.change, max(s.entry) AS entry,
    count(*) FILTER (WHERE s.after_change = m.change AND s.passed IS TRUE AND s.scan_type = 'internal' AND s.run_at <= m.due_at) AS internal,
    count(*) FILTER (WHERE s.after_change = m.change AND s.passed IS TRUE AND s.scan_type IN ('external', 'asv') AND s.run_at <= m.due_at) AS outside,
    count(*) FILTER (WHERE (s.scan_type = 'internal') IS NOT FALSE AND s.passed IS NOT FALSE AND (s.after_change = m.change) IS NOT FALSE) AS maybe_internal,
    count(*) FILTER (WHERE (s.scan_type = 'internal') IS NOT TRUE AND s.passed IS NOT FALSE AND (s.after_change = m.change) IS NOT FALSE) AS maybe_outside
  FROM made AS m
  LEFT JOIN scan_run AS s ON (s.run_at < m.implemented_at) IS NOT TRUE AND (s.run_at > m.due_at) IS NOT TRUE AND (s.run_at > $as_of) IS NOT TRUE
  WHERE s.scan IS NOT NULL
  GROUP BY m.source, m.change
)
SELECT
  concat(m.source, '/', m.change) AS resource,
  [m.entry, s.entry] AS entry,
  CASE
    WHEN m.is_significant IS FALSE
      THEN not_applicable('not_significant', concat(m.change, ' is not significant'))
    WHEN m.is_production IS FALSE
      THEN not_applicable('not_production', concat(m.change, ' does not touch production'))
    WHEN m.status IN ('draft', 'submitted', 'approved', 'rejected', 'cancelled') AND m.implemented_at IS NULL
      THEN not_applicable('not_made', concat(m.change, ' was not made: ', m.status))
    WHEN m.is_significant IS TRUE AND m.is_production IS TRUE AND m.post_review_at > m.due_at
      THEN fail('rechecked_late', concat(m.change, ' was made on ', strftime(m.implemented_at, '%Y-%m-%d'), ' and rechecked on ', strftime(m.post_review_at, '%Y-%m-%d')))
    WHEN m.is_significant IS TRUE AND m.is_production IS TRUE AND m.due_at < $as_of AND coalesce(s.maybe_internal, 0) = 0
      THEN fail('no_internal_scan', concat('no internal scan passed within ', $days, ' days after ', m.change, ' of ', strftime(m.implemented_at, '%Y-%m-%d')))
    WHEN m.is_significant IS TRUE AND m.is_production IS TRUE AND m.due_at < $as_of AND coalesce(s.maybe_outside, 0) = 0
      THEN fail('no_external_scan', concat('no external scan passed within ', $days, ' days after ', m.change, ' of ', strftime(m.implemented_at, '%Y-%m-%d')))
    WHEN m.is_significant IS TRUE AND m.is_production IS TRUE AND m.implemented_at <= $as_of AND s.internal > 0 AND s.outside > 0
         AND m.post_review_at BETWEEN m.implemented_at AND m.due_at AND m.post_review_at <= $as_of
      THEN pass('rechecked', concat(m.change, ' of ', strftime(m.implemented_at, '%Y-%m-%d'), ' was rechecked on ', strftime(m.post_review_at, '%Y-%m-%d'), ' and scanned from inside and outside'))
    WHEN m.is_significant IS TRUE AND m.implemented_at <= $as_of AND m.due_at >= $as_of
      THEN not_applicable('running', concat(m.change, ' is to be rechecked and scanned by ', strftime(m.due_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(m.change, ': whether it is significant, its dates, or which scan followed it is not filled in'))
  END AS result
FROM made AS m
LEFT JOIN scanned AS s ON s.source = m.source AND s.change = m.change
