-- Population: every account of a program. Who answers for it is a name on record, and stays one when nobody does.
SELECT
  concat(u.source, '/', u.account) AS resource,
  u.entry,
  CASE
    WHEN u.is_active IS TRUE AND trim(u.owner) = ''
      THEN fail('nobody', concat(u.account, ' is active and nobody answers for it'))
    WHEN u.is_active IS FALSE
      THEN not_applicable('inactive', concat(u.account, ' cannot be used'))
    WHEN u.is_active IS TRUE AND trim(u.owner) > ''
      THEN pass('owned', concat(u.account, ' has an owner on record'))
    ELSE unknown('not_readable', concat(u.account, ': its state or its owner was not readable'))
  END AS result
FROM user_account AS u
WHERE u.account_type IS NOT DISTINCT FROM 'service'
