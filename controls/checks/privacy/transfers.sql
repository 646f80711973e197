-- Population: every transfer that is not said to have ended, under each law it falls under.
SELECT
  concat(t.transfer, ' (', t.regime, ')') AS resource,
  t.entry,
  CASE
    WHEN t.is_active IS FALSE THEN not_applicable('ended', concat(t.transfer, ' is no longer done'))
    WHEN t.is_active IS TRUE AND list_contains(CASE t.regime WHEN 'gdpr' THEN $gdpr WHEN 'lfpdppp' THEN $lfpdppp END::VARCHAR[], t.mechanism) IS FALSE AND trim(t.mechanism) <> ''
      THEN fail('not_allowed', concat(t.transfer, ': ', t.mechanism, ' is no mechanism of ', t.regime))
    WHEN t.is_active IS TRUE AND t.mechanism_expires_at < $as_of
      THEN fail('expired', concat(t.transfer, ': its mechanism ended on ', strftime(t.mechanism_expires_at, '%Y-%m-%d')))
    WHEN t.is_active IS TRUE AND t.reviewed_at < $as_of - days($days)
      THEN fail('review_old', concat(t.transfer, ' was last checked on ', strftime(t.reviewed_at, '%Y-%m-%d')))
    WHEN t.is_active IS TRUE AND list_contains(CASE t.regime WHEN 'gdpr' THEN $gdpr WHEN 'lfpdppp' THEN $lfpdppp END::VARCHAR[], t.mechanism)
         AND trim(t.evidence_ref) <> '' AND trim(t.notice_clause) <> '' AND trim(t.recipient) <> '' AND trim(t.destination) <> '' AND t.reviewed_at <= $as_of
      THEN pass('allowed', concat(t.transfer, ' to ', t.destination, ' by ', t.mechanism, '; checked on ', strftime(t.reviewed_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(t.transfer, ': mechanism, proof, notice, recipient, country or review is not filled in'))
  END AS result
FROM transfer AS t
