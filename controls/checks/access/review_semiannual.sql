-- Population: every source with an account that may be used, and each such account with each of its rights. Judged against the
-- newest closed campaign over all accounts of the source. Programs are access.review_service's.
WITH account AS (
  SELECT u.* FROM user_account AS u WHERE u.is_active IS NOT FALSE
), closed AS (
  SELECT c.*, folded(c.account_source) AS on_source
  FROM access_review_campaign AS c
  WHERE c.scope = 'all' AND c.closed_at <= $as_of
  QUALIFY row_number() OVER (PARTITION BY folded(c.account_source) ORDER BY c.closed_at DESC, c.campaign DESC) = 1
), loose AS (
  SELECT count(*) FILTER (WHERE nullif(folded(c.account_source), '') IS NULL OR c.scope IS NULL) AS campaigns FROM access_review_campaign AS c
), progress AS (
  SELECT i.campaign, count(DISTINCT (i.account, i.role, i.scope)) AS decided
  FROM access_review_item AS i
  WHERE i.decision IS NOT NULL AND i.account IS NOT NULL
  GROUP BY i.campaign
), held AS (
  SELECT
    a.source, a.account, a.entry, a.account_type, a.person, a.owner, a.created_at, g.entry AS grant_entry, g.role, g.scope, g.granted_at,
    c.campaign, c.entry AS campaign_entry, c.population_taken_at AS taken_at, c.closed_at
  FROM account AS a
  LEFT JOIN closed AS c ON c.on_source = folded(a.source)
  LEFT JOIN role_grant AS g ON g.source = a.source AND g.account = a.account AND (g.expires_at <= $as_of) IS NOT TRUE
  WHERE c.campaign IS NOT NULL
), reviewed AS (
  SELECT
    h.*, count(i.entry) AS items, min(i.entry) AS item_entry,
    count(i.entry) FILTER (WHERE i.decision IS NULL) AS undecided,
    count(i.entry) FILTER (
      WHERE nullif(folded(i.reviewer), '') IN (folded(h.person), folded(h.owner), folded(i.person), folded(h.account))
    ) AS own,
    count(i.entry) FILTER (
      WHERE nullif(folded(i.reviewer), '') IS NOT NULL AND nullif(i.role, '') IS NOT NULL AND nullif(i.scope, '') IS NOT NULL AND i.decided_at >= h.taken_at AND i.decided_at <= h.closed_at
    ) AS clear
  FROM held AS h
  LEFT JOIN access_review_item AS i ON i.campaign = h.campaign AND i.account = h.account
    AND (h.role IS NULL OR i.role = '*' OR i.role = h.role AND (i.scope IS NULL OR i.scope IN ('*', h.scope)))
  GROUP BY ALL
), judged AS (
  SELECT
    'source' AS part, a.source AS resource, min(a.entry) AS entry, c.entry AS campaign_entry, c.campaign, c.due_at, c.closed_at,
    c.population_taken_at AS taken_at, c.population_count, c.population_sha256, c.signed_off_by, c.signed_off_at,
    coalesce(p.decided, 0) AS decided, l.campaigns AS loose
  FROM account AS a
  LEFT JOIN closed AS c ON c.on_source = folded(a.source)
  LEFT JOIN progress AS p ON p.campaign = c.campaign
  LEFT JOIN loose AS l ON TRUE
  GROUP BY ALL
  UNION ALL BY NAME
  SELECT
    'right' AS part, concat(r.source, '/', r.account, ': ' || r.role || ' on ' || r.scope) AS resource, r.*,
    sum(r.items) OVER (PARTITION BY r.source, r.account) AS account_items, concat(r.account, ' with ' || r.role) AS what
  FROM reviewed AS r
)
SELECT
  j.resource,
  [j.entry, j.grant_entry, j.campaign_entry, j.item_entry] AS entry,
  CASE
    WHEN j.part = 'source' AND j.campaign IS NULL AND j.loose = 0
      THEN fail('never_reviewed', concat('no campaign over all accounts of ', j.resource, ' was closed'))
    WHEN j.part = 'source' AND j.closed_at < $as_of - days($max_days)
      THEN fail('too_old', concat(j.campaign, ' was closed on ', strftime(j.closed_at, '%Y-%m-%d')))
    WHEN j.part = 'source' AND j.closed_at >= date_trunc('day', j.due_at) + days(1)
      THEN fail('closed_late', concat(j.campaign, ' was due on ', strftime(j.due_at, '%Y-%m-%d'), ' and closed on ', strftime(j.closed_at, '%Y-%m-%d')))
    WHEN j.part = 'source' AND j.decided < j.population_count
      THEN fail('items_missing', concat(j.campaign, ': ', j.decided, ' of ', j.population_count, ' items are decided'))
    WHEN j.part = 'source' AND j.due_at IS NOT NULL AND j.taken_at <= j.closed_at AND j.population_count BETWEEN 1 AND j.decided
         AND regexp_full_match(j.population_sha256, '[0-9a-f]{64}') AND j.signed_off_by <> '' AND j.signed_off_at >= j.taken_at AND j.signed_off_at <= $as_of
      THEN pass('closed', concat(j.campaign, ' was closed on ', strftime(j.closed_at, '%Y-%m-%d'), ' with ', j.decided, ' decisions and acknowledged'))
    WHEN j.part = 'source'
      THEN unknown('not_filled', concat(j.resource, ': source, scope, dates, population or acknowledgement of a campaign is not filled in'))
    WHEN j.account_type IN ('service', 'system')
      THEN not_applicable('program', concat(j.what, ' is no person''s; judged with the accounts of programs'))
    WHEN j.own > 0
      THEN fail('self_reviewed', concat(j.what, ' was reviewed in ', j.campaign, ' by its holder'))
    WHEN j.undecided > 0
      THEN fail('undecided', concat(j.what, ' was not decided in ', j.campaign))
    WHEN j.items = 0 AND (j.granted_at <= j.taken_at OR j.created_at <= j.taken_at AND j.account_items = 0)
      THEN fail('not_reviewed', concat(j.what, ' was there when the list of ', j.campaign, ' was taken on ', strftime(j.taken_at, '%Y-%m-%d'), ' and is not in it'))
    WHEN j.items = 0 AND (j.granted_at > j.taken_at OR j.created_at > j.taken_at)
      THEN not_applicable('newer', concat(j.what, ' is newer than the list of ', j.campaign))
    WHEN j.items > 0 AND j.undecided = 0 AND j.own = 0 AND j.clear = j.items AND concat(folded(j.person), folded(j.owner)) <> ''
      THEN pass('reviewed', concat(j.what, ' was decided in ', j.campaign, ' by somebody else'))
    ELSE unknown('not_told', concat(j.what, ': whose it is, since when, or reviewer, moment and scope of the decision in ', j.campaign, ' are not recorded'))
  END AS result
FROM judged AS j
