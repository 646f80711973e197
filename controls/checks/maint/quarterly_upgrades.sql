-- Population: every asset of the inventory. The window is a recorded, reviewed statement, of the assets that it names, or
-- of all where it names none; the end of support is measured.
WITH stated AS (
  SELECT t.entry, t.occurred_at, t.resources
  FROM attestation AS t
  WHERE t.control = 'maint.quarterly_upgrades' -- null: an attestation for no control does not count
    AND t.form IN ('attestation', 'document') -- null: always given; an auditor's retest or a nil return is no window
    AND trim(t.reviewed_by) > '' AND trim(t.by_person) > '' -- null: erased; two persons cannot be told
    AND (trim(regexp_replace(lower(t.reviewed_by), '\s+', ' ', 'g'))
         = trim(regexp_replace(lower(t.by_person), '\s+', ' ', 'g'))) IS FALSE -- another spelling is no second person
    AND coalesce(t.revokes, '') = '' -- what takes another back states nothing of its own
    AND t.occurred_at <= $as_of -- null: always given
    AND t.expires_at > $as_of -- null: always given
    AND NOT EXISTS (SELECT 1 FROM attestation AS x WHERE x.revokes = t.attestation) -- null: only a named one is taken back
), held AS (
  SELECT a.source, a.asset, max(s.occurred_at) AS newest, max_by(s.entry, s.occurred_at) AS entry
  FROM asset AS a
  -- join: an asset that no window speaks of has none
  JOIN stated AS s ON (len(s.resources) > 0) IS NOT TRUE OR list_contains(s.resources, concat(a.source, '/', coalesce(a.hostname, a.asset)))
  GROUP BY a.source, a.asset
)
SELECT
  concat(a.source, '/', coalesce(a.hostname, a.asset)) AS resource,
  [a.entry, h.entry] AS entry,
  CASE
    WHEN a.os_eol_date <= $as_of
      THEN fail('unsupported', concat(a.os_name, ' ', a.os_version, ': support ended on ', strftime(a.os_eol_date, '%Y-%m-%d')))
    WHEN a.os_eol_date <= $as_of + to_days($support_days::INTEGER)
      THEN fail('ends_soon', concat(a.os_name, ' ', a.os_version, ': support ends on ', strftime(a.os_eol_date, '%Y-%m-%d')))
    WHEN a.os_eol_date IS NOT NULL AND h.newest >= $as_of - to_days($window_days::INTEGER)
      THEN pass('supported', concat(a.os_name, ' ', a.os_version, ': supported until ', strftime(a.os_eol_date, '%Y-%m-%d'),
                ', upgrade window of ', strftime(h.newest, '%Y-%m-%d')))
    WHEN a.os_eol_date IS NOT NULL
      THEN unknown('no_window', concat(a.os_name, ' ', a.os_version, ' is supported; no reviewed upgrade window of the last ', $window_days, ' days is recorded for it'))
    ELSE unknown('end_unknown', concat_ws(' ', 'the system', a.os_name, a.os_version, 'has no known end of support'))
  END AS result
FROM asset AS a
LEFT JOIN held AS h ON h.source = a.source AND h.asset = a.asset
