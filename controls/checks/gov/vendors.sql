-- Population: vendors in use, or of which that is not told. Reports count for vendors of tier 1 and for those that host.
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
  WHERE list_contains($report_types, a.report_type)
  GROUP BY folded(a.vendor)
)
SELECT
  v.vendor AS resource,
  [v.entry, a.entry] AS entry,
  CASE
    WHEN v.status IS NULL
      THEN unknown('not_filled', concat(v.vendor, ': whether it is in use is not filled in'))
    WHEN v.due_diligence_at > v.started_at
      THEN fail('assessed_late', concat(v.vendor, ' was in use on ', strftime(v.started_at, '%Y-%m-%d'), ' and assessed on ', strftime(v.due_diligence_at, '%Y-%m-%d')))
    WHEN v.last_review_at < $as_of - days($days)
      THEN fail('review_old', concat(v.vendor, ' was last reviewed on ', strftime(v.last_review_at, '%Y-%m-%d')))
    WHEN (v.risk_tier = 1 OR v.is_hosting IS TRUE) AND a.useless = a.reports
      THEN fail('not_assured', concat(v.vendor, ': no report of the ', a.reports, ' on record is in date, covers the service and suffices'))
    WHEN (v.risk_tier = 1 OR v.is_hosting IS TRUE) AND a.unread = a.reports
      THEN fail('not_read', concat(v.vendor, ': no report was read in the last ', $days, ' days'))
    WHEN v.due_diligence_at <= v.started_at AND v.last_review_at <= $as_of
         AND v.risk_tier IN (1, 2, 3) AND a.good > 0
      THEN pass('assured', concat(v.vendor, ', tier ', v.risk_tier, ', was reviewed on ', strftime(v.last_review_at, '%Y-%m-%d'), ' and has a report in date'))
    WHEN v.due_diligence_at <= v.started_at AND v.last_review_at <= $as_of
         AND v.risk_tier IN (2, 3) AND v.is_hosting IS FALSE
      THEN pass('reviewed', concat(v.vendor, ', tier ', v.risk_tier, ', was reviewed on ', strftime(v.last_review_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(v.vendor, ': tier, assessment, review or report is not filled in or was not found'))
  END AS result
FROM vendor AS v
LEFT JOIN assured AS a ON a.vendor = folded(v.vendor)
WHERE (v.status IN ('planned', 'ended')) IS NOT TRUE
