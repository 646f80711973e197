-- Population: findings that were fixed in the period or are not fixed. Accepting one does not mend it.
WITH timed AS (
  SELECT
    v.*,
    v.first_seen_at + days(CASE v.severity WHEN 'critical' THEN $critical_days WHEN 'high' THEN $high_days WHEN 'medium' THEN $medium_days
                           WHEN 'low' THEN $low_days END) AS due_at
  FROM vulnerability AS v
)
SELECT
  concat(t.source, '/', t.asset, '/', t.vulnerability) AS resource,
  t.entry,
  CASE
    WHEN t.status = 'false_positive' AND folded(t.decided_by) <> '' AND folded(t.decided_by) = folded(t.owner)
      THEN unknown('own_decision', concat(t.vulnerability, ' on ', t.asset, ': the person who was to fix it found that there is nothing to fix'))
    WHEN t.status = 'false_positive' AND folded(t.decided_by) <> '' AND folded(t.owner) <> ''
      THEN not_applicable('false_positive', concat(t.vulnerability, ' on ', t.asset, ' was found to be no weakness'))
    WHEN t.status IN ('open', 'fixed', 'accepted') AND t.fixed_at > t.due_at
      THEN fail('late', concat(t.vulnerability, ' on ', t.asset, ' (', t.severity, ') was due on ', strftime(t.due_at, '%Y-%m-%d'), ' and fixed on ', strftime(t.fixed_at, '%Y-%m-%d')))
    WHEN t.status = 'open' AND t.due_at < $as_of
      THEN fail('overdue', concat(t.vulnerability, ' on ', t.asset, ' (', t.severity, ') is open and was due on ', strftime(t.due_at, '%Y-%m-%d')))
    WHEN t.status = 'accepted' AND t.due_at < $as_of
      THEN fail('accepted', concat(t.vulnerability, ' on ', t.asset, ' (', t.severity, ') was due on ', strftime(t.due_at, '%Y-%m-%d'), '; it is accepted',
                -- same: words of the reason
                coalesce(concat(' until ', strftime(t.accepted_until, '%Y-%m-%d')), ' without an end'), ', not fixed'))
    WHEN t.status = 'fixed' AND t.last_seen_at > t.fixed_at AND t.due_at < $as_of
      THEN fail('came_back', concat(t.vulnerability, ' on ', t.asset, ' (', t.severity, ') was fixed on ', strftime(t.fixed_at, '%Y-%m-%d'), ' and seen again on ', strftime(t.last_seen_at, '%Y-%m-%d')))
    WHEN t.status = 'fixed' AND t.fixed_at <= t.due_at AND t.fixed_at >= t.first_seen_at AND t.last_seen_at <= t.fixed_at AND t.fixed_at <= $as_of
      THEN pass('fixed', concat(t.vulnerability, ' on ', t.asset, ' (', t.severity, ') was due on ', strftime(t.due_at, '%Y-%m-%d'), ' and fixed on ', strftime(t.fixed_at, '%Y-%m-%d')))
    WHEN t.status IN ('open', 'accepted') AND t.fixed_at IS NULL AND t.due_at >= $as_of AND t.first_seen_at <= $as_of
      THEN not_applicable('running', concat(t.vulnerability, ' on ', t.asset, ' (', t.severity, ') is due on ', strftime(t.due_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(t.vulnerability, ' on ', t.asset, ': severity, status, dates or who decided are not filled in, or out of order'))
  END AS result
FROM timed AS t
WHERE (t.fixed_at < $period_start) IS NOT TRUE OR (t.last_seen_at > t.fixed_at) IS TRUE OR (t.status = 'fixed') IS NOT TRUE
