-- Population: every store of the inventory. The newest trial of it that ended decides, against the times that the inventory
-- promises; whether a trial is due is judged by backup.restore_test_monthly. One that is not filled in may be the newest.
WITH newest AS (
  SELECT t.*, row_number() OVER (PARTITION BY t.data_store ORDER BY t.finished_at DESC, t.source, t.restore_test) AS nth
  FROM restore_test AS t
  WHERE t.outcome IN ('success', 'warning', 'failed') AND t.finished_at <= $as_of
), doubt AS (
  SELECT t.data_store, count(*) AS trials
  FROM restore_test AS t
  WHERE t.outcome IS NULL OR t.outcome IS DISTINCT FROM 'running' AND (t.finished_at IS NULL OR t.finished_at > $as_of)
  GROUP BY t.data_store
), nameless AS (
  SELECT count(*) AS trials FROM restore_test AS t WHERE t.data_store IS NULL
)
SELECT
  concat(i.source, '/', i.data_store) AS resource,
  [i.entry, n.entry] AS entry,
  CASE
    WHEN list_contains($not_production, lower(i.environment))
      THEN not_applicable('not_production', concat(i.data_store, ' is declared to be ', i.environment))
    WHEN i.needs_backup IS FALSE
      THEN not_applicable('no_need', concat(i.data_store, ' is declared to be made again when it is lost'))
    WHEN i.needs_backup IS TRUE AND i.has_rto_rpo IS FALSE
      THEN fail('no_targets', concat(i.data_store, ': how long it may be gone, and how much may be lost, is not agreed'))
    WHEN i.needs_backup IS TRUE AND n.outcome = 'failed' AND u.trials IS NULL AND x.trials = 0
      THEN fail('not_restored', concat(i.data_store, ': the newest trial, ', n.restore_test, ', did not bring it back'))
    WHEN i.needs_backup IS TRUE AND n.rto_actual_minutes > i.rto_minutes AND u.trials IS NULL AND x.trials = 0
      THEN fail('too_slow', concat(i.data_store, ': trial ', n.restore_test, ' took ', n.rto_actual_minutes, ' minutes, promised are ', i.rto_minutes))
    WHEN i.needs_backup IS TRUE AND n.rpo_actual_minutes > i.rpo_minutes AND u.trials IS NULL AND x.trials = 0
      THEN fail('lost_too_much', concat(i.data_store, ': trial ', n.restore_test, ' lost ', n.rpo_actual_minutes, ' minutes of data, promised are at most ', i.rpo_minutes))
    WHEN i.needs_backup IS TRUE AND n.finished_at < $as_of - days($max_days)
      THEN unknown('no_recent_trial', concat(i.data_store, ': its newest trial is of ', strftime(n.finished_at, '%Y-%m-%d')))
    WHEN i.needs_backup IS TRUE AND i.has_rto_rpo IS TRUE AND n.outcome = 'success'
         AND n.rto_actual_minutes >= 0 AND n.rto_actual_minutes <= i.rto_minutes
         AND n.rpo_actual_minutes >= 0 AND n.rpo_actual_minutes <= i.rpo_minutes
      THEN pass('met', concat(i.data_store, ': trial ', n.restore_test, ' took ', n.rto_actual_minutes, ' of ', i.rto_minutes, ' minutes and lost ',
                n.rpo_actual_minutes, ' of ', i.rpo_minutes))
    ELSE unknown('not_filled', concat(i.data_store, ': what is promised, its newest trial, or what that took and lost is not filled in'))
  END AS result
FROM inventory_store AS i
LEFT JOIN newest AS n ON n.data_store = i.data_store AND n.nth = 1
LEFT JOIN doubt AS u ON u.data_store = i.data_store
-- same: always one row
LEFT JOIN nameless AS x ON TRUE
