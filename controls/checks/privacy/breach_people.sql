-- Population: breaches of the period, and open ones whatever their age. Who must be told follows from the law: a high risk
-- under the GDPR, a significant effect under the Mexican one. One that was closed without the date on which people were told
-- stays, unless nobody had to be.
WITH term AS (
  SELECT
    b.*, b.confirmed_at + hours($hours) AS due_at,
    b.significant_mx IS TRUE OR (b.risk = 'high' AND trim(coalesce(b.people_not_told_reason, '')) = '') AS must_tell,
    b.significant_mx IS FALSE AND b.risk IN ('unlikely', 'risk') AS need_not_tell
  FROM breach AS b
  WHERE (b.status = 'closed' AND greatest(b.aware_at, b.confirmed_at, b.people_notified_at) < $period_start
         AND (b.people_notified_at IS NOT NULL OR b.role = 'processor'
              OR (b.significant_mx IS FALSE AND b.risk IN ('unlikely', 'risk')))) IS NOT TRUE
)
SELECT
  t.breach AS resource,
  t.entry,
  CASE
    WHEN t.role = 'controller' AND t.must_tell IS TRUE AND t.people_notified_at > t.due_at AND t.due_at < $as_of
      THEN fail('told_late', concat(t.breach, ': people were told on ', strftime(t.people_notified_at, '%Y-%m-%d %H:%M'), ', due ', strftime(t.due_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN t.role = 'controller' AND t.must_tell IS TRUE AND t.people_notified_at IS NULL AND t.status = 'open' AND t.due_at < $as_of
      THEN fail('not_told', concat(t.breach, ': people were to be told by ', strftime(t.due_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN t.role = 'controller' AND t.must_tell IS TRUE AND t.people_content_complete IS FALSE AND t.people_notified_at <= $as_of
      THEN fail('incomplete', concat(t.breach, ': people were not told everything required'))
    WHEN t.role = 'processor'
      THEN not_applicable('of_the_controller', concat(t.breach, ': telling people is up to the controller'))
    WHEN t.role = 'controller' AND t.need_not_tell IS TRUE
      THEN not_applicable('not_serious', concat(t.breach, ': no high risk and no significant effect as assessed'))
    WHEN t.role = 'controller' AND t.risk = 'high' AND t.significant_mx IS FALSE AND trim(t.people_not_told_reason) <> ''
      THEN not_applicable('exempt', concat(t.breach, ' has a recorded reason under GDPR article 34(3)'))
    WHEN t.role = 'controller' AND t.status = 'open' AND t.people_notified_at IS NULL AND t.confirmed_at <= $as_of AND t.due_at >= $as_of
      THEN not_applicable('running', concat(t.breach, ': people are to be told by ', strftime(t.due_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN t.role = 'controller' AND t.must_tell IS TRUE AND t.people_content_complete IS TRUE AND t.confirmed_at <= $as_of
         AND t.people_notified_at >= t.aware_at AND t.people_notified_at <= $as_of
      THEN pass('told', concat(t.breach, ': people were told on ', strftime(t.people_notified_at, '%Y-%m-%d %H:%M'), ' UTC'))
    ELSE unknown('not_filled', concat(t.breach, ': role, risk, significance, times or content are not filled in or do not fit'))
  END AS result
FROM term AS t
