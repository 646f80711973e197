-- Population: every log that is there, and every log of which something was noticed. One reading proves nothing: only the
-- next one can miss a row.
WITH noticed AS (
  SELECT
    -- same: one of the readings stands for all
    a.source, a.log, max(a.entry) AS entry, sum(a.rows_missing) AS missing, sum(a.rows_rewritten) AS rewritten,
    count(*) FILTER (WHERE a.log_exists IS FALSE) AS gone, count(*) AS found,
    -- same: a date in words
    max(a.occurred_at) AS last_at
  FROM log_alteration AS a
  WHERE a.occurred_at > $as_of - days($days)
  GROUP BY a.source, a.log
), readings AS (
  SELECT c.of_source AS source, count(*) AS done
  FROM collection AS c
  WHERE c.of_kind = 'log_alteration' AND c.outcome = 'complete'
  GROUP BY c.of_source
), trail AS (
  SELECT l.source, l.log, l.entry, l.seen_before FROM audit_log AS l
  UNION ALL
  SELECT n.source, n.log, n.entry, NULL
  FROM noticed AS n
  LEFT JOIN audit_log AS l ON l.source = n.source AND l.log = n.log
  WHERE l.log IS NULL
)
SELECT
  concat(t.source, '/', t.log) AS resource,
  [t.entry, n.entry] AS entry,
  CASE
    WHEN n.gone > 0
      THEN fail('log_gone', concat(t.log, ' was there and is gone'))
    WHEN n.missing > 0
      THEN fail('rows_missing', concat(t.log, ': at least ', n.missing, ' row(s) that were read are gone; last noticed on ',
                strftime(n.last_at, '%Y-%m-%d %H:%M'), ' UTC'))
    -- same: counted only where there is one
    WHEN n.found > 0
      THEN unknown('rewritten', concat(t.log, ': ', n.rewritten, ' row(s) were written again or went; what changed was not readable'))
    -- null: the left join found nothing that was noticed -- same: asked above
    WHEN r.done > 1 AND t.seen_before IS TRUE AND n.found IS NULL
      THEN pass('intact', concat(t.log, ': every row that was read is still there'))
    ELSE unknown('read_once', concat(t.log, ' was read once or is left out; only the next reading can miss a row'))
  END AS result
FROM trail AS t
LEFT JOIN noticed AS n ON n.source = t.source AND n.log = t.log
LEFT JOIN readings AS r ON r.source = t.source
