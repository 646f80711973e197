-- Population: breaches of the period under the GDPR, and open ones whatever their age; one that names no law may be such. The
-- hours run from awareness, night and weekend included. One that was closed without the date of a notice may have been
-- told of within the period, so it stays.
WITH clock AS (
  SELECT b.*, b.aware_at + hours($authority_hours) AS authority_by, b.aware_at + hours($controller_hours) AS controller_by
  FROM breach AS b
  WHERE (b.status = 'closed' AND greatest(b.aware_at, b.authority_notified_at, b.controller_notified_at) < $period_start
         AND (b.authority_notified_at IS NOT NULL OR b.controller_notified_at IS NOT NULL OR b.risk = 'unlikely')) IS NOT TRUE
)
SELECT
  c.breach AS resource,
  c.entry,
  CASE
    WHEN list_contains(c.laws, 'gdpr') IS FALSE AND len(c.laws) > 0
      THEN not_applicable('another_law', concat(c.breach, ' falls under ', array_to_string(c.laws, ', ')))
    WHEN list_contains(c.laws, 'gdpr') AND c.role = 'processor' AND c.controller_notified_at > c.controller_by AND c.controller_by < $as_of
      THEN fail('controller_late', concat(c.breach, ': the controller was told on ', strftime(c.controller_notified_at, '%Y-%m-%d %H:%M'), ', due ', strftime(c.controller_by, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN list_contains(c.laws, 'gdpr') AND c.role = 'processor' AND c.controller_notified_at IS NULL AND c.status = 'open' AND c.controller_by < $as_of
      THEN fail('controller_not_told', concat(c.breach, ': the controller was to be told by ', strftime(c.controller_by, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN list_contains(c.laws, 'gdpr') AND c.role = 'controller' AND c.risk IN ('risk', 'high') AND c.authority_notified_at IS NULL AND c.status = 'open' AND c.authority_by < $as_of
      THEN fail('authority_not_told', concat(c.breach, ': the authority was to be told by ', strftime(c.authority_by, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN list_contains(c.laws, 'gdpr') AND c.role = 'controller' AND c.risk IN ('risk', 'high') AND c.authority_content_complete IS FALSE AND c.status = 'closed'
      THEN fail('incomplete', concat(c.breach, ' was closed although the authority was not told everything required'))
    WHEN list_contains(c.laws, 'gdpr') AND c.role = 'controller' AND c.risk = 'unlikely' AND trim(c.effects) <> ''
      THEN not_applicable('unlikely', concat(c.breach, ': a risk to people is unlikely as assessed'))
    WHEN list_contains(c.laws, 'gdpr') AND c.status = 'open' AND c.aware_at <= $as_of
         AND ((c.role = 'processor' AND c.controller_notified_at IS NULL)
              OR (c.role = 'controller' AND c.authority_notified_at IS NULL AND c.authority_by >= $as_of))
      THEN not_applicable('running', concat(c.breach, ': the hours still run'))
    WHEN list_contains(c.laws, 'gdpr') AND c.role = 'processor' AND c.controller_notified_at >= c.aware_at AND c.controller_notified_at <= $as_of
      THEN pass('controller_told', concat(c.breach, ': the controller was told on ', strftime(c.controller_notified_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN list_contains(c.laws, 'gdpr') AND c.role = 'controller' AND c.risk IN ('risk', 'high') AND c.authority_content_complete IS TRUE
         AND c.authority_notified_at >= c.aware_at AND c.authority_notified_at <= $as_of
         AND (c.authority_notified_at <= c.authority_by OR trim(c.delay_reason) <> '')
      THEN pass('authority_told', concat(c.breach, ': the authority was told on ', strftime(c.authority_notified_at, '%Y-%m-%d %H:%M'), ' UTC, due ', strftime(c.authority_by, '%Y-%m-%d %H:%M')))
    ELSE unknown('not_filled', concat(c.breach, ': law, role, risk, times, content or reasons of a delay are not filled in or do not fit'))
  END AS result
FROM clock AS c
