-- Population: every issuer of tokens. The age of its signing key counts from the last reading that did not have it; a key
-- that was there at a first reading may be as old as can be, and is old for certain a limit after it was first seen.
WITH seen AS (
  SELECT
    k.source, k.application, k.key_id,
    -- same: one of the sightings stands for all
    min(k.entry) AS entry,
    min(k.occurred_at) AS first_seen,
    CASE WHEN count(*) FILTER (WHERE k.absent_at IS NULL) = 0 THEN min(k.absent_at) END AS absent_at
  FROM signing_key_seen AS k
  GROUP BY k.source, k.application, k.key_id
), published AS (
  SELECT
    k.source, k.application,
    -- same: one of the keys stands for all
    coalesce(min(k.entry) FILTER (WHERE k.secret_published IS TRUE), min(k.entry)) AS entry,
    count(*) FILTER (WHERE k.secret_published IS TRUE) AS secrets,
    count(*) FILTER (WHERE k.secret_published IS NOT FALSE) AS doubtful
  FROM signing_key AS k
  GROUP BY k.source, k.application
), issuer AS (
  SELECT
    j.*, s.first_seen, s.absent_at, p.secrets, p.doubtful, s.entry AS seen_entry, p.entry AS key_entry,
    CASE
      WHEN j.key_kind = 'rsa' THEN j.key_bits >= $rsa_bits
      WHEN j.key_kind IN ('ec', 'okp') THEN j.key_bits >= $ec_bits
      WHEN j.key_kind = 'hmac' THEN j.key_bits >= $hmac_bits
    END AS strong
  FROM jwt_config AS j
  LEFT JOIN seen AS s ON s.source = j.source AND s.application = j.application AND s.key_id = j.key_id
  LEFT JOIN published AS p ON p.source = j.source AND p.application = j.application
)
SELECT
  concat(i.source, '/', i.application, ' ', i.issuer) AS resource,
  [i.entry, i.seen_entry, i.key_entry] AS entry,
  CASE
    WHEN lower(i.algorithm) = 'none'
      THEN fail('unsigned', concat(i.issuer, ' issues tokens that nobody signs'))
    WHEN i.secrets > 0
      THEN fail('secret_published', concat(i.application, ' publishes a key with its secret part'))
    WHEN i.rotate_refresh IS FALSE
      THEN fail('not_rotated', concat(i.issuer, ' keeps a refresh token when it is used'))
    WHEN i.blacklist_after_rotation IS FALSE
      THEN fail('old_taken', concat(i.issuer, ' takes a refresh token again after it was exchanged'))
    WHEN i.reuse_detection IS FALSE
      THEN fail('unnoticed', concat(i.issuer, ': nobody is told when a refused refresh token is used'))
    WHEN i.strong IS FALSE
      THEN fail('weak_key', concat(i.issuer, ' signs with a key of ', i.key_bits, ' bits (', i.key_kind, ')'))
    WHEN i.first_seen < $as_of - days($key_days)
      THEN fail('old_key', concat(i.issuer, ' signs with a key that was seen on ', strftime(i.first_seen, '%Y-%m-%d')))
    WHEN i.rotate_refresh IS TRUE AND i.blacklist_after_rotation IS TRUE AND i.reuse_detection IS TRUE AND i.algorithm <> ''
         AND i.strong IS TRUE AND i.doubtful = 0 AND i.absent_at >= $as_of - days($key_days)
         AND i.first_seen BETWEEN i.absent_at AND $as_of
      THEN pass('rotated', concat(i.issuer, ' rotates refresh tokens and signs with ', i.algorithm, ', ', i.key_bits,
                ' bits; the key came after ', strftime(i.absent_at, '%Y-%m-%d')))
    WHEN i.strong IS TRUE AND i.absent_at IS NULL
      THEN unknown('age_unknown', concat(i.issuer, ': how old its signing key is was not readable'))
    ELSE unknown('not_readable', concat(i.issuer, ': a part of rotation or key was not readable'))
  END AS result
FROM issuer AS i
