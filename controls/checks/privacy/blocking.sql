-- Population: every blocking that is not long over.
SELECT
  b.block AS resource,
  b.entry,
  CASE
    WHEN b.processed_while_blocked > 0
      THEN fail('processed', concat(b.block, ': used ', b.processed_while_blocked, ' time(s) while blocked'))
    WHEN b.access_restricted IS FALSE
      THEN fail('reachable', concat(b.block, ': applications or ordinary users can still reach it'))
    WHEN trim(b.hold_reference) <> '' AND b.suppressed_at IS NULL AND b.expires_at < $as_of
      THEN not_applicable('held', concat(b.block, ' is kept under hold ', b.hold_reference))
    WHEN b.suppressed_at > b.expires_at + days($grace_days) AND b.expires_at + days($grace_days) < $as_of
      THEN fail('suppressed_late', concat(b.block, ' ended on ', strftime(b.expires_at, '%Y-%m-%d'), ' and was deleted on ', strftime(b.suppressed_at, '%Y-%m-%d')))
    WHEN b.suppressed_at IS NULL AND b.expires_at + days($grace_days) < $as_of
      THEN fail('not_suppressed', concat(b.block, ' ended on ', strftime(b.expires_at, '%Y-%m-%d'), ' and has no deletion'))
    WHEN b.suppressed_at < b.expires_at
      THEN fail('suppressed_early', concat(b.block, ' was deleted on ', strftime(b.suppressed_at, '%Y-%m-%d'), ', before its end'))
    WHEN b.processed_while_blocked = 0 AND b.access_restricted IS TRUE AND b.blocked_at <= $as_of AND b.expires_at > b.blocked_at
         AND trim(b.limitation_basis) <> '' AND b.period_told_at <= $as_of
         AND b.suppressed_at IS NULL  -- null: a date in the future or past is judged by the other branches
      THEN pass('blocked', concat(b.block, ' is blocked until ', strftime(b.expires_at, '%Y-%m-%d')))
    WHEN b.processed_while_blocked = 0 AND b.access_restricted IS TRUE AND b.expires_at > b.blocked_at
         AND trim(b.limitation_basis) <> '' AND b.period_told_at <= $as_of AND b.person_told_at >= b.suppressed_at AND b.person_told_at <= $as_of
      THEN pass('suppressed', concat(b.block, ' was deleted on ', strftime(b.suppressed_at, '%Y-%m-%d'), ' and the person told'))
    ELSE unknown('not_filled', concat(b.block, ': dates, basis, uses, access or what the person was told are not filled in or do not fit'))
  END AS result
FROM blocked_record AS b
WHERE (b.person_told_at < $period_start AND b.suppressed_at < $period_start) IS NOT TRUE
