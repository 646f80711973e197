-- Population: every repository, left-joined to the commits of the window on its default branch.
WITH changed AS (
  SELECT
    c.source,
    c.repository,
    -- same: any entry will do
    min_by(c.entry, c.reviewed_by_other IS TRUE) AS entry,
    -- what was changed, and by how many eyes
    count(*) AS commits,
    count(*) FILTER (WHERE c.reviewed_by_other IS FALSE) AS unreviewed,
    count(*) FILTER (WHERE c.reviewed_by_other IS TRUE) AS reviewed,
    -- same: an example in words
    min_by(left(c."commit", 12), c.occurred_at) FILTER (WHERE c.reviewed_by_other IS FALSE) AS example
  FROM "commit" AS c
  -- the committer's clock names the time: a commit dated to the future is here all the same
  WHERE (c.occurred_at <= $as_of - to_days($window_days::INTEGER)) IS NOT TRUE
    AND (c.occurred_at <= $as_of OR c.collected_at <= $as_of) IS NOT FALSE
  GROUP BY c.source, c.repository
)
SELECT
  concat(r.source, '/', r.repository) AS resource,
  [r.entry, n.entry] AS entry,
  CASE
    WHEN r.protected IS TRUE AND r.required_reviews >= 1 AND r.admins_bypass IS FALSE
      THEN pass('enforced', concat(r.repository, ': the host demands ', r.required_reviews, ' approval(s), without bypass'))
    WHEN n.unreviewed > 0 AND (r.protected IS FALSE OR r.required_reviews = 0 OR r.admins_bypass IS TRUE)
      THEN fail('unreviewed', concat(r.repository, ': ', n.unreviewed, ' of ', n.commits, ' commits in ', $window_days,
                ' days without another person''s approval, for instance ', n.example))
    WHEN r.is_shallow IS NOT FALSE
      THEN unknown('history_cut', concat(r.repository, ': the clone does not hold the whole history'))
    WHEN n.commits IS NULL
      THEN not_applicable('no_changes', concat(r.repository, ': no commit in ', $window_days, ' days'))
    WHEN n.reviewed = n.commits
      THEN pass('reviewed', concat(r.repository, ': all ', n.commits, ' commits in ', $window_days, ' days name another reviewer'))
    ELSE unknown('approval_unknown', concat(r.repository, ': ', n.commits - n.reviewed, ' of ', n.commits, ' commits in ', $window_days,
                 ' days show no reviewer, and the host''s approvals were not read'))
  END AS result
FROM repository AS r
LEFT JOIN changed AS n ON n.source = r.source AND n.repository = r.repository
