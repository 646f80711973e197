-- Population: every database server read. A repository belongs to it by the cluster's own identifier.
WITH held AS (
  SELECT
    a.source,
    a.instance,
    a.observed_at,
    d.entry AS instance_entry,
    c.entry AS chain_entry,
    c.backup_set,
    c.repository,
    c.backups,
    c.earliest_restore_at AS earliest,
    c.last_segment,
    c.newest_segment,
    c.first_missing,
    -- what the repository lacks of what the server archived was stored after it was read, or never
    CASE
      WHEN left(c.last_segment, 8) IS DISTINCT FROM left(a.last_segment, 8) THEN NULL
      WHEN c.last_segment >= a.last_segment THEN a.archived_until
      WHEN a.archived_until <= c.last_segment_at THEN a.archived_until
      WHEN a.archived_until > c.last_segment_at THEN c.last_segment_at  -- same: at one moment either will do
    END AS until
  FROM archive_status AS a
  -- join: a server without an identifier, or without a repository, is judged by its own words below
  JOIN database_instance AS d ON d.source = a.source AND d.instance = a.instance
  JOIN archive_chain AS c ON c.system_identifier = d.system_identifier  -- join: as above
),
judged AS (
  SELECT
    h.*,
    h.earliest <= h.observed_at - days($window_days) AND h.until >= h.observed_at - minutes($lag_minutes)
      AND h.until <= $as_of AND h.last_segment = h.newest_segment AS whole
  FROM held AS h
),
ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY source, instance ORDER BY whole DESC NULLS LAST, until DESC NULLS LAST, backup_set, repository) AS place,
    count(*) FILTER (WHERE whole IS NULL AND backups IS DISTINCT FROM 0) OVER (PARTITION BY source, instance) AS undecided,
    count(*) FILTER (WHERE backups IS DISTINCT FROM 0) OVER (PARTITION BY source, instance) AS with_backups
  FROM judged
)
SELECT
  concat(a.source, '/', a.instance) AS resource,
  [a.entry, r.instance_entry, r.chain_entry] AS entry,
  CASE
    WHEN a.enabled IS FALSE
      THEN fail('not_archiving', concat(a.instance, ' does not archive'))
    WHEN a.last_failed_at > coalesce(a.last_archived_at, a.last_failed_at - minutes(1))
      THEN fail('failing', concat(a.instance, ': archiving failed at ', strftime(a.last_failed_at, '%Y-%m-%d %H:%M'), ' UTC and has not succeeded since'))
    WHEN r.with_backups = 0
      THEN fail('no_backup', concat(a.instance, ': no repository holds a backup from which a restore could start'))
    WHEN r.undecided = 0 AND r.last_segment < r.newest_segment
      THEN fail('hole', concat(a.instance, ': segment ', r.first_missing, ' is missing in repository ', r.repository, ' of ', r.backup_set, ', and what follows it cannot be restored'))
    WHEN r.undecided = 0 AND r.earliest > a.observed_at - days($window_days)
      THEN fail('window_short', concat(a.instance, ': can be restored from ', strftime(r.earliest, '%Y-%m-%d %H:%M'), ' UTC only'))
    WHEN r.undecided = 0 AND r.until < a.observed_at - minutes($lag_minutes)
      THEN fail('lagging', concat(a.instance, ': can be restored up to ', strftime(r.until, '%Y-%m-%d %H:%M'), ' UTC only'))
    WHEN r.place IS NULL AND a.earliest_restore_at > $as_of - days($window_days)
      THEN fail('window_short', concat(a.instance, ': can be restored from ', strftime(a.earliest_restore_at, '%Y-%m-%d %H:%M'), ' UTC only'))
    WHEN r.place IS NULL AND a.latest_restore_at < $as_of - minutes($lag_minutes)
      THEN fail('lagging', concat(a.instance, ': can be restored up to ', strftime(a.latest_restore_at, '%Y-%m-%d %H:%M'), ' UTC only'))
    WHEN a.enabled IS TRUE AND r.whole
      THEN pass('restorable', concat(a.instance, ': can be restored from ', strftime(r.earliest, '%Y-%m-%d %H:%M'),
                ' to ', strftime(r.until, '%Y-%m-%d %H:%M'), ' UTC, from repository ', r.repository, ' of ', r.backup_set))
    -- null: no repository is known, so what the server says of itself counts
    WHEN r.place IS NULL AND a.enabled IS TRUE AND a.earliest_restore_at <= $as_of - days($window_days) AND a.latest_restore_at <= $as_of
      THEN pass('restorable', concat(a.instance, ': can be restored from ', strftime(a.earliest_restore_at, '%Y-%m-%d %H:%M'),
                ' to ', strftime(a.latest_restore_at, '%Y-%m-%d %H:%M'), ' UTC'))
    ELSE unknown('window_unknown', concat(a.instance, ': archiving or the restorable window was not readable'))
  END AS result
FROM archive_status AS a
LEFT JOIN ranked AS r ON r.source = a.source AND r.instance = a.instance AND r.place = 1
