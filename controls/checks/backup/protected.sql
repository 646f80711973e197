-- Population: every set that a backup tool keeps or names. Every run that is kept holds the data, so each must be
-- encrypted; of the recent ones at least one copy must lie elsewhere under a lock that nobody can lift.
WITH copy AS (
  SELECT
    r.source, r.backup_set, r.entry, list_contains($not_production, lower(r.environment)) AS elsewhere, r.encrypted, r.run, r.finished_at, r.immutable_until,
    r.outcome = 'success' AND r.finished_at >= $as_of - hours($hours) AND r.finished_at <= $as_of AS recent,
    r.outcome IS NULL OR r.outcome = 'success' AND (r.finished_at IS NULL OR r.finished_at > $as_of) AS unclear,
    r.other_site IS TRUE AND r.is_locked IS TRUE AND r.lock_removable IS FALSE
      AND r.immutable_until >= r.finished_at + days($lock_days) AS safe,
    r.other_site IS FALSE OR r.is_locked IS FALSE OR r.lock_removable IS TRUE
      OR r.immutable_until < r.finished_at + days($lock_days) AS unsafe
  FROM backup_run AS r
  WHERE r.outcome IS DISTINCT FROM 'running'
), counted AS (
  SELECT
    c.source, c.backup_set, count(*) AS runs,
    count(*) FILTER (WHERE c.elsewhere IS NOT TRUE) AS productive,
    count(*) FILTER (WHERE c.encrypted IS FALSE) AS plain,
    count(*) FILTER (WHERE c.encrypted IS TRUE) AS encrypted,
    count(*) FILTER (WHERE c.recent IS TRUE) AS recent,
    count(*) FILTER (WHERE c.unclear IS TRUE) AS unclear,
    count(*) FILTER (WHERE c.recent IS TRUE AND c.safe IS TRUE) AS safe,
    count(*) FILTER (WHERE c.recent IS TRUE AND c.unsafe IS TRUE) AS unsafe,
    -- same: any entry and any example will do
    min(c.entry) AS entry, min(CASE WHEN c.encrypted IS FALSE THEN c.run END) AS plain_run, max(CASE WHEN c.safe THEN c.immutable_until END) AS locked_until, max(CASE WHEN c.safe THEN c.entry END) AS safe_entry
  FROM copy AS c
  GROUP BY c.source, c.backup_set
), target AS (
  SELECT c.source, c.backup_set, c.entry, c.productive = 0 AS elsewhere FROM counted AS c
  UNION ALL
  SELECT b.source, b.backup_set, b.entry, list_contains($not_production, lower(b.environment))
  FROM backup_set AS b
  LEFT JOIN counted AS c ON c.source = b.source AND c.backup_set = b.backup_set
  WHERE c.backup_set IS NULL
)
SELECT
  concat(t.source, '/', t.backup_set) AS resource,
  [t.entry, c.safe_entry] AS entry,
  CASE
    WHEN t.elsewhere IS TRUE
      THEN not_applicable('not_production', concat(t.backup_set, ' is declared not to be production'))
    WHEN c.plain > 0
      THEN fail('not_encrypted', concat(t.backup_set, ': ', c.plain, ' of ', c.runs, ' runs that are kept are not encrypted, as ', c.plain_run))
    WHEN c.recent > 0 AND c.unsafe = c.recent AND c.unclear = 0
      THEN fail('no_locked_copy', concat(t.backup_set, ': none of ', c.recent, ' runs of the last ', $hours,
                ' h lies at another site under a lock of ', $lock_days, ' days that nobody can lift'))
    WHEN c.encrypted = c.runs AND c.safe > 0
      THEN pass('protected', concat(t.backup_set, ': ', c.runs, ' runs are encrypted, and a copy of the last ', $hours,
                ' h lies elsewhere, locked until ', strftime(c.locked_until, '%Y-%m-%d')))
    WHEN c.recent = 0 AND c.unclear = 0
      THEN unknown('no_recent', concat(t.backup_set, ': no run ended well in the last ', $hours, ' h, so no copy of these days can be judged'))
    ELSE unknown('not_readable', concat(t.backup_set, ': encryption, place or lock of its runs was not readable'))
  END AS result
FROM target AS t
LEFT JOIN counted AS c ON c.source = t.source AND c.backup_set = t.backup_set
