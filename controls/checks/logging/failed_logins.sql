-- Population: every log of refused sign-ins, and every source that keeps sign-ins and no such log. A probe that signs in wrongly each day proves that it is written; without
-- one an empty log and a log that nobody writes look the same.
WITH done AS (
  SELECT c.of_source AS source, max(c.started_at) AS upto
  FROM collection AS c
  WHERE c.of_kind = 'auth_event' AND c.outcome = 'complete'
  GROUP BY c.of_source
), tries AS (
  SELECT
    e.source, e.log, count(*) AS tries,
    -- same: any entry will do
    max(e.entry) AS entry,
    count(*) FILTER (WHERE e.source_ip > '') AS addressed
  FROM auth_event AS e
  JOIN done AS d ON d.source = e.source  -- join: where nothing was read to the end, no time counts
  WHERE e.account = $probe AND e.result = 'failure' AND e.occurred_at > d.upto - hours($hours) AND e.occurred_at <= $as_of
  GROUP BY e.source, e.log
), kept AS (
  SELECT l.source, l.log, l.entry, l.purpose, l.rows_waiting FROM audit_log AS l
  UNION ALL
  -- same: any entry will do
  SELECT l.source, 'refused sign-ins', max(l.entry), 'nowhere', NULL
  FROM audit_log AS l
  WHERE l.purpose IN ('signins', 'failures')
  GROUP BY l.source
  HAVING count(*) FILTER (WHERE l.purpose = 'failures') = 0
)
SELECT
  concat(l.source, '/', l.log) AS resource,
  [l.entry, t.entry] AS entry,
  CASE
    WHEN l.purpose IN ('actions', 'signins')
      THEN not_applicable('other', concat(l.log, ' is no log of refused sign-ins'))
    WHEN l.purpose = 'nowhere'
      THEN unknown('no_log', concat(l.source, ' keeps who signed in, and no log of refused sign-ins was found'))
    WHEN t.addressed = 0
      THEN fail('no_address', concat(l.log, ' has the probe, and not from where it came'))
    WHEN $probe <> '' AND l.purpose = 'failures' AND l.rows_waiting = 0 AND d.upto > $as_of - hours($hours) AND t.tries IS NULL  -- null: the left join found no try
      THEN fail('not_recorded', concat(l.log, ' has no refused sign-in of the probe within ', $hours, ' h'))
    WHEN $probe <> '' AND l.purpose = 'failures' AND t.tries IS NOT NULL
      THEN pass('recorded', concat(l.log, ' has the refused sign-in of the probe, and from where it came'))
    ELSE unknown('no_probe', concat(l.log, ': no probe is declared, or what it left was not readable'))
  END AS result
FROM kept AS l
LEFT JOIN done AS d ON d.source = l.source
LEFT JOIN tries AS t ON t.source = l.source AND t.log = l.log
