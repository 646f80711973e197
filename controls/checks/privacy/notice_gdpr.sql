-- Population: notices under the GDPR that are shown now, or do not say so. What applies only in some cases may be ruled
-- out by name; what always applies may not.
WITH shown AS (
  SELECT n.*, concat(n.notice_id, ' ', n.version, ' ', n.language) AS name
  FROM privacy_notice AS n
  WHERE (n.regime IN ('lfpdppp', 'ferpa')) IS NOT TRUE AND n.is_current IS NOT FALSE
)
SELECT
  n.name AS resource,
  n.entry,
  CASE
    WHEN n.regime IS NULL OR n.is_current IS NULL
      THEN unknown('not_filled', concat(n.name, ' does not say under which law it stands, or whether it is shown now'))
    WHEN n.url_ok IS FALSE
      THEN fail('not_shown', concat(n.name, ' is not shown at its address'))
    WHEN n.reviewed_at < $as_of - days($days)
      THEN fail('review_old', concat(n.name, ' was last reviewed on ', strftime(n.reviewed_at, '%Y-%m-%d')))
    WHEN list_has_all(n.elements, $always) IS FALSE
         OR (n.elements IS NOT NULL AND n.not_needed IS NOT NULL AND list_has_all(list_concat(n.elements, n.not_needed), $where_it_applies) IS FALSE)
      THEN fail('element_missing', concat(n.name, ' lacks ', array_to_string(list_concat(
        [x FOR x IN $always IF NOT list_contains(n.elements, x)], [x FOR x IN $where_it_applies IF NOT list_contains(list_concat(n.elements, n.not_needed), x)]), ', ')))
    WHEN n.modality = 'full' AND n.published_at <= $as_of AND n.url_ok IS TRUE
         AND n.url_checked_at >= $as_of - days($url_days) AND n.url_checked_at <= $as_of
         AND n.reviewed_at <= $as_of
         AND list_has_all(n.elements, $always) AND list_has_all(list_concat(n.elements, n.not_needed), $where_it_applies)
      THEN pass('complete', concat(n.name, ', published on ', strftime(n.published_at, '%Y-%m-%d'), ' and reviewed on ', strftime(n.reviewed_at, '%Y-%m-%d'), ', has every element'))
    ELSE unknown('not_filled', concat(n.name, ': publication, address, elements or review are not filled in, or lie in the future'))
  END AS result
FROM shown AS n
