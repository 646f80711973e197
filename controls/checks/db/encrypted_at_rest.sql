-- Population: every database server read. What was seen outweighs what is reported, and a report speaks of the servers
-- that it names.
WITH named AS (
  SELECT unnest(a.resources) AS resource, a.entry
  FROM attestation AS a
  WHERE a.control = 'db.encrypted_at_rest' AND a.form = 'external_report' -- null: an attestation for no control does not count
    AND trim(a.reviewed_by) > '' AND trim(a.by_person) > '' -- null: erased; two persons cannot be told
    AND (trim(regexp_replace(lower(a.reviewed_by), '\s+', ' ', 'g'))
         = trim(regexp_replace(lower(a.by_person), '\s+', ' ', 'g'))) IS FALSE -- another spelling is no second person
    AND coalesce(a.revokes, '') = '' -- what takes another back states nothing of its own
    AND a.occurred_at <= $as_of -- null: always given
    AND a.expires_at > $as_of -- null: always given
    AND a.occurred_at >= $as_of - days(456) -- null: always given; a report counts for fifteen months at most
    AND NOT EXISTS (SELECT 1 FROM attestation AS x WHERE x.revokes = a.attestation) -- null: only a named one is taken back
),
reported AS (
  -- same: any of its reports will do
  SELECT n.resource, max(n.entry) AS entry
  FROM named AS n
  GROUP BY n.resource
)
SELECT
  concat(d.source, '/', d.instance) AS resource,
  [d.entry, r.entry] AS entry,
  CASE
    WHEN d.encrypted_at_rest IS FALSE
      THEN fail('plain', concat(d.instance, ' lies on storage without encryption'))
    WHEN d.encrypted_at_rest IS TRUE
      THEN pass('encrypted', concat(d.instance, ' lies on encrypted storage'))
    WHEN r.resource <> ''
      THEN pass('provider_encrypts', concat(d.instance, ': a reviewed report of the provider says that its storage is encrypted'))
    ELSE unknown('not_visible', concat(d.instance, ': whether the storage below is encrypted is not visible from the database'))
  END AS result
FROM database_instance AS d
LEFT JOIN reported AS r ON r.resource = concat(d.source, '/', d.instance)
