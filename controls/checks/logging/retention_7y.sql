-- Population: every class that is proof of compliance, or may be. A lock by a bucket counts as that bucket was read, from
-- every source that saw it.
WITH lock AS (
  SELECT
    b.bucket,
    max(b.entry) AS entry,  -- same: of two sources of a bucket either will do
    count(*) AS n,
    count(*) FILTER (WHERE lower(b.object_lock_mode) = 'compliance' AND b.object_lock_days >= $days) AS strong,
    count(*) FILTER (WHERE lower(b.object_lock_mode) IN ('none', 'governance') OR b.object_lock_days < $days) AS weak
  FROM bucket AS b
  GROUP BY b.bucket
)
SELECT
  c.record_class AS resource,
  [c.entry, l.entry] AS entry,
  CASE
    WHEN c.is_compliance_log IS FALSE THEN not_applicable('other_class', concat(c.record_class, ' is no proof of compliance'))
    WHEN c.is_compliance_log IS TRUE AND c.min_days < $days
      THEN fail('too_short', concat(c.record_class, ' is kept ', c.min_days, ' days at least, not ', $days))
    WHEN c.is_compliance_log IS TRUE AND (c.lock_mode IN ('none', 'governance') OR c.lock_days < $days)
      THEN fail('not_locked', concat(c.record_class, ': lock ', c.lock_mode, ', ', c.lock_days, ' days, does not keep it ', $days, ' days'))
    WHEN c.is_compliance_log IS TRUE AND l.weak > 0
      THEN fail('bucket_not_locked', concat(c.record_class, ': bucket ', c.bucket, ' does not lock for ', $days, ' days'))
    WHEN c.is_compliance_log IS TRUE AND c.oldest_record_at > c.began_at AND c.oldest_record_at > $as_of - days($days)
      THEN fail('records_gone', concat(c.record_class, ' began on ', strftime(c.began_at, '%Y-%m-%d'), ', its oldest record is of ', strftime(c.oldest_record_at, '%Y-%m-%d')))
    WHEN c.is_compliance_log IS TRUE AND c.min_days >= $days AND c.lock_mode IN ('compliance', 'append_only') AND c.lock_days >= $days
         AND c.began_at <= $as_of AND c.oldest_record_at <= greatest(c.began_at, $as_of - days($days))
         AND ((trim(coalesce(c.bucket, '')) = '' AND c.lock_mode = 'append_only') OR l.strong = l.n)  -- null: no bucket is named where the lock is another sort
      THEN pass('kept', concat(c.record_class, ' is locked for ', c.lock_days, ' days; oldest record of ', strftime(c.oldest_record_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(c.record_class, ': purpose, term, lock, bucket, beginning or oldest record is not filled in or not readable'))
  END AS result
FROM retention_class AS c
LEFT JOIN lock AS l ON l.bucket = c.bucket
