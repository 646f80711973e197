-- Population: every job of a correction or deletion, and every granted request that must have jobs and has none.
WITH asked AS (
  SELECT
    -- same: any entry will do, and of the outcome only whether there is one
    r.request, max(r.entry) AS entry, max(r.outcome) AS outcome,
    count(*) AS copies,
    count(*) FILTER (WHERE (r.outcome IN ('refused', 'no_data_held', 'withdrawn', 'not_completed')) IS NOT TRUE) AS owed,
    count(*) FILTER (WHERE r.status = 'closed' AND r.executed_at IS NOT NULL AND greatest(r.answered_at, r.executed_at) < $period_start) AS ended
  FROM data_request AS r
  GROUP BY r.request
  HAVING bool_or(r.right_kind IS NULL OR r.right_kind IN ('erasure', 'cancellation', 'rectification', 'amend'))
), job AS (
  SELECT j.request, count(*) AS jobs FROM erasure_job AS j GROUP BY j.request
), judged AS (
  SELECT j.*, concat(j.request, ' in ', j.system) AS resource, a.entry AS request_entry, a.outcome, a.copies, TRUE AS has_job
  FROM erasure_job AS j
  LEFT JOIN asked AS a ON a.request = j.request
  WHERE (j.status IN ('done', 'not_needed') AND j.verified_at < $period_start) IS NOT TRUE
  UNION ALL BY NAME
  SELECT a.request, a.entry, a.request AS resource, a.outcome, a.copies, FALSE AS has_job
  FROM asked AS a
  LEFT JOIN job AS b ON b.request = a.request
  WHERE b.request IS NULL AND a.ended < a.copies AND a.owed > 0
)
SELECT
  j.resource,
  [j.entry, j.request_entry] AS entry,
  CASE
    WHEN j.status = 'failed'
      THEN fail('failed', concat(j.resource, ': the job failed'))
    WHEN j.status IN ('planned', 'running') AND trim(j.hold_reference) <> '' AND j.executed_at IS NULL
      THEN not_applicable('held', concat(j.resource, ' waits for the end of hold ', j.hold_reference))
    WHEN j.status IN ('planned', 'running') AND j.due_at < $as_of
      THEN fail('overdue', concat(j.resource, ' was due on ', strftime(j.due_at, '%Y-%m-%d')))
    WHEN j.status = 'done' AND j.executed_at > j.due_at AND j.due_at < $as_of
      THEN fail('late', concat(j.resource, ' was done on ', strftime(j.executed_at, '%Y-%m-%d'), ', due on ', strftime(j.due_at, '%Y-%m-%d')))
    WHEN j.place = 'backup' AND j.on_restore_list IS FALSE AND (j.backup_gone_at <= $as_of) IS NOT TRUE AND j.status = 'done'
      THEN fail('restore_brings_back', concat(j.resource, ': a restore of this backup would bring the data back'))
    WHEN j.status IN ('planned', 'running') AND j.due_at >= $as_of
      THEN not_applicable('running', concat(j.resource, ' is due on ', strftime(j.due_at, '%Y-%m-%d')))
    WHEN j.has_job IS FALSE AND j.outcome IS NULL
      THEN not_applicable('undecided', concat('request ', j.request, ' is not decided, or has no outcome; its term is judged elsewhere'))
    WHEN j.copies = 1 AND j.status = 'not_needed' AND j.verified_at <= $as_of AND trim(j.verified_by) <> ''
      THEN pass('nothing_there', concat(j.resource, ': looked on ', strftime(j.verified_at, '%Y-%m-%d'), ', nothing is held'))
    WHEN j.copies = 1 AND j.status = 'done' AND j.executed_at <= j.due_at
         AND j.verified_at >= j.executed_at AND j.verified_at <= $as_of
         AND trim(j.executed_by) <> '' AND trim(j.verified_by) <> '' AND folded(j.verified_by) <> folded(j.executed_by)
         AND (j.place IN ('live', 'derived', 'log', 'processor') OR (j.place = 'backup' AND (j.on_restore_list IS TRUE OR j.backup_gone_at <= $as_of)))
         AND (j.data_was_shared IS FALSE OR (j.data_was_shared IS TRUE
              AND ((j.recipients_told_at >= j.executed_at AND j.recipients_told_at <= $as_of) OR trim(j.recipients_not_told_reason) <> '')))
      THEN pass('done', concat(j.resource, ': done on ', strftime(j.executed_at, '%Y-%m-%d'), ', verified on ', strftime(j.verified_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(j.resource, ': jobs, dates, who verified, backups or recipients are not filled in or do not fit'))
  END AS result
FROM judged AS j
