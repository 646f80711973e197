-- Population: every account that may be used, with each privileged right, or as a whole where the system tells no rights of it.
-- Judged against the newest closed campaign of the source over privileged or all accounts.
WITH closed AS (
  SELECT c.*, folded(c.account_source) AS on_source
  FROM access_review_campaign AS c
  WHERE c.scope IN ('privileged', 'all') AND c.closed_at <= $as_of
  QUALIFY row_number() OVER (PARTITION BY folded(c.account_source) ORDER BY c.closed_at DESC, c.campaign DESC) = 1
), loose AS (
  SELECT count(*) FILTER (WHERE nullif(folded(c.account_source), '') IS NULL OR c.scope IS NULL) AS campaigns FROM access_review_campaign AS c
), live AS (
  SELECT g.* FROM role_grant AS g WHERE (g.expires_at <= $as_of) IS NOT TRUE AND g.is_privileged IS NOT FALSE
), held AS (
  SELECT
    u.source, u.account, u.entry, u.person, u.owner, u.created_at, g.entry AS grant_entry, g.role, g.scope, g.granted_at,
    CASE WHEN g.is_privileged IS TRUE OR u.is_privileged IS TRUE OR u.is_superuser IS TRUE THEN TRUE
         WHEN u.is_privileged IS FALSE AND g.entry IS NULL THEN FALSE END AS is_high,
    c.campaign, c.entry AS campaign_entry, c.population_taken_at AS taken_at, c.closed_at, c.due_at, l.campaigns AS loose
  FROM user_account AS u
  LEFT JOIN live AS g ON g.source = u.source AND g.account = u.account
  LEFT JOIN closed AS c ON c.on_source = folded(u.source)
  LEFT JOIN loose AS l ON TRUE
  WHERE u.is_active IS NOT FALSE
), judged AS (
  SELECT
    h.*, concat(h.account, ' with ' || h.role) AS what, count(i.entry) AS items, min(i.entry) AS item_entry,
    count(i.entry) FILTER (WHERE i.decision IS NULL) AS undecided,
    count(i.entry) FILTER (
      WHERE nullif(folded(i.reviewer), '') IN (folded(h.person), folded(h.owner), folded(i.person), folded(h.account))
    ) AS own,
    count(i.entry) FILTER (
      WHERE nullif(folded(i.reviewer), '') IS NOT NULL AND nullif(i.role, '') IS NOT NULL AND nullif(i.scope, '') IS NOT NULL
        AND i.decided_at >= h.taken_at AND i.decided_at <= h.closed_at
    ) AS clear
  FROM held AS h
  LEFT JOIN access_review_item AS i ON i.campaign = h.campaign AND i.account = h.account
    AND (h.role IS NULL OR i.role = '*' OR i.role = h.role AND (i.scope IS NULL OR i.scope IN ('*', h.scope)))
  GROUP BY ALL
)
SELECT
  concat(j.source, '/', j.account, ': ' || j.role || ' on ' || j.scope) AS resource,
  [j.entry, j.grant_entry, j.campaign_entry, j.item_entry] AS entry,
  CASE
    WHEN j.is_high IS FALSE
      THEN not_applicable('ordinary', concat(j.account, ' holds no privileged right'))
    WHEN j.is_high IS TRUE AND j.campaign IS NULL AND j.loose = 0
      THEN fail('never_reviewed', concat('no campaign over privileged accounts of ', j.source, ' was closed'))
    WHEN j.is_high IS TRUE AND j.closed_at < $as_of - days($max_days)
      THEN fail('too_old', concat(j.campaign, ' was closed on ', strftime(j.closed_at, '%Y-%m-%d')))
    WHEN j.is_high IS TRUE AND j.closed_at >= date_trunc('day', j.due_at) + days(1)
      THEN fail('closed_late', concat(j.campaign, ' was due on ', strftime(j.due_at, '%Y-%m-%d'), ' and closed on ', strftime(j.closed_at, '%Y-%m-%d')))
    WHEN j.is_high IS TRUE AND j.own > 0
      THEN fail('self_reviewed', concat(j.what, ' was reviewed in ', j.campaign, ' by its holder'))
    WHEN j.is_high IS TRUE AND j.undecided > 0
      THEN fail('undecided', concat(j.what, ' was not decided in ', j.campaign))
    WHEN j.is_high IS TRUE AND j.items = 0 AND (j.granted_at <= j.taken_at OR j.created_at <= j.taken_at AND j.role IS NULL)
      THEN fail('not_reviewed', concat(j.what, ' was there when the list of ', j.campaign, ' was taken on ', strftime(j.taken_at, '%Y-%m-%d'), ' and is not in it'))
    WHEN j.items = 0 AND (j.granted_at > j.taken_at OR j.created_at > j.taken_at)
      THEN not_applicable('newer', concat(j.what, ' is newer than the list of ', j.campaign))
    WHEN j.items > 0 AND j.undecided = 0 AND j.own = 0 AND j.clear = j.items AND concat(folded(j.person), folded(j.owner)) <> ''
         AND j.closed_at >= $as_of - days($max_days) AND j.closed_at < date_trunc('day', j.due_at) + days(1)
      THEN pass('reviewed', concat(j.what, ' was decided in ', j.campaign, ', closed on ', strftime(j.closed_at, '%Y-%m-%d'), ', by somebody else'))
    ELSE unknown('not_told', concat(j.what, ': whether it is privileged, whose it is, since when, or its campaign or decision is not recorded'))
  END AS result
FROM judged AS j
