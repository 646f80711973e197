-- Population: every key. Judged are those in use, in an environment that counts or that is not filled in.
SELECT
  concat(k.key_manager, '/', k.crypto_key) AS resource,
  k.entry,
  CASE
    WHEN k.retired_at <= $as_of
      THEN not_applicable('retired', concat(k.crypto_key, ' is used for nothing new since ', strftime(k.retired_at, '%Y-%m-%d')))
    WHEN list_contains($not_production, folded(k.environment))
      THEN not_applicable('elsewhere', concat(k.crypto_key, ' is used in ', k.environment))
    WHEN k.in_key_manager IS FALSE
      THEN fail('no_manager', concat(k.crypto_key, ' lies outside a key manager'))
    WHEN k.is_exportable IS TRUE
      THEN fail('exportable', concat(k.crypto_key, ' can be taken out'))
    WHEN k.custodians > $custodians
      THEN fail('many_custodians', concat(k.crypto_key, ' can be used or administered by ', k.custodians, ' people'))
    WHEN k.rotation_days > $rotation_days
      THEN fail('rarely_rotated', concat(k.crypto_key, ' is to be replaced only every ', k.rotation_days, ' days'))
    WHEN k.rotated_at < $as_of - days(least(k.rotation_days, $rotation_days))
      THEN fail('overdue', concat(k.crypto_key, ' was last replaced on ', strftime(k.rotated_at, '%Y-%m-%d')))
    WHEN folded(k.environment) <> '' AND k.in_key_manager IS TRUE AND k.is_exportable IS FALSE AND k.custodians >= 1
         AND k.rotation_days >= 1 AND k.rotated_at <= $as_of
      THEN pass('kept', concat(k.crypto_key, ' was replaced on ', strftime(k.rotated_at, '%Y-%m-%d'), ', is not exportable, and has ', k.custodians, ' custodian(s)'))
    ELSE unknown('not_told', concat(k.crypto_key, ': environment, manager, export, custodians, interval or last replacement is not recorded'))
  END AS result
FROM crypto_key AS k
