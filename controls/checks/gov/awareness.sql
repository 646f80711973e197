-- Population: everybody who works here now. A person in two registers counts once in each.
WITH wanted AS (
  SELECT p.source, p.person, unnest($courses::VARCHAR[]) AS course FROM person AS p
  UNION ALL
  SELECT p.source, p.person, 'secure_coding' FROM person AS p WHERE p.is_developer IS NOT FALSE
), taken AS (
  SELECT
    folded(t.person) AS id, folded(t.course) AS course, min(t.completed_at) AS first_at, max(t.completed_at) AS last_at,
    -- same: any entry will do
    min(t.entry) AS entry
  FROM training_record AS t
  WHERE t.passed IS TRUE AND t.completed_at <= $as_of
  GROUP BY folded(t.person), folded(t.course)
), loose AS (
  SELECT
    count(*) FILTER (
      WHERE nullif(folded(t.person), '') IS NULL OR nullif(folded(t.course), '') IS NULL OR t.completed_at IS NULL OR t.passed IS NULL
    ) AS records
  FROM training_record AS t
), progress AS (
  SELECT
    w.source, w.person, count(t.entry) AS courses, count(*) AS due, min(t.last_at) AS oldest_at, max(t.first_at) AS joined_at,
    -- same: any entry will do, and the course stands in the reason only
    min(t.entry) AS entry, min(w.course) FILTER (WHERE t.entry IS NULL OR t.last_at < $as_of - days($max_days)) AS lacks
  FROM wanted AS w
  LEFT JOIN taken AS t ON t.id = folded(w.person) AND t.course = folded(w.course)
  GROUP BY w.source, w.person
), accepted AS (
  SELECT
    folded(c.person) AS id, max(c.signed_at) AS signed_at,
    -- same: any entry will do
    min(c.entry) AS entry
  FROM person_commitment AS c
  WHERE c.commitment_kind = 'policy_acknowledgement' AND c.signed_at <= $as_of
  GROUP BY folded(c.person)
), unsigned AS (
  SELECT count(*) FILTER (WHERE nullif(folded(c.person), '') IS NULL OR c.commitment_kind IS NULL OR c.signed_at IS NULL) AS records
  FROM person_commitment AS c
)
SELECT
  p.person AS resource,
  [p.entry, g.entry, a.entry] AS entry,
  CASE
    WHEN (p.status = 'left' AND p.ends_at IS NULL) OR (p.status = 'expected' AND p.starts_at IS NULL)
         OR p.ends_at <= $as_of OR p.starts_at > $as_of
      THEN not_applicable('not_here', concat(p.person, ' does not work here now'))
    WHEN p.status IN ('active', 'on_leave') AND p.starts_at >= $as_of - days($join_days) AND (g.courses < g.due OR a.id IS NULL)
      THEN not_applicable('new', concat(p.person, ' began on ', strftime(p.starts_at, '%Y-%m-%d'), ' and may take until ', $join_days, ' days after'))
    WHEN p.status IN ('active', 'on_leave') AND p.is_developer IS NOT NULL AND g.courses < g.due AND l.records = 0
      THEN fail('not_trained', concat(p.person, ' has not completed ', g.lacks))
    WHEN p.status IN ('active', 'on_leave') AND p.is_developer IS NOT NULL AND g.oldest_at < $as_of - days($max_days) AND l.records = 0
      THEN fail('training_old', concat(p.person, ' last completed ', g.lacks, ' on ', strftime(g.oldest_at, '%Y-%m-%d')))
    WHEN p.status IN ('active', 'on_leave') AND p.starts_at >= $period_start AND p.is_developer IS NOT NULL
         AND g.joined_at > p.starts_at + days($join_days) AND l.records = 0
      THEN fail('trained_late', concat(p.person, ' began on ', strftime(p.starts_at, '%Y-%m-%d'), ' and completed the courses only on ', strftime(g.joined_at, '%Y-%m-%d')))
    WHEN p.status IN ('active', 'on_leave') AND u.records = 0 AND (a.id IS NULL OR a.signed_at < $as_of - days($max_days))
      THEN fail('not_accepted', concat(p.person, ' has not accepted the policies within ', $max_days, ' days'))
    WHEN p.status IN ('active', 'on_leave') AND p.is_developer IS NOT NULL AND g.courses = g.due
         AND g.oldest_at >= $as_of - days($max_days) AND a.signed_at >= $as_of - days($max_days)
         AND (p.starts_at < $period_start OR g.joined_at <= p.starts_at + days($join_days))
      THEN pass('trained', concat(p.person, ' completed ', g.due, ' course(s), the oldest on ', strftime(g.oldest_at, '%Y-%m-%d')))
    ELSE unknown('not_told', concat(p.person, ': status, start, whether it is a developer, or records without person, course, date or result'))
  END AS result
FROM person AS p
LEFT JOIN progress AS g ON g.source = p.source AND g.person = p.person
LEFT JOIN accepted AS a ON a.id = folded(p.person)
-- same: always one row
LEFT JOIN loose AS l ON TRUE
-- same: always one row
LEFT JOIN unsigned AS u ON TRUE
