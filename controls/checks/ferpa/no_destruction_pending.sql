-- Population: destructions of education records in the period, or of which that is not told. A request is over when it
-- was carried out, or answered where nothing was to be shown; one that cannot be placed keeps a destruction from a pass.
WITH asked AS (
  SELECT
    r.*, CASE WHEN r.outcome IN ('granted', 'partly_granted') THEN r.executed_at
              WHEN r.outcome IN ('refused', 'no_data_held', 'withdrawn', 'not_completed') AND r.status = 'closed' THEN r.answered_at END AS over_at
  FROM data_request AS r
  WHERE (r.regime IN ('gdpr', 'arco', 'other')) IS NOT TRUE AND (r.right_kind IN ('inspect', 'access')) IS NOT FALSE
), pending AS (
  SELECT
    x.source, x.destruction_id, max(a.entry) AS entry, count(a.entry) AS possible,
    count(a.entry) FILTER (WHERE a.regime = 'ferpa' AND a.right_kind IN ('inspect', 'access') AND a.person = x.student_ref AND a.received_at <= x.destroyed_at
                           AND (a.over_at > x.destroyed_at OR (a.status = 'open' AND a.executed_at IS NULL))) AS open
  FROM destruction_event AS x
  LEFT JOIN asked AS a
    ON (a.person = x.student_ref OR a.person IS NULL) AND (a.received_at > x.destroyed_at) IS NOT TRUE AND (a.over_at <= x.destroyed_at) IS NOT TRUE
  GROUP BY x.source, x.destruction_id
)
SELECT
  x.destruction_id AS resource,
  [x.entry, p.entry] AS entry,
  CASE
    WHEN x.is_education_record IS TRUE AND p.open > 0
      THEN fail('request_open', concat('destruction ', x.destruction_id, ' of ', strftime(x.destroyed_at, '%Y-%m-%d'), ': ', p.open, ' request(s) of that student were open'))
    WHEN p.possible > 0
      THEN unknown('request_unclear', concat('destruction ', x.destruction_id, ': ', p.possible, ' request(s) lack person, law, right, or dates'))
    WHEN x.is_education_record IS TRUE AND x.student_ref <> '' AND x.destroyed_at <= $as_of AND p.possible = 0
      THEN pass('none_open', concat('destruction ', x.destruction_id, ' of ', strftime(x.destroyed_at, '%Y-%m-%d'), ': no request of that student was open'))
    ELSE unknown('not_filled', concat('destruction ', x.destruction_id, ': student, date or kind of record is not filled in'))
  END AS result
FROM destruction_event AS x
LEFT JOIN pending AS p ON p.source = x.source AND p.destruction_id = x.destruction_id
WHERE x.is_education_record IS NOT FALSE AND (x.destroyed_at < $period_start) IS NOT TRUE
