-- Population: each function that must be somebody's. It is, when one assignment in force names a person who works here.
WITH required AS (
  SELECT unnest($functions::VARCHAR[]) AS function
), register AS (
  SELECT min(a.entry) AS entry, count(*) FILTER (WHERE nullif(folded(a.function), '') IS NULL) AS unnamed FROM role_assignment AS a
), staff AS (
  SELECT
    folded(p.person) AS id, min(p.entry) AS entry,
    bool_or(p.status IN ('active', 'on_leave') AND (p.ends_at <= $as_of) IS NOT TRUE) AS is_here,
    bool_and((p.ends_at <= $as_of OR p.status = 'left') IS TRUE) AS has_left
  FROM person AS p
  GROUP BY folded(p.person)
), held AS (
  SELECT
    folded(a.function) AS function, min(a.entry) AS entry, count(*) AS assignments,
    min(a.person) FILTER (WHERE s.is_here IS TRUE AND a.assigned_at <= $as_of) AS person,
    min(s.entry) FILTER (WHERE s.is_here IS TRUE AND a.assigned_at <= $as_of) AS person_entry,
    count(*) FILTER (WHERE s.has_left IS TRUE OR a.assigned_at > $as_of) AS idle
  FROM role_assignment AS a
  LEFT JOIN staff AS s ON s.id = folded(a.person)
  WHERE (a.ends_at <= $as_of) IS NOT TRUE
  GROUP BY folded(a.function)
)
SELECT
  q.function AS resource,
  CASE WHEN h.entry IS NULL THEN [r.entry] ELSE [h.entry, h.person_entry] END AS entry,
  CASE
    WHEN h.entry IS NULL AND r.unnamed = 0
      THEN fail('nobody', concat('no assignment of ', q.function, ' is in force'))
    WHEN h.idle = h.assignments
      THEN fail('gone', concat(q.function, ' is assigned only to people who have left, or only later'))
    WHEN h.person <> ''
      THEN pass('assigned', concat(q.function, ' is ', h.person, '''s'))
    ELSE unknown('not_told', concat(q.function, ': function, person, start, or whether the person works here is not recorded'))
  END AS result
FROM required AS q
LEFT JOIN held AS h ON h.function = q.function
LEFT JOIN register AS r ON TRUE
WHERE r.entry IS NOT NULL
