-- Population: every repository, left-joined to its scan and to the findings that nobody marked as a false alarm.
WITH every AS (
  SELECT f.source, f.repository, count(*) AS findings FROM secret_finding AS f GROUP BY f.source, f.repository
), found AS (
  SELECT
    f.source,
    f.repository,
    -- same: one of its findings stands for all
    min(f.entry) AS entry,
    count(*) AS findings,
    count(*) FILTER (WHERE f.committed_at <= $as_of - to_hours($open_hours::INTEGER)) AS old,
    -- who commits sets the date: one to come says nothing of the finding's age
    count(*) FILTER (WHERE (f.committed_at <= $as_of) IS NOT TRUE) AS ageless,
    -- same: an example in words
    min_by(concat(f.path, ':', f.line, ' (', f.secret_type, ')'), coalesce(f.committed_at, $as_of)) AS example
  FROM secret_finding AS f
  WHERE f.is_allowlisted IS NOT TRUE
  GROUP BY f.source, f.repository
)
SELECT
  concat(r.source, '/', r.repository) AS resource,
  [r.entry, s.entry, n.entry] AS entry,
  CASE
    WHEN n.old > 0
      THEN fail('secret_found', concat(r.repository, ': ', n.old, ' finding(s) older than ', $open_hours, ' h, for instance ', n.example))
    WHEN s.scanned_at IS NULL
      THEN fail('not_scanned', concat(r.repository, ' was not scanned for secrets'))
    WHEN s.scanned_at < $as_of - to_days($scan_days::INTEGER)
      THEN fail('scan_old', concat(r.repository, ' was last scanned on ', strftime(s.scanned_at, '%Y-%m-%d')))
    WHEN n.ageless > 0
      THEN unknown('age_unknown', concat(r.repository, ': ', n.ageless, ' finding(s) of unknown age, for instance ', n.example))
    WHEN s.files_scanned IS NULL OR s.files_skipped IS NULL OR s.findings IS NULL
      THEN unknown('partly_scanned', concat(r.repository, ': how much of it was scanned is not known'))
    WHEN s."commit" IS DISTINCT FROM r.head
      THEN unknown('partly_scanned', concat(r.repository, ': the tree checked out was scanned, which is not that of the newest commit on the default branch'))
    WHEN s.files_scanned = 0 AND s.files_skipped > 0
      THEN unknown('partly_scanned', concat(r.repository, ': none of its ', s.files_skipped, ' files was looked at'))
    WHEN s.findings <> coalesce(e.findings, 0)
      THEN unknown('partly_scanned', concat(r.repository, ': the scan counts ', s.findings, ' finding(s), ',
                   -- same: words only
                   coalesce(e.findings, 0), ' are recorded'))
    -- null: the scan above, which is complete, found none
    WHEN s.scanned_at <= $as_of AND n.findings IS NULL
      THEN pass('clean', concat(r.repository, ': ', s.files_scanned, ' files scanned, ', s.files_skipped, ' skipped, ',
                -- same: words only
                CASE WHEN s.findings > 0 THEN concat(s.findings, ' marked as false alarm') ELSE 'nothing found' END))
    -- same: old findings and ageless ones were asked above; a pass names what it rests on
    WHEN s.scanned_at <= $as_of AND n.old = 0 AND n.ageless = 0
      THEN pass('only_new', concat(r.repository, ': ', n.findings, ' finding(s), none older than ', $open_hours, ' h'))
    ELSE unknown('partly_scanned', concat(r.repository, ': the scan could not be judged'))
  END AS result
FROM repository AS r
LEFT JOIN secret_scan AS s ON s.source = r.source AND s.repository = r.repository
LEFT JOIN every AS e ON e.source = r.source AND e.repository = r.repository
LEFT JOIN found AS n ON n.source = r.source AND n.repository = r.repository
