-- Population: findings that are open, whatever their age, that fell due in the period, or that say neither.
WITH dated AS (
  SELECT
    f.*,
    CASE WHEN f.extension_approved_at < date_trunc('day', f.due_at) + days(1) AND f.extension_approved_by <> '' AND f.extended_to > f.due_at
         THEN f.extended_to ELSE f.due_at END AS due
  FROM audit_finding AS f
)
SELECT
  d.audit_finding AS resource,
  d.entry,
  CASE
    WHEN d.status = 'open' AND d.due < date_trunc('day', $as_of)
      THEN fail('overdue', concat(d.audit_finding, ' is open and was due on ', strftime(d.due, '%Y-%m-%d')))
    WHEN d.closed_at >= date_trunc('day', d.due) + days(1) AND d.closed_at <= $as_of
      THEN fail('closed_late', concat(d.audit_finding, ' was due on ', strftime(d.due, '%Y-%m-%d'), ' and closed on ', strftime(d.closed_at, '%Y-%m-%d')))
    WHEN d.status = 'closed' AND folded(d.closed_by) = folded(d.owner)
      THEN unknown('self_closed', concat(d.audit_finding, ' was found mended by its owner alone'))
    WHEN d.status = 'open' AND d.due IS NOT NULL
      THEN not_applicable('running', concat(d.audit_finding, ' is open and due on ', strftime(d.due, '%Y-%m-%d')))
    WHEN d.status = 'closed' AND d.closed_at < date_trunc('day', d.due) + days(1) AND d.closed_at <= $as_of AND d.closed_at >= d.opened_at
         AND folded(d.closed_by) <> '' AND folded(d.closed_by) <> folded(d.owner)
      THEN pass('closed', concat(d.audit_finding, ' was due on ', strftime(d.due, '%Y-%m-%d'), ' and closed on ', strftime(d.closed_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(d.audit_finding, ': status, dates, or who found it mended is not filled in'))
  END AS result
FROM dated AS d
WHERE d.status IS DISTINCT FROM 'closed' OR (d.due < $period_start) IS NOT TRUE OR (d.closed_at < $period_start) IS NOT TRUE
