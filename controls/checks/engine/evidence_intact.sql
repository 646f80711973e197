-- Population: every ledger the engine checked before evaluating.
SELECT
  l.ledger AS resource,
  l.entry,
  CASE
    WHEN l.chain_ok IS FALSE
      THEN fail('broken', concat(l.ledger, ': something stored is not what was signed'))
    WHEN l.lock_store_ok IS FALSE
      THEN fail('lock_store_differs', concat(l.ledger, ': the lock store outside the file holds another state'))
    WHEN l.signing_key_mode_ok IS FALSE
      THEN fail('key_exposed', concat(l.ledger, ': accounts other than the owner can read the private key'))
    WHEN l.checked_at < $as_of - to_hours($hours::INTEGER)
      THEN fail('not_checked', concat(l.ledger, ' was last recomputed at ', strftime(l.checked_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN l.anchored_at < $as_of - to_hours($hours::INTEGER)
      THEN fail('not_anchored', concat(l.ledger, ' was last anchored at ', strftime(l.anchored_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN l.from_seq = 0 AND l.to_seq >= 0 AND l.chain_ok IS TRUE AND l.lock_store_ok IS TRUE AND l.signing_key_mode_ok IS TRUE
         AND l.checked_at >= $as_of - to_hours($hours::INTEGER) AND l.anchored_at >= $as_of - to_hours($hours::INTEGER)
      THEN pass('intact', concat(l.ledger, ': ',
                -- same: a number in words
                l.to_seq + 1, ' entries recomputed, anchored at ', strftime(l.anchored_at, '%Y-%m-%d %H:%M'), ' UTC'))
    -- same: only the words differ from the last line
    WHEN l.anchored_at IS NULL
      THEN unknown('unclear', concat(l.ledger, ': no anchor outside this machine is configured, so a rolled-back copy cannot be ruled out'))
    -- same: only the words differ from the last line
    WHEN l.from_seq > 0
      THEN unknown('unclear', concat(l.ledger, ': only the entries from ', l.from_seq, ' on were recomputed'))
    ELSE unknown('unclear', concat(l.ledger, ': lock store or private key could not be checked'))
  END AS result
FROM ledger_check AS l
