-- Population: decisions of a review that a right is wrong: of the period, and older ones whose right is still there. The
-- newest evidence shows whether it is; the register's word is not enough. Working days are Monday to Friday (UTC).
WITH wrong AS (
  SELECT
    i.campaign, i.item, i.entry, i.account, i.role, i.scope, i.decision, i.decided_at, i.remediated_at, nullif(folded(c.account_source), '') AS on_source,
    date_trunc('day', i.decided_at)
      + days($business_days + 2 * ((least(isodow(i.decided_at), 5) - 1 + $business_days) // 5) - greatest(isodow(i.decided_at) - 5, 0) + 1) AS mend_by
  FROM access_review_item AS i
  LEFT JOIN access_review_campaign AS c ON c.campaign = i.campaign
  WHERE i.decision IN ('change', 'revoke')
), account AS (
  SELECT u.source, folded(u.source) AS on_source, u.account, u.entry, u.is_active, u.collected_at FROM user_account AS u
), read AS (
  SELECT a.on_source, max(a.collected_at) AS collected_at FROM account AS a GROUP BY a.on_source
), telling AS (
  SELECT folded(g.source) AS on_source, count(*) AS grants FROM role_grant AS g GROUP BY folded(g.source)
), held AS (
  SELECT
    w.campaign, w.item,
    count(g.entry) FILTER (WHERE (g.expires_at <= $as_of) IS NOT TRUE) AS rights, max(g.entry) AS entry
  FROM wrong AS w
  LEFT JOIN role_grant AS g ON folded(g.source) = w.on_source AND g.account = w.account AND g.role = w.role AND (w.scope IN ('*', g.scope))
  GROUP BY w.campaign, w.item
), judged AS (
  SELECT
    w.*, a.entry AS account_entry, h.entry AS grant_entry, r.collected_at AS read_at,
    CASE WHEN a.account IS NULL OR a.is_active IS FALSE THEN FALSE
         WHEN w.role = '*' THEN a.is_active
         WHEN h.rights > 0 THEN TRUE
         WHEN t.grants > 0 THEN FALSE END AS is_held
  FROM wrong AS w
  LEFT JOIN account AS a ON a.on_source = w.on_source AND a.account = w.account
  LEFT JOIN held AS h ON h.campaign = w.campaign AND h.item = w.item
  LEFT JOIN telling AS t ON t.on_source = w.on_source
  LEFT JOIN read AS r ON r.on_source = w.on_source
)
SELECT
  concat(j.campaign, '/', j.item) AS resource,
  [j.entry, j.account_entry, j.grant_entry] AS entry,
  CASE
    WHEN j.decision = 'revoke' AND j.is_held IS TRUE AND j.read_at >= j.mend_by
      THEN fail('still_held', concat(j.account, ' still holds ', j.role, ', revoked on ', strftime(j.decided_at, '%Y-%m-%d')))
    WHEN j.remediated_at >= j.mend_by AND j.remediated_at <= $as_of
      THEN fail('late', concat(j.role, ' of ', j.account, ' was judged wrong on ', strftime(j.decided_at, '%Y-%m-%d'), ' and mended on ',
                strftime(j.remediated_at, '%Y-%m-%d')))
    WHEN j.decided_at <= $as_of AND $as_of < j.mend_by AND j.remediated_at IS NULL
      THEN not_applicable('running', concat(j.role, ' of ', j.account, ' is to be mended before ', strftime(j.mend_by, '%Y-%m-%d')))
    WHEN j.account <> '' AND j.role <> '' AND j.scope <> '' AND j.remediated_at < j.mend_by AND j.remediated_at >= j.decided_at
         AND j.remediated_at <= $as_of AND j.decision = 'change'
      THEN pass('changed', concat(j.role, ' of ', j.account, ' was changed on ', strftime(j.remediated_at, '%Y-%m-%d')))
    WHEN j.account <> '' AND j.role <> '' AND j.scope <> '' AND j.remediated_at < j.mend_by AND j.remediated_at >= j.decided_at
         AND j.is_held IS FALSE AND j.read_at >= j.remediated_at
      THEN pass('removed', concat(j.account, ' no longer holds ', j.role, ', removed on ', strftime(j.remediated_at, '%Y-%m-%d')))
    ELSE unknown('not_told', concat(j.campaign, '/', j.item, ': account, right, source, dates or removal are not recorded or not seen yet'))
  END AS result
FROM judged AS j
WHERE (j.decided_at < $period_start) IS NOT TRUE OR j.is_held IS NOT FALSE
