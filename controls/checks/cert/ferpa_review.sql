-- Population: the newest self-assessment that has a report; where none has, the newest at all.
WITH review AS (
  SELECT a.*, row_number() OVER (ORDER BY a.report_at > $as_of, a.report_at DESC NULLS LAST, a.engagement DESC) AS place
  FROM audit_engagement AS a
  WHERE folded(a.engagement_kind) = 'ferpa_review'
)
SELECT
  r.engagement AS resource,
  r.entry,
  CASE
    WHEN r.report_at < $as_of - days($max_days)
      THEN fail('too_old', concat('the report of ', r.engagement, ' is of ', strftime(r.report_at, '%Y-%m-%d')))
    WHEN r.report_at <= $as_of AND r.report_ref <> '' AND r.scope <> ''
      THEN pass('done', concat('the report of ', r.engagement, ' is of ', strftime(r.report_at, '%Y-%m-%d'), ': ', r.report_ref))
    ELSE unknown('not_filled', concat(r.engagement, ': date or place of the report, or its scope, is not filled in, or it lies ahead'))
  END AS result
FROM review AS r
WHERE r.place = 1
