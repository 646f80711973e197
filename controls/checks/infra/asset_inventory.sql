-- Population: every asset read, left-joined to what the configuration declares about its source.
WITH declared AS (
  SELECT
    a.source, a.asset, a.entry, s.entry AS source_entry, coalesce(a.hostname, a.asset) AS name,
    trim(coalesce(a.owner, s.owner, '')) AS owner,
    trim(coalesce(a.data_class, s.data_class, '')) AS data_class,
    a.owner IS NOT NULL AND a.data_class IS NOT NULL OR s.name IS NOT NULL AS known,
    greatest(a.observed_at, a.reviewed_at) AS seen_at
  FROM asset AS a
  LEFT JOIN source AS s ON s.name = a.source
)
SELECT
  concat(d.source, '/', d.name) AS resource,
  [d.entry, d.source_entry] AS entry,
  CASE
    WHEN d.known IS TRUE AND d.owner = ''
      THEN fail('no_owner', concat(d.name, ': nobody is declared to own it'))
    WHEN d.known IS TRUE AND d.data_class = ''
      THEN fail('no_class', concat(d.name, ': no class of data is declared'))
    WHEN d.seen_at < $as_of - days($seen_days)
      THEN fail('not_seen', concat(d.name, ' was last seen on ', strftime(d.seen_at, '%Y-%m-%d')))
    WHEN d.owner <> '' AND d.data_class <> '' AND d.seen_at <= $as_of
      THEN pass('inventoried', concat(d.name, ': ', d.owner, ', ', d.data_class))
    ELSE unknown('not_declared', concat(d.name, ': the configuration that read it is not recorded'))
  END AS result
FROM declared AS d
