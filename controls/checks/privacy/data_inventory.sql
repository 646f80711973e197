-- Population: every store that is not said to be outside production. A store may hold several sorts of data: each must be
-- filled in, and each store needs one. An entry that names no store may be any store's: until it does, none is known whole.
WITH listed AS (
  SELECT
    a.data_store,
    max(a.entry) AS entry,  -- same: of two entries of a store either will do
    count(*) AS assets, count(*) FILTER (WHERE a.reviewed_at < $as_of - days($days)) AS old,
    count(*) FILTER (WHERE trim(a.owner) > '' AND trim(a.data_class) > '' AND trim(a.retention_class) > '' AND trim(a.storage_medium) > ''
      AND a.reviewed_at <= $as_of AND a.contains_personal_data IS NOT NULL AND a.contains_education_records IS NOT NULL
      AND a.contains_account_data IS NOT NULL) AS whole
  FROM data_asset AS a
  GROUP BY a.data_store
), homeless AS (
  SELECT count(*) AS n FROM data_asset AS a WHERE trim(coalesce(a.data_store, '')) = ''
)
SELECT
  s.data_store AS resource,
  [s.entry, l.entry] AS entry,
  CASE
    WHEN list_contains($not_production, folded(s.environment)) THEN not_applicable('not_production', concat(s.data_store, ' belongs to ', s.environment))
    WHEN folded(s.environment) <> '' AND l.assets IS NULL AND h.n = 0
      THEN fail('not_listed', concat('the inventory has no data for ', s.data_store))
    WHEN folded(s.environment) <> '' AND l.old > 0
      THEN fail('review_old', concat(s.data_store, ': ', l.old, ' entry(ies) last checked more than ', $days, ' days ago'))
    WHEN folded(s.environment) <> '' AND l.whole = l.assets AND h.n = 0
      THEN pass('listed', concat(s.data_store, ': ', l.assets, ' entry(ies), whole and checked'))
    ELSE unknown('not_filled', concat(s.data_store, ': environment, or class, owner, medium, retention or review of its data is not filled in'))
  END AS result
FROM inventory_store AS s
LEFT JOIN listed AS l ON l.data_store = s.data_store
LEFT JOIN homeless AS h ON TRUE  -- same: a count is one row always
