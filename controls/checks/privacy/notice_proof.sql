-- Population: persons whose data was first collected in the period, or does not say when. A version counts when the
-- register of notices has it, in whatever language, as published by then.
WITH known AS (
  SELECT n.notice_id, n.version, min(n.published_at) AS published_at, max(n.entry) AS entry  -- same: any language is one it rests on
  FROM privacy_notice AS n
  GROUP BY n.notice_id, n.version
)
SELECT
  d.delivery_id AS resource,
  [d.entry, k.entry] AS entry,
  CASE
    WHEN d.was_shown IS FALSE
      THEN fail('not_shown', concat('registration ', d.delivery_id, ' was made without a notice'))
    WHEN d.delivered_at > d.first_collection_at
      THEN fail('shown_late', concat('registration ', d.delivery_id, ': data of ', strftime(d.first_collection_at, '%Y-%m-%d %H:%M'), ', notice of ', strftime(d.delivered_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN d.was_shown IS TRUE AND d.subject_ref <> '' AND d.first_collection_at <= $as_of
         AND k.published_at <= d.delivered_at
      THEN pass('shown', concat('registration ', d.delivery_id, ': ', d.notice_id, ' ', d.notice_version, ' was shown on ', strftime(d.delivered_at, '%Y-%m-%d')))
    ELSE unknown('not_proven', concat('registration ', d.delivery_id, ': person, times or version are not filled in, or that version was not published by then'))
  END AS result
FROM notice_delivery AS d
LEFT JOIN known AS k ON k.notice_id = d.notice_id AND k.version = d.notice_version
WHERE (d.first_collection_at < $period_start) IS NOT TRUE
