-- Population: each script of each payment page, and each page itself, whether the list of scripts or the monitor names it.
WITH page AS (
  SELECT
    x.page, count(x.script_entry) AS scripts,
    -- same: any entry will do
    coalesce(max(x.monitor_entry), max(x.script_entry)) AS entry
  FROM (
    SELECT m.page, m.entry AS monitor_entry, NULL AS script_entry FROM page_monitor AS m
    UNION ALL
    SELECT s.page, NULL, s.entry FROM payment_script AS s
  ) AS x
  GROUP BY x.page
), watch AS (
  SELECT
    m.page, count(*) AS n, max(m.last_check_at) FILTER (WHERE m.last_check_at <= $as_of) AS checked_at,
    max(m.unauthorised_changes) AS changes, count(m.unauthorised_changes) AS counted,
    count(*) FILTER (WHERE m.alerts_routed IS TRUE) AS routed, count(*) FILTER (WHERE m.alerts_routed IS FALSE) AS unrouted,
    count(m.last_check_at) AS dated
  FROM page_monitor AS m
  GROUP BY m.page
), thing AS (
  SELECT p.page AS resource, p.entry, p.page, 'page' AS part, p.scripts, NULL AS integrity, NULL AS allowed_at, NULL AS complete, NULL AS seen_at
  FROM page AS p
  UNION ALL
  SELECT concat(s.source, '/', s.page, ' ', s.script), s.entry, s.page, 'script', NULL, s.integrity_checked, s.authorised_at,
    trim(s.authorised_by) <> '' AND trim(s.justification) <> '', s.last_seen_at
  FROM payment_script AS s
)
SELECT
  t.resource,
  t.entry,
  CASE
    WHEN t.part = 'page' AND w.changes > 0
      THEN fail('tampered', concat(t.page, ': ', w.changes, ' change(s) that nobody allowed are open'))
    WHEN t.part = 'page' AND w.n IS NULL
      THEN fail('not_watched', concat(t.page, ' loads scripts and no monitor watches it'))
    WHEN t.part = 'page' AND w.unrouted > 0
      THEN fail('alerts_lost', concat(t.page, ': alerts of its monitor reach nobody who responds'))
    WHEN t.part = 'page' AND w.dated = w.n AND w.checked_at <= $as_of - days($days)
      THEN fail('check_old', concat(t.page, ' was last checked on ', strftime(w.checked_at, '%Y-%m-%d')))
    WHEN t.seen_at <= $as_of - days($days) AND w.checked_at > $as_of - days($days)
      THEN not_applicable('gone', concat(t.resource, ' was last seen on ', strftime(t.seen_at, '%Y-%m-%d')))
    WHEN t.integrity IS FALSE
      THEN fail('integrity_open', concat(t.resource, ': a change of it would not be noticed'))
    WHEN t.scripts > 0 AND w.checked_at <= $as_of AND w.dated = w.n AND w.counted = w.n AND w.routed = w.n
      THEN pass('watched', concat(t.page, ' was checked on ', strftime(w.checked_at, '%Y-%m-%d'), ' and nothing was changed without leave'))
    WHEN t.integrity IS TRUE AND t.complete IS TRUE AND t.allowed_at <= $as_of AND t.seen_at <= $as_of
      THEN pass('allowed', concat(t.resource, ' was allowed on ', strftime(t.allowed_at, '%Y-%m-%d'), ' and is checked'))
    ELSE unknown('not_filled', concat(t.resource, ': who allowed it, why, when it was checked, or which scripts it loads is not filled in'))
  END AS result
FROM thing AS t
LEFT JOIN watch AS w ON w.page = t.page
