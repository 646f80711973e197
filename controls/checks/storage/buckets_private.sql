-- Population: every bucket. Only a declared class "public" leaves one out; no class at all does not.
SELECT
  concat(b.source, '/', b.bucket) AS resource,
  b.entry,
  CASE
    WHEN b.data_class = 'public' THEN not_applicable('public', concat(b.bucket, ' is declared to hold public data only'))
    WHEN b.public_access_blocked IS FALSE THEN fail('public_access', concat(b.bucket, ' can be read or listed by the public'))
    WHEN b.tls_only IS FALSE THEN fail('without_tls', concat(b.bucket, ' takes requests without TLS'))
    WHEN b.public_access_blocked IS TRUE AND b.tls_only IS TRUE THEN pass('private', concat(b.bucket, ' is closed to the public and takes TLS only'))
    ELSE unknown('not_readable', concat(b.bucket, ': access or TLS was not readable'))
  END AS result
FROM bucket AS b
