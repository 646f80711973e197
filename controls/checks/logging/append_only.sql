-- Population: every ledger the engine checked before evaluating.
SELECT
  l.ledger AS resource,
  l.entry,
  CASE
    WHEN l.chain_ok IS FALSE
      THEN fail('broken', concat(l.ledger, ': something stored is not what was signed'))
    WHEN l.write_locked IS FALSE
      THEN fail('writable', concat(l.ledger, ': accounts other than the engine''s may write the file'))
    WHEN l.readers_outside > 0
      THEN fail('readable', concat(l.ledger, ': ', l.readers_outside, ' class(es) of other accounts may read the file'))
    WHEN l.delete_denied IS FALSE
      THEN fail('removal_unnoticed', concat(l.ledger, ': a removal tried on a copy was not found'))
    WHEN l.checked_at < $as_of - to_hours($hours::INTEGER)
      THEN fail('not_checked', concat(l.ledger, ' was last recomputed at ', strftime(l.checked_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN l.from_seq = 0 AND l.to_seq >= 0 AND l.chain_ok IS TRUE AND l.write_locked IS TRUE AND l.readers_outside = 0 AND l.delete_denied IS TRUE
         AND l.checked_at >= $as_of - to_hours($hours::INTEGER)
      THEN pass('append_only', concat(l.ledger, ': ',
                -- same: a number in words
                l.to_seq + 1, ' entries recomputed at ', strftime(l.checked_at, '%Y-%m-%d %H:%M'), ' UTC'))
    -- same: only the words differ from the last line
    WHEN l.from_seq > 0
      THEN unknown('unclear', concat(l.ledger, ': only the entries from ', l.from_seq, ' on were recomputed'))
    ELSE unknown('unclear', concat(l.ledger, ': file permissions or the trial removal could not be checked'))
  END AS result
FROM ledger_check AS l
