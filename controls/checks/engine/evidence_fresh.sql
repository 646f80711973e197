-- Population: every kind that every enabled source promises, from the recorded configuration, left-joined to attempts.
WITH promised AS (
  SELECT s.entry, s.name, unnest(CASE WHEN len(s.kinds) > 0 THEN s.kinds ELSE [NULL] END) AS of_kind FROM source AS s WHERE s.enabled IS NOT FALSE
),
tried AS (
  SELECT
    c.of_source,
    c.of_kind,
    max(c.started_at) FILTER (WHERE c.outcome = 'complete') AS completed_at,
    -- same: any entry will do
    max(c.entry) AS entry,
    -- how the newest attempt ended
    arg_max(c.outcome, c.entry) AS last_outcome
  FROM collection AS c
  GROUP BY c.of_source, c.of_kind
)
SELECT
  concat(p.name, ' ', coalesce(p.of_kind, '(no kind)')) AS resource,
  [p.entry, t.entry] AS entry,
  CASE
    WHEN p.of_kind IS NULL
      THEN unknown('unclear', concat(p.name, ': which kinds its collector promises is not recorded'))
    WHEN t.completed_at IS NULL
      THEN fail('never_read', concat(p.name, ' never gave a complete answer for ', p.of_kind, '; newest attempt: ',
                -- same: words of the reason
                coalesce(t.last_outcome, 'none')))
    WHEN t.completed_at < $as_of - to_hours($hours::INTEGER)
      THEN fail('too_old', concat(p.name, ' ', p.of_kind, ' was last completely read at ', strftime(t.completed_at, '%Y-%m-%d %H:%M'), ' UTC, more than ', $hours, ' h ago'))
    WHEN t.last_outcome <> 'complete'
      THEN unknown('last_failed', concat(p.name, ' ', p.of_kind, ': the newest attempt ended with ', t.last_outcome))
    WHEN t.completed_at <= $as_of
      THEN pass('read', concat(p.name, ' ', p.of_kind, ' was completely read at ', strftime(t.completed_at, '%Y-%m-%d %H:%M'), ' UTC'))
    ELSE unknown('unclear', concat(p.name, ' ', p.of_kind, ': the time of the last collection is not recorded'))
  END AS result
FROM promised AS p
LEFT JOIN tried AS t ON t.of_source = p.name AND t.of_kind = p.of_kind
