-- Population: the newest issue of the list that is out.
WITH issue AS (
  SELECT m.*, row_number() OVER (ORDER BY (m.issued_at <= $as_of) IS NOT TRUE, m.issued_at DESC NULLS LAST, m.issue DESC) AS place
  FROM measure_register AS m
)
SELECT
  i.issue AS resource,
  i.entry,
  CASE
    WHEN i.issued_at < $as_of - days($max_days)
      THEN fail('too_old', concat('the list was drawn up on ', strftime(i.issued_at, '%Y-%m-%d')))
    WHEN i.last_change_at > i.issued_at AND i.last_change_at < $as_of - days($change_days)
      THEN fail('changed_since', concat('something changed on ', strftime(i.last_change_at, '%Y-%m-%d'), '; the list is of ', strftime(i.issued_at, '%Y-%m-%d')))
    WHEN i.gaps_with_plan < i.gaps
      THEN fail('no_plan', concat(i.gaps - i.gaps_with_plan, ' of ', i.gaps, ' gap(s) have no plan'))
    WHEN i.measures_in_place + i.gaps < i.measures_total
      THEN fail('not_counted', concat(i.measures_total, ' measures are needed; ', i.measures_in_place, ' in place and ', i.gaps, ' gaps do not make that'))
    WHEN i.issued_at <= $as_of AND i.last_change_at <= $as_of AND i.measures_total >= 1 AND i.gaps_with_plan >= i.gaps
         AND i.measures_in_place + i.gaps >= i.measures_total AND i.approved_by <> '' AND i.approved_at <= $as_of
      THEN pass('up_to_date', concat('drawn up on ', strftime(i.issued_at, '%Y-%m-%d'), ': ', i.measures_in_place, ' of ', i.measures_total, ' measures in place, every gap planned'))
    ELSE unknown('not_filled', concat(i.issue, ': dates, counts, last change or approval are not filled in, or lie ahead'))
  END AS result
FROM issue AS i
WHERE i.place = 1
