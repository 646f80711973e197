-- Population: the persons on the rota. A record of training without person may be anybody's.
WITH known AS (
  SELECT
    t.*,
    folded(t.course) = 'incident_response' AND t.passed AND t.completed_at > $as_of - days($max_days) AND t.completed_at <= $as_of AS good
  FROM training_record AS t
), learned AS (
  SELECT
    folded(k.person) AS person,
    -- same: any entry will do, and the times stand in the reason only
    coalesce(max_by(k.entry, k.completed_at) FILTER (WHERE k.good IS TRUE), max(k.entry)) AS entry,
    max(k.completed_at) FILTER (WHERE k.good IS TRUE) AS good_at, -- same: which of them stands in the reason only
    -- same: stands in the reason only
    strftime(max(k.completed_at) FILTER (WHERE folded(k.course) = 'incident_response' AND k.completed_at <= $as_of), '%Y-%m-%d') AS last_day,
    count(*) FILTER (WHERE k.good IS NULL) AS untold
  FROM known AS k
  WHERE folded(k.person) > ''
  GROUP BY folded(k.person)
), nameless AS (
  SELECT count(*) AS n FROM known AS k WHERE (folded(k.person) <> '') IS NOT TRUE AND k.good IS NOT FALSE
)
SELECT
  concat(r.source, '/', r.person) AS resource,
  [r.entry, l.entry] AS entry,
  CASE
    WHEN r.until <= $as_of
      THEN not_applicable('left', concat(r.person, ' left the rota on ', strftime(r.until, '%Y-%m-%d')))
    WHEN r.since < $as_of - days($join_days) AND l.good_at IS NULL AND coalesce(l.untold, 0) = 0 AND n.n = 0
      THEN fail('not_trained', concat(r.person, ' is on the rota since ', strftime(r.since, '%Y-%m-%d'), '; last trained on incidents on ',
                -- same: words of the reason
                coalesce(l.last_day, 'no day')))
    WHEN l.good_at IS NOT NULL
      THEN pass('trained', concat(r.person, ' was trained on incidents on ', strftime(l.good_at, '%Y-%m-%d')))
    WHEN r.since >= $as_of - days($join_days)
      THEN not_applicable('joining', concat(r.person, ' joins the rota on ', strftime(r.since, '%Y-%m-%d'), ' and has ', $join_days, ' days to be trained'))
    ELSE unknown('not_filled', concat(r.person, ': since when on the rota, or person, course, date or result of a training is not filled in'))
  END AS result
FROM responder AS r
LEFT JOIN learned AS l ON l.person = folded(r.person)
LEFT JOIN nameless AS n ON true -- same: always one row
