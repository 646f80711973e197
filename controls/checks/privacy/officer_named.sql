-- Population: the functions a law asks for, and every full notice that people are shown now under those laws.
WITH asked AS (
  SELECT unnest($functions::VARCHAR[]) AS function
), register AS (
  SELECT
    coalesce(k.entry, v.entry) AS entry, -- same: any entry will do
    k.unnamed, v.notices
  FROM (
    SELECT
      min(a.entry) AS entry,  -- same: any entry will do
      count(*) FILTER (WHERE nullif(folded(a.function), '') IS NULL) AS unnamed
    FROM role_assignment AS a
  ) AS k
  LEFT JOIN (
    SELECT
      -- same: always one row, and any entry will do
      min(n.entry) AS entry,
      count(*) FILTER (WHERE n.is_current IS NOT FALSE AND n.regime IS DISTINCT FROM 'ferpa'
        AND (n.modality IN ('simplified', 'annual', 'directory')) IS NOT TRUE) AS notices
    FROM privacy_notice AS n
  ) AS v ON TRUE
), staff AS (
  SELECT
    folded(p.person) AS id, bool_or(p.status IN ('active', 'on_leave') AND (p.ends_at <= $as_of) IS NOT TRUE) AS is_here,
    bool_and((p.ends_at <= $as_of OR p.status = 'left') IS TRUE) AS has_left
  FROM person AS p
  GROUP BY folded(p.person)
), held AS (
  SELECT
    folded(a.function) AS function, count(*) AS assignments,
    -- same: any entry will do
    min(a.entry) AS entry,
    -- same: asked again below, and any day will do in the reason
    min(a.assigned_at) FILTER (WHERE (s.is_here IS TRUE OR (nullif(folded(a.person), '') IS NULL AND nullif(folded(a.department), '') IS NOT NULL))
                                 AND a.assigned_at <= $as_of) AS since,
    count(*) FILTER (WHERE s.has_left IS TRUE OR a.assigned_at > $as_of) AS idle
  FROM role_assignment AS a
  LEFT JOIN staff AS s ON s.id = folded(a.person)
  WHERE (a.ends_at <= $as_of) IS NOT TRUE
  GROUP BY folded(a.function)
), judged AS (
  SELECT
    CASE WHEN h.entry IS NULL THEN r.entry ELSE h.entry END AS entry, q.function AS resource, 'function' AS part, q.function AS what,
    h.assignments, h.idle, h.since, r.unnamed
  FROM asked AS q
  LEFT JOIN held AS h ON h.function = q.function
  -- same: always one row
  LEFT JOIN register AS r ON TRUE
  WHERE r.entry IS NOT NULL
  UNION ALL BY NAME
  SELECT
    n.entry, concat('notice ', n.notice_id, ' ', n.version, ' ', n.language) AS resource, 'notice' AS part, n.notice_id AS what, n.regime, n.is_current,
    n.modality, list_contains(n.elements, 'dpo_contact') AS has_contact
  FROM privacy_notice AS n
  UNION ALL BY NAME
  SELECT r.entry, 'notices' AS resource, 'no notice' AS part FROM register AS r WHERE r.entry IS NOT NULL AND r.notices = 0
)
SELECT
  j.resource,
  j.entry,
  CASE
    -- same: only functions have these values
    WHEN j.part = 'function' AND j.assignments IS NULL AND j.unnamed = 0
      THEN fail('nobody', concat('no assignment of ', j.what, ' is in force'))
    -- same: only functions have these values
    WHEN j.part = 'function' AND j.idle = j.assignments
      THEN fail('gone', concat(j.what, ' is assigned only to people who have left, or only later'))
    -- same: only functions have these values
    WHEN j.part = 'function' AND j.since <= $as_of
      THEN pass('named', concat(j.what, ' is assigned since ', strftime(j.since, '%Y-%m-%d')))
    WHEN j.part = 'no notice'
      THEN unknown('no_notice', 'no full notice that is shown now is recorded')
    WHEN j.is_current IS FALSE OR j.regime = 'ferpa' OR j.modality IN ('simplified', 'annual', 'directory')
      THEN not_applicable('not_asked', concat('notice ', j.what, ' is not shown now, or need not name the officer'))
    WHEN j.is_current IS TRUE AND j.regime IN ('gdpr', 'lfpdppp') AND j.modality = 'full' AND j.has_contact IS FALSE
      THEN fail('no_contact', concat('notice ', j.what, ' does not say how to reach the officer or department'))
    WHEN j.is_current IS TRUE AND j.regime IN ('gdpr', 'lfpdppp') AND j.has_contact IS TRUE
      THEN pass('contact_told', concat('notice ', j.what, ' says how to reach the officer or department'))
    ELSE unknown('not_told', concat(j.resource, ': function, person, start, or law, form, state and elements of the notice are not recorded'))
  END AS result
FROM judged AS j
