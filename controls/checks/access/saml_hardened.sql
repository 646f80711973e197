-- Population: every service provider with each of its identity providers. A signed response does not stand for a signed
-- assertion. An ended certificate that is still trusted is a fault; one about to end is none while another stays in date.
SELECT
  concat(s.source, '/', s.sp_id, ' from ', CASE WHEN s.idp_id <> '' THEN s.idp_id ELSE 'no provider' END) AS resource,
  s.entry,
  CASE
    WHEN s.strict IS FALSE
      THEN fail('not_strict', concat(s.sp_id, ' takes answers in debugging mode'))
    WHEN s.assertions_signed IS FALSE
      THEN fail('unsigned', concat(s.sp_id, ' takes assertions without a signature of their own'))
    WHEN s.weak_signatures_refused IS FALSE
      THEN fail('weak_taken', concat(s.sp_id, ' takes signatures made with SHA-1'))
    WHEN list_contains($algorithms::VARCHAR[], lower(s.signature_algorithm)) IS FALSE
      THEN fail('weak_algorithm', concat(s.sp_id, ' signs with ', s.signature_algorithm))
    WHEN list_contains($digests::VARCHAR[], lower(s.digest_algorithm)) IS FALSE
      THEN fail('weak_algorithm', concat(s.sp_id, ' signs with the digest ', s.digest_algorithm))
    WHEN s.replay_protection IS FALSE
      THEN fail('replayable', concat(s.sp_id, ' takes answers that it did not ask for, and so again'))
    WHEN s.clock_skew_s > $clock_skew_s
      THEN fail('skew', concat(s.sp_id, ' lets times be off by ', s.clock_skew_s, ' s'))
    WHEN s.idp_cert_not_after <= $as_of
      THEN fail('cert_over', concat(s.sp_id, ' trusts a certificate that ended on ', strftime(s.idp_cert_not_after, '%Y-%m-%d')))
    WHEN s.idp_cert_last_not_after <= $as_of + days($cert_days)
      THEN fail('cert_ending', concat('the last certificate of ', s.idp_id, ' ends on ', strftime(s.idp_cert_last_not_after, '%Y-%m-%d')))
    WHEN s.strict IS TRUE AND s.assertions_signed IS TRUE AND s.weak_signatures_refused IS TRUE
         AND list_contains($algorithms::VARCHAR[], lower(s.signature_algorithm))
         AND list_contains($digests::VARCHAR[], lower(s.digest_algorithm))
         AND s.replay_protection IS TRUE AND s.clock_skew_s BETWEEN 0 AND $clock_skew_s
         -- same: the moment itself is a fault above
         AND s.idp_cert_not_after > $as_of AND s.idp_cert_last_not_after > $as_of + days($cert_days)
      THEN pass('hardened', concat(s.sp_id, ' demands signed assertions, refuses SHA-1 and repeated answers; certificates last until ',
                strftime(s.idp_cert_last_not_after, '%Y-%m-%d')))
    ELSE unknown('not_readable', concat(s.sp_id, ': a part of how answers are checked was not readable'))
  END AS result
FROM sso_config AS s
