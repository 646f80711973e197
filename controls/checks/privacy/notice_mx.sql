-- Population: current notices in Spanish under the Mexican law, and the absence of a full or simplified one, which rests
-- on the register as a whole.
WITH shown AS (
  SELECT
    n.*, concat(n.notice_id, ' ', n.version, ' ', n.language) AS name,
    CASE n.modality WHEN 'full' THEN $full_always WHEN 'simplified' THEN $simplified_always END AS always,
    CASE n.modality WHEN 'full' THEN $full_where_it_applies WHEN 'simplified' THEN $simplified_where_it_applies END AS maybe
  FROM privacy_notice AS n
  WHERE (n.regime IN ('gdpr', 'ferpa')) IS NOT TRUE AND (n.modality IN ('annual', 'directory')) IS NOT TRUE
    AND n.is_current IS NOT FALSE AND lower(n.language) LIKE 'es%'
), absent AS (
  SELECT w.modality, a.entry
  FROM (SELECT unnest(['full', 'simplified']) AS modality) AS w
  -- same: always one row, and any entry of the register will do
  LEFT JOIN (SELECT max(n.entry) AS entry FROM privacy_notice AS n) AS a ON true
  LEFT JOIN shown AS s ON s.modality = w.modality AND s.regime = 'lfpdppp' AND s.is_current IS TRUE
  WHERE s.modality IS NULL AND a.entry IS NOT NULL
), item AS (
  SELECT n.name, n.entry, n.regime, n.is_current, n.published_at, n.url_ok, n.url_checked_at, n.reviewed_at, n.elements, n.not_needed, n.always, n.maybe, 0 AS is_absent
  FROM shown AS n
  UNION ALL
  SELECT concat(a.modality, ' notice'), a.entry, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1
  FROM absent AS a
)
SELECT
  n.name AS resource,
  n.entry,
  CASE
    WHEN n.is_absent = 1
      THEN unknown('no_notice', concat('no current ', n.name, ' in Spanish is on record'))
    WHEN n.regime IS NULL OR n.is_current IS NULL
      THEN unknown('not_filled', concat(n.name, ' does not say under which law it stands, or whether it is shown now'))
    WHEN n.url_ok IS FALSE
      THEN fail('not_shown', concat(n.name, ' is not shown at its address'))
    WHEN n.reviewed_at < $as_of - days($days)
      THEN fail('review_old', concat(n.name, ' was last reviewed on ', strftime(n.reviewed_at, '%Y-%m-%d')))
    WHEN list_has_all(n.elements, n.always) IS FALSE
         OR (n.elements IS NOT NULL AND n.not_needed IS NOT NULL AND list_has_all(list_concat(n.elements, n.not_needed), n.maybe) IS FALSE)
      THEN fail('element_missing', concat(n.name, ' lacks ', array_to_string(list_concat(
        [x FOR x IN n.always IF NOT list_contains(n.elements, x)], [x FOR x IN n.maybe IF NOT list_contains(list_concat(n.elements, n.not_needed), x)]), ', ')))
    WHEN n.published_at <= $as_of AND n.url_ok IS TRUE
         AND n.url_checked_at >= $as_of - days($url_days) AND n.url_checked_at <= $as_of
         AND n.reviewed_at <= $as_of
         AND list_has_all(n.elements, n.always) AND list_has_all(list_concat(n.elements, n.not_needed), n.maybe)
      THEN pass('complete', concat(n.name, ', published on ', strftime(n.published_at, '%Y-%m-%d'), ' and reviewed on ', strftime(n.reviewed_at, '%Y-%m-%d'), ', has every element'))
    ELSE unknown('not_filled', concat(n.name, ': kind of notice, publication, address, elements or review are not filled in, or lie in the future'))
  END AS result
FROM item AS n
