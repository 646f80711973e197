-- Population: windows planned for the period, and incidents of the gravest severity; of each, the first notice to customers.
WITH told AS (
  SELECT
    n."window", n.incident, max(n.entry) AS entry,
    min(n.sent_at) FILTER (WHERE n.audience = 'customers') AS first_at,
    count(*) FILTER (WHERE n.audience IS NULL OR (n.audience = 'customers' AND n.sent_at IS NULL)) AS untold
  FROM downtime_notice AS n
  GROUP BY n."window", n.incident
), by_window AS (
  SELECT t."window", max(t.entry) AS entry, min(t.first_at) AS first_at, sum(t.untold) AS untold FROM told AS t WHERE t."window" IS NOT NULL GROUP BY t."window"
), by_incident AS (
  SELECT t.incident, max(t.entry) AS entry, min(t.first_at) AS first_at, sum(t.untold) AS untold FROM told AS t WHERE t.incident IS NOT NULL GROUP BY t.incident
), downtime AS (
  SELECT
    concat(w.source, '/', w."window") AS resource, [w.entry, n.entry] AS entry, w."window" AS label, 'planned' AS part,
    w.customer_impact AS concerns, w.status = 'cancelled' AS void, w.planned_start AS from_at,
    w.planned_start - hours($planned_hours) AS due_at, n.first_at, coalesce(n.untold, 0) AS untold
  FROM maintenance_window AS w
  LEFT JOIN by_window AS n ON n."window" = w."window"
  WHERE (w.planned_start < $period_start) IS NOT TRUE
  UNION ALL
  SELECT
    concat(i.source, '/', i.incident), [i.entry, n.entry], i.incident, 'unplanned',
    i.customer_outage AND i.severity = 'sev1', i.status = 'false_alarm', i.detected_at,
    i.detected_at + minutes($outage_minutes), n.first_at, coalesce(n.untold, 0)
  FROM incident AS i
  LEFT JOIN by_incident AS n ON n.incident = i.incident
  WHERE (i.detected_at < $period_start) IS NOT TRUE
)
SELECT
  concat(d.part, '/', d.resource) AS resource,
  d.entry,
  CASE
    WHEN d.void IS TRUE
      THEN not_applicable('void', concat(d.label, ' was not held, or was nothing'))
    WHEN d.concerns IS FALSE
      THEN not_applicable('no_downtime', concat(d.label, ' takes no service from customers, or is not of severity 1'))
    WHEN d.concerns IS TRUE AND d.first_at > d.due_at AND d.untold = 0
      THEN fail('late', concat(d.label, ': customers were to be told by ', strftime(d.due_at, '%Y-%m-%d %H:%M'), ' and were at ', strftime(d.first_at, '%Y-%m-%d %H:%M')))
    WHEN d.concerns IS TRUE AND d.first_at IS NULL AND d.untold = 0 AND d.due_at < $as_of
      THEN fail('not_told', concat(d.label, ': customers were to be told by ', strftime(d.due_at, '%Y-%m-%d %H:%M'), ' and no notice is recorded'))
    WHEN d.concerns IS TRUE AND d.first_at <= d.due_at AND d.first_at <= $as_of AND (d.part = 'planned' OR d.first_at >= d.from_at)
         AND d.void IS FALSE
      THEN pass('told', concat(d.label, ': customers were told at ', strftime(d.first_at, '%Y-%m-%d %H:%M'), ', due ', strftime(d.due_at, '%Y-%m-%d %H:%M')))
    WHEN d.concerns IS TRUE AND d.first_at IS NULL AND d.due_at >= $as_of AND (d.part = 'planned' OR d.from_at <= $as_of)
      THEN not_applicable('not_due', concat(d.label, ': customers are to be told by ', strftime(d.due_at, '%Y-%m-%d %H:%M')))
    ELSE unknown('not_filled', concat(d.label, ': its effect on customers, severity, status, a time or a notice is not filled in or out of order'))
  END AS result
FROM downtime AS d
