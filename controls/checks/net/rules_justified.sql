-- Population: every rule. Owner, reason and dates come from the rule's own comment, so a missing one is a fact, not a gap.
WITH rule AS (
  SELECT
    r.source || '/' || r.zone || ' ' || r.rule AS resource, r.entry, r.action, r.owner, r.justification, r.approved_at, r.reviewed_at,
    greatest(r.approved_at, r.reviewed_at) AS looked_at,
    coalesce(r.text, r.rule) AS label  -- same: only reasons name it
  FROM firewall_rule AS r
)
SELECT
  r.resource,
  r.entry,
  CASE
    WHEN r.action IN ('deny', 'jump')
      THEN not_applicable('not_open', concat(r.label, ' opens nothing by itself'))
    WHEN r.action = 'allow' AND coalesce(trim(r.owner), '') = ''
      THEN fail('no_owner', concat(r.label, ': nobody answers for it'))
    WHEN r.action = 'allow' AND coalesce(trim(r.justification), '') = ''
      THEN fail('no_reason', concat(r.label, ': no reason is given'))
    WHEN r.action = 'allow' AND r.approved_at IS NULL
      THEN fail('no_approval', concat(r.label, ': no day of approval is given'))
    WHEN r.action = 'allow' AND r.looked_at > $as_of
      THEN fail('no_approval', concat(r.label, ': a day of approval or review lies in the future'))
    WHEN r.action = 'allow' AND r.looked_at < $as_of - days($review_days)
      THEN fail('not_reviewed', concat(r.label, ': last looked at on ', strftime(r.looked_at, '%Y-%m-%d'), ', more than ', $review_days, ' days ago'))
    -- by now it has an owner, a reason and an approval, and the last look is neither too old nor to come
    WHEN r.action = 'allow'
      THEN pass('justified', concat(r.label, ': ', r.owner, ', ', r.justification))
    ELSE unknown('unclear', concat(r.label, ': what the rule does was not readable'))
  END AS result
FROM rule AS r
