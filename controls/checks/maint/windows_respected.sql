-- Population: windows planned for the period, and those that have no planned start or are not over.
SELECT
  concat(w.source, '/', w."window") AS resource,
  w.entry,
  CASE
    WHEN w.status = 'cancelled'
      THEN not_applicable('cancelled', concat(w."window", ' was not held'))
    WHEN w.actual_start < w.planned_start - minutes($minutes)
      THEN fail('early', concat(w."window", ' was planned for ', strftime(w.planned_start, '%Y-%m-%d %H:%M'), ' and began at ', strftime(w.actual_start, '%Y-%m-%d %H:%M')))
    WHEN w.actual_end > w.planned_end + minutes($minutes)
      THEN fail('overrun', concat(w."window", ' was to end at ', strftime(w.planned_end, '%Y-%m-%d %H:%M'), ' and ended at ', strftime(w.actual_end, '%Y-%m-%d %H:%M')))
    WHEN w.status = 'in_progress' AND w.planned_end < $as_of - minutes($minutes)
      THEN fail('still_running', concat(w."window", ' was to end at ', strftime(w.planned_end, '%Y-%m-%d %H:%M'), ' and is in progress'))
    WHEN w.status IN ('completed', 'failed') AND w.planned_start <= w.planned_end AND w.actual_start <= w.actual_end
         AND w.actual_end <= $as_of
      THEN pass('inside', concat(w."window", ' of ', strftime(w.planned_start, '%Y-%m-%d'), ' stayed inside its time'))
    WHEN w.status IN ('planned', 'in_progress') AND w.planned_end >= $as_of - minutes($minutes) AND w.actual_end IS NULL
      THEN not_applicable('not_over', concat(w."window", ' is to end at ', strftime(w.planned_end, '%Y-%m-%d %H:%M')))
    ELSE unknown('not_filled', concat(w."window", ': its status, or when it began and ended, is not filled in or out of order'))
  END AS result
FROM maintenance_window AS w
WHERE (w.planned_start < $period_start) IS NOT TRUE OR (w.status IN ('completed', 'failed', 'cancelled')) IS NOT TRUE
