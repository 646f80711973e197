-- Population: every application server read, left-joined to the readings of its process table in the window.
WITH seen AS (
  SELECT
    s.source, s.component, s.instance,
    -- same: any entry will do
    max(s.entry) AS entry,
    count(*) AS readings,
    count(*) FILTER (WHERE s.workers = $workers) AS complete,
    sum(s.workers_as_root) AS as_root,
    count(s.replaced) AS compared,
    count(*) FILTER (WHERE s.replaced > 0) AS changed,
    count(*) FILTER (
      WHERE s.workers IS NULL OR s.workers_as_root IS NULL OR (s.replaced IS NULL) IS DISTINCT FROM (s.interval_ms IS NULL)
    ) AS unread,
    count(DISTINCT date_trunc('hour', s.occurred_at)) AS hours_seen
  FROM worker_sample AS s
  WHERE s.occurred_at > $as_of - hours($window_hours) AND s.occurred_at <= $as_of -- null: always given
  GROUP BY s.source, s.component, s.instance
), judged AS (
  SELECT
    p.*, s.* EXCLUDE (source, component, instance, entry), s.entry AS seen_entry,
    -- with every number read, what fails below is known to hold where it does not fail
    p.running IS TRUE AND p.workers_as_root IS FALSE AND p.workers_configured = $workers AND s.unread = 0 AS known
  FROM worker_pool AS p
  LEFT JOIN seen AS s ON s.source = p.source AND s.component = p.component AND s.instance = p.instance
)
SELECT
  concat(p.source, '/', p.instance) AS resource,
  [p.entry, p.seen_entry] AS entry,
  CASE
    WHEN p.running IS FALSE
      THEN fail('stopped', concat(p.instance, ': ', p.component, ' is not running'))
    WHEN p.workers_as_root IS TRUE OR p.as_root > 0
      THEN fail('as_root', concat(p.instance, ': workers run with the rights of root'))
    WHEN p.workers_configured <> $workers
      THEN fail('other_number', concat(p.instance, ' is told to keep ', p.workers_configured, ' worker(s), not ', $workers))
    WHEN p.complete * 100 < p.readings * $percent
      THEN fail('not_all_running', concat(p.instance, ': ', $workers, ' workers ran in ', p.complete, ' of ', p.readings, ' readings'))
    WHEN p.changed * 100 > p.compared * $replaced_percent
      THEN fail('flapping', concat(p.instance, ': from one reading to the next, workers were new in ', p.changed, ' of ', p.compared))
    WHEN p.known IS TRUE AND p.hours_seen >= $hours_seen
      THEN pass('all_running', concat(p.instance, ': ', $workers, ' workers ran in ', p.complete, ' of ', p.readings, ' readings of ', p.hours_seen, ' different hours'))
    WHEN p.known IS TRUE AND p.workers_running = $workers AND p.youngest_worker_at <= $as_of - hours($window_hours)
      THEN pass('all_running', concat(p.instance, ': the same ', $workers, ' workers run since before ', strftime(p.youngest_worker_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN p.known IS TRUE
      THEN unknown('too_young', concat(p.instance, ': ', p.readings, ' readings of ', p.hours_seen, ' different hours say nothing about ', $window_hours, ' hours'))
    WHEN p.config_changed IS TRUE
      THEN unknown('changed', concat(p.instance, ': its configuration file changed after it started; which settings it holds is not known'))
    ELSE unknown('not_readable', concat(p.instance, ': the configured number, the rights or the readings of its workers were not readable'))
  END AS result
FROM judged AS p
