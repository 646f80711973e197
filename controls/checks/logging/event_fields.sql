-- Population: every log of actions. Counted are its events of the last hours; an erased person's events say nothing any
-- more and are left out of the count.
WITH recent AS (
  SELECT
    e.source, e.log, count(*) AS events,
    count(*) FILTER (
      WHERE e.actor > '' AND e.action > '' AND e.object_type > ''
        AND (e.object_id > '' OR e.object_key > '') AND e.source_ip > '' AND e.result > ''
    ) AS whole,
    -- same: numbers in words
    count(*) FILTER (WHERE e.actor > '') AS actors, count(*) FILTER (WHERE e.source_ip > '') AS addresses
  FROM audit_event AS e
  WHERE e.occurred_at > $as_of - hours($hours) AND e.occurred_at <= $as_of
    AND (e.subject IS NOT NULL AND e.actor IS NULL AND e.source_ip IS NULL AND e.object_key IS NULL) IS NOT TRUE
  GROUP BY e.source, e.log
)
SELECT
  concat(l.source, '/', l.log) AS resource,
  l.entry,
  CASE
    WHEN l.of_record IS FALSE
      THEN not_applicable('beside', concat(l.log, ' is declared to stand beside the log of record'))
    WHEN l.purpose IN ('signins', 'failures')
      THEN not_applicable('signins', concat(l.log, ' keeps sign-ins, judged elsewhere'))
    WHEN (r.events - r.whole) * 1000000 > r.events * $missing_ppm
      THEN fail('incomplete', concat(l.log, ': ', r.events - r.whole, ' of ', r.events, ' events lack a part (', r.events - r.actors,
                ' who, ', r.events - r.addresses, ' from where)'))
    WHEN l.of_record IS TRUE AND l.purpose = 'actions' AND r.events IS NOT NULL
      THEN pass('whole', concat(l.log, ': ', r.whole, ' of ', r.events, ' events say who, what, on which object, from where and how it ended'))
    ELSE unknown('no_events', concat(l.log, ' has no event of the time judged, or is not known to be a log of record'))
  END AS result
FROM audit_log AS l
LEFT JOIN recent AS r ON r.source = l.source AND r.log = l.log
