-- Population: every rule. Owner, reason and dates come from the rule's own comment, so a missing one is a fact, not a gap.
SELECT
  r.source || '/' || r.zone || ' ' || r.rule AS resource,
  r.entry,
  CASE
    WHEN r.action IN ('deny', 'jump')
      THEN not_applicable('not_open', concat(coalesce(r.text, r.rule), ' opens nothing by itself'))
    WHEN r.action = 'allow' AND coalesce(r.owner, '') = ''
      THEN fail('no_owner', concat(coalesce(r.text, r.rule), ': nobody answers for it'))
    WHEN r.action = 'allow' AND coalesce(r.justification, '') = ''
      THEN fail('no_reason', concat(coalesce(r.text, r.rule), ': no reason is given'))
    WHEN r.action = 'allow' AND r.approved_at IS NULL
      THEN fail('no_approval', concat(coalesce(r.text, r.rule), ': no day of approval is given'))
    WHEN r.action = 'allow' AND (r.approved_at > $as_of OR r.reviewed_at > $as_of)
      THEN fail('no_approval', concat(coalesce(r.text, r.rule), ': a day of approval or review lies in the future'))
    WHEN r.action = 'allow' AND greatest(r.approved_at, coalesce(r.reviewed_at, r.approved_at)) < $as_of - to_days($review_days::INTEGER)
      THEN fail('not_reviewed', concat(coalesce(r.text, r.rule), ': last looked at on ', strftime(greatest(r.approved_at, coalesce(r.reviewed_at, r.approved_at)), '%Y-%m-%d'), ', more than ', $review_days, ' days ago'))
    WHEN r.action = 'allow' AND r.approved_at >= $as_of - to_days($review_days::INTEGER)
      THEN pass('justified', concat(coalesce(r.text, r.rule), ': ', r.owner, ', ', r.justification))
    WHEN r.action = 'allow' AND r.reviewed_at >= $as_of - to_days($review_days::INTEGER)
      THEN pass('justified', concat(coalesce(r.text, r.rule), ': ', r.owner, ', ', r.justification))
    ELSE unknown('unclear', concat(coalesce(r.text, r.rule), ': what the rule does was not readable'))
  END AS result
FROM firewall_rule AS r
