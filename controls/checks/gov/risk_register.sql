-- Population: every risk. Closed ones exist no more; of the others each needs an owner, a recent look, and what is done.
WITH judged AS (
  SELECT
    r.*,
    CASE WHEN r.extension_approved_at < date_trunc('day', r.due_at) + days(1) AND r.extension_approved_by <> '' AND r.extended_to > r.due_at
         THEN r.extended_to ELSE r.due_at END AS due
  FROM risk AS r
)
SELECT
  j.risk AS resource,
  j.entry,
  CASE
    WHEN j.status = 'closed'
      THEN not_applicable('closed', concat(j.risk, ' exists no more'))
    WHEN j.reviewed_at < $as_of - days($max_days)
      THEN fail('review_old', concat(j.risk, ' was last assessed on ', strftime(j.reviewed_at, '%Y-%m-%d')))
    WHEN j.status = 'open' AND j.due < date_trunc('day', $as_of)
      THEN fail('overdue', concat('the treatment of ', j.risk, ' was due on ', strftime(j.due, '%Y-%m-%d')))
    WHEN j.status = 'accepted' AND j.accepted_at > $as_of
      THEN fail('not_accepted', concat(j.risk, ' is accepted only on ', strftime(j.accepted_at, '%Y-%m-%d')))
    WHEN j.status = 'open' AND j.reviewed_at <= $as_of AND j.owner <> '' AND j.treatment IS NOT NULL AND j.plan <> '' AND j.due IS NOT NULL
      THEN pass('planned', concat(j.risk, ': ', j.treatment, ' by ', strftime(j.due, '%Y-%m-%d')))
    WHEN j.status = 'treated' AND j.reviewed_at <= $as_of AND j.owner <> '' AND j.treatment IS NOT NULL
      THEN pass('treated', concat(j.risk, ' is treated; assessed on ', strftime(j.reviewed_at, '%Y-%m-%d')))
    WHEN j.status = 'accepted' AND j.reviewed_at <= $as_of AND j.owner <> '' AND j.accepted_by <> '' AND j.accepted_at <= $as_of
      THEN pass('accepted', concat(j.risk, ' was accepted on ', strftime(j.accepted_at, '%Y-%m-%d'), '; assessed on ', strftime(j.reviewed_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(j.risk, ': status, owner, assessment, treatment, plan, date or acceptance is not filled in'))
  END AS result
FROM judged AS j
