-- Population: every activity of a controller in the record of processing, and every screening: what nobody screened must show.
WITH activity AS (
  SELECT r.activity, r.entry FROM ropa_entry AS r WHERE r.is_active IS DISTINCT FROM FALSE AND r.role IS DISTINCT FROM 'processor'
  UNION ALL
  SELECT d.activity, d.entry FROM dpia AS d LEFT JOIN ropa_entry AS r ON r.activity = d.activity WHERE r.activity IS NULL
)
SELECT
  a.activity AS resource,
  [a.entry, d.entry] AS entry,
  CASE
    WHEN d.needs_dpia IS TRUE AND d.approved_at IS NULL AND d.processing_started_at < $as_of AND d.missing_parts > 0
      THEN fail('begun_without', concat(a.activity, ' began on ', strftime(d.processing_started_at, '%Y-%m-%d'), ' and its assessment is not whole'))
    WHEN d.needs_dpia IS TRUE AND d.approved_at > d.processing_started_at AND d.processing_started_at < $as_of
      THEN fail('begun_before', concat(a.activity, ' began on ', strftime(d.processing_started_at, '%Y-%m-%d'), ', before the approval'))
    WHEN d.needs_dpia IS TRUE AND d.missing_parts > 0 AND d.approved_at <= $as_of
      THEN fail('not_whole', concat(a.activity, ': approved with ', d.missing_parts, ' part(s) missing'))
    WHEN d.needs_dpia IS TRUE AND d.next_review_at < date_trunc('day', $as_of)
      THEN fail('review_overdue', concat(a.activity, ' was to be reviewed by ', strftime(d.next_review_at, '%Y-%m-%d')))
    WHEN d.needs_dpia IS FALSE AND d.screened_at <= $as_of AND trim(d.screening_reason) <> ''
      THEN not_applicable('not_needed', concat(a.activity, ': screened on ', strftime(d.screened_at, '%Y-%m-%d'), ', none needed'))
    WHEN d.needs_dpia IS TRUE AND d.screened_at <= $as_of AND d.processing_started_at > $as_of AND d.approved_at IS NULL
      THEN not_applicable('not_begun', concat(a.activity, ' begins on ', strftime(d.processing_started_at, '%Y-%m-%d'), '; the assessment has until then'))
    WHEN d.needs_dpia IS TRUE AND d.approved_at <= d.processing_started_at AND d.approved_at <= $as_of AND trim(d.approved_by) <> ''
         AND trim(d.officer_advice) <> '' AND d.officer_advised_at <= d.approved_at AND d.missing_parts = 0
         AND d.next_review_at >= date_trunc('day', $as_of)
         AND (d.residual_risk_high IS FALSE OR (d.residual_risk_high IS TRUE AND d.authority_consulted_at <= d.processing_started_at AND d.authority_consulted_at <= $as_of))
      THEN pass('assessed', concat(a.activity, ' was assessed and approved on ', strftime(d.approved_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(a.activity, ': screening, approval, advice, parts, remaining risk or review is not filled in or does not fit'))
  END AS result
FROM activity AS a
LEFT JOIN dpia AS d ON d.activity = a.activity
