-- Population: every bucket. Only a declared class "public" leaves one out; no class at all does not.
SELECT
  concat(b.source, '/', b.bucket) AS resource,
  b.entry,
  CASE
    WHEN b.data_class = 'public' THEN not_applicable('public', concat(b.bucket, ' is declared to hold public data only'))
    WHEN b.encrypted IS FALSE THEN fail('not_encrypted', concat(b.bucket, ' stores objects in the clear'))
    WHEN b.versioning IS FALSE THEN fail('not_versioned', concat(b.bucket, ' keeps no versions'))
    WHEN b.access_logging IS FALSE THEN fail('not_logged', concat(b.bucket, ' logs no requests'))
    WHEN b.encrypted IS TRUE AND b.versioning IS TRUE AND b.access_logging IS TRUE THEN pass('protected', concat(b.bucket, ' is encrypted, versioned and logged'))
    ELSE unknown('not_readable', concat(b.bucket, ': encryption, versions or logging was not readable'))
  END AS result
FROM bucket AS b
