-- Population: the targets of each metrics server together, and every critical service of the register with each category
-- of alert. A target whose answers were not counted may have given all of them. That a service lacks a rule is proven only
-- where every rule that was read lately says of which service and category it is.
WITH targets AS (
  SELECT
    t.source, count(*) AS n, count(t.up_permille_24h) AS told, sum(t.up_permille_24h) AS up,
    sum(coalesce(t.up_permille_24h, 1000)) AS up_at_most,
    -- same: any entry will do, and the worst stands in the reason only
    min(t.entry) AS entry, arg_min(concat(t.job, ' ', t.instance), t.up_permille_24h) AS worst
  FROM scrape_target AS t
  GROUP BY t.source
), rule AS (
  SELECT
    r.service, r.category, r.entry,
    r.enabled IS TRUE AND r.healthy IS TRUE AND r.routed IS TRUE AND r.silenced IS FALSE AS good,
    r.enabled IS FALSE OR r.healthy IS FALSE OR r.routed IS FALSE OR r.silenced IS TRUE AS bad
  FROM alert_rule AS r
), all_rules AS (
  SELECT count(*) AS n, count(*) FILTER (WHERE (r.service = '') IS FALSE AND r.category IS NOT NULL) AS told, min(r.collected_at) AS read_at
  FROM alert_rule AS r
), watched AS (
  SELECT
    s.source, s.service, s.environment, s.is_critical, c.category, count(r.entry) AS rules,
    count(*) FILTER (WHERE r.good IS TRUE) AS good, count(*) FILTER (WHERE r.bad IS TRUE) AS bad,
    -- same: any entry will do
    min(s.entry) AS entry, max(r.entry) AS rule_entry
  FROM service AS s
  -- join: each service with each category, none is dropped
  CROSS JOIN (SELECT unnest($categories) AS category) AS c
  LEFT JOIN rule AS r ON r.category = c.category AND r.service IN (s.service, '*')
  GROUP BY s.source, s.service, s.environment, s.is_critical, c.category
), judged AS (
  SELECT
    concat(t.source, '/targets') AS resource, [t.entry] AS entry, t.source AS name, t.n, t.told, t.up, t.up_at_most, t.worst,
    NULL AS environment, NULL AS is_critical, NULL AS category, NULL AS rules, NULL AS good, NULL AS bad
  FROM targets AS t
  UNION ALL
  SELECT
    concat(w.source, '/', w.service, ' ', w.category), [w.entry, w.rule_entry], w.service, NULL, NULL, NULL, NULL, NULL,
    w.environment, w.is_critical, w.category, w.rules, w.good, w.bad
  FROM watched AS w
), register AS (
  SELECT count(*) AS services FROM service AS s
)
SELECT
  j.resource,
  j.entry,
  CASE
    WHEN list_contains($not_production, lower(j.environment))
      THEN not_applicable('not_production', concat(j.name, ' is declared to be ', j.environment))
    WHEN j.is_critical IS FALSE
      THEN not_applicable('not_critical', concat(j.name, ' is declared not to be critical'))
    WHEN j.up_at_most < j.n * $up_permille
      THEN fail('unreached', concat(j.name, ': of the questions of a day to ', j.n, ' targets at most ', j.up_at_most // j.n,
                ' in 1000 were answered, the worst ', j.worst))
    WHEN j.rules > 0 AND j.bad = j.rules
      THEN fail('no_working_rule', concat(j.name, ': every one of ', j.rules, ' ', j.category, ' rules is off, broken, silenced or reaches nobody'))
    WHEN j.rules = 0 AND a.told = a.n AND a.read_at >= $as_of - minutes($read_minutes)
      THEN fail('no_rule', concat(j.name, ': none of the ', a.n, ' rules that were read is about its ', j.category))
    WHEN j.told = j.n AND g.services > 0
      THEN pass('reached', concat(j.name, ': of the questions of a day to ', j.n, ' targets ', j.up // j.n, ' in 1000 were answered'))
    WHEN j.good > 0
      THEN pass('watched', concat(j.name, ': ', j.good, ' ', j.category, ' rules that reach somebody'))
    WHEN j.told = j.n
      THEN unknown('no_services', concat(j.name, ' reaches its targets, but the register of services is empty: no critical service is judged'))
    ELSE unknown('not_readable', concat(j.name, ': answers of a day, or state and route of ', j.category, ' rules, were not readable'))
  END AS result
FROM judged AS j
-- same: always one row
LEFT JOIN all_rules AS a ON TRUE
-- same: always one row
LEFT JOIN register AS g ON TRUE
