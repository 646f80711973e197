-- Population: every account of a program that may be used. How often is what the newest analysis of requirement 7.2.5.1 says,
-- and never less than yearly.
WITH analysis AS (
  SELECT t.*
  FROM targeted_risk_analysis AS t
  WHERE folded(t.requirement) = '7.2.5.1' AND t.approved_at <= $as_of AND t.reviewed_at <= $as_of
  QUALIFY row_number() OVER (ORDER BY t.reviewed_at DESC, t.analysis DESC) = 1
), closed AS (
  SELECT c.*, folded(c.account_source) AS on_source
  FROM access_review_campaign AS c
  WHERE c.scope IN ('service', 'all') AND c.closed_at <= $as_of
  QUALIFY row_number() OVER (PARTITION BY folded(c.account_source) ORDER BY c.closed_at DESC, c.campaign DESC) = 1
), loose AS (
  SELECT count(*) FILTER (WHERE nullif(folded(c.account_source), '') IS NULL OR c.scope IS NULL) AS campaigns FROM access_review_campaign AS c
), held AS (
  SELECT
    u.source, u.account, u.entry, u.account_type, nullif(folded(u.owner), '') AS owner, nullif(folded(u.person), '') AS person, u.created_at,
    c.campaign, c.entry AS campaign_entry, c.population_taken_at AS taken_at, c.closed_at, c.due_at, l.campaigns AS loose,
    t.entry AS analysis_entry, t.analysis, t.reviewed_at, CASE WHEN t.frequency_days > $max_days THEN $max_days ELSE t.frequency_days END AS every
  FROM user_account AS u
  LEFT JOIN closed AS c ON c.on_source = folded(u.source)
  LEFT JOIN loose AS l ON TRUE
  LEFT JOIN analysis AS t ON TRUE
  WHERE u.is_active IS NOT FALSE
), judged AS (
  SELECT
    h.*, count(i.entry) AS items, min(i.entry) AS item_entry, count(i.entry) FILTER (WHERE i.decision IS NULL) AS undecided,
    count(i.entry) FILTER (WHERE nullif(folded(i.reviewer), '') IN (h.owner, h.person, folded(h.account))) AS own,
    count(i.entry) FILTER (
      WHERE nullif(folded(i.reviewer), '') IS NOT NULL AND i.decided_at >= h.taken_at AND i.decided_at <= h.closed_at
    ) AS clear
  FROM held AS h
  LEFT JOIN access_review_item AS i ON i.campaign = h.campaign AND i.account = h.account
  GROUP BY ALL
)
SELECT
  concat(j.source, '/', j.account) AS resource,
  [j.entry, j.campaign_entry, j.item_entry, j.analysis_entry] AS entry,
  CASE
    WHEN j.account_type IN ('human', 'shared', 'break_glass')
      THEN not_applicable('no_program', concat(j.account, ' belongs to no program'))
    WHEN j.account_type IN ('service', 'system') AND j.campaign IS NULL AND j.loose = 0
      THEN fail('never_reviewed', concat('no campaign over accounts of programs of ', j.source, ' was closed'))
    WHEN j.account_type IN ('service', 'system') AND j.closed_at < $as_of - days($max_days)
      THEN fail('too_old', concat(j.campaign, ' was closed on ', strftime(j.closed_at, '%Y-%m-%d')))
    WHEN j.account_type IN ('service', 'system') AND j.every > 0 AND j.closed_at < $as_of - days(j.every)
      THEN fail('too_rare', concat(j.campaign, ' was closed on ', strftime(j.closed_at, '%Y-%m-%d'), '; ', j.analysis, ' asks for every ', j.every, ' day(s)'))
    WHEN j.account_type IN ('service', 'system') AND j.closed_at >= date_trunc('day', j.due_at) + days(1)
      THEN fail('closed_late', concat(j.campaign, ' was due on ', strftime(j.due_at, '%Y-%m-%d'), ' and closed on ', strftime(j.closed_at, '%Y-%m-%d')))
    WHEN j.account_type IN ('service', 'system') AND j.own > 0
      THEN fail('self_reviewed', concat(j.account, ' was reviewed in ', j.campaign, ' by its owner'))
    WHEN j.account_type IN ('service', 'system') AND j.undecided > 0
      THEN fail('undecided', concat(j.account, ' was not decided in ', j.campaign))
    WHEN j.account_type IN ('service', 'system') AND j.items = 0 AND j.created_at <= j.taken_at
      THEN fail('not_reviewed', concat(j.account, ' was there when the list of ', j.campaign, ' was taken on ', strftime(j.taken_at, '%Y-%m-%d'), ' and is not in it'))
    WHEN j.account_type IN ('service', 'system') AND j.reviewed_at < $as_of - days($max_days)
      THEN fail('analysis_old', concat(j.analysis, ' was last reviewed on ', strftime(j.reviewed_at, '%Y-%m-%d')))
    WHEN j.account_type IN ('service', 'system') AND j.items = 0 AND j.created_at > j.taken_at
      THEN not_applicable('newer', concat(j.account, ' is newer than the list of ', j.campaign))
    WHEN j.account_type IN ('service', 'system') AND j.items > 0 AND j.undecided = 0 AND j.own = 0 AND j.clear = j.items AND j.owner <> ''
         AND j.every > 0 AND j.closed_at >= $as_of - days(j.every) AND j.closed_at < date_trunc('day', j.due_at) + days(1)
      THEN pass('reviewed', concat(j.account, ' was decided in ', j.campaign, ', closed on ', strftime(j.closed_at, '%Y-%m-%d')))
    ELSE unknown('not_told', concat(j.account, ': type, owner, campaign, decision, or an analysis of how often is not recorded'))
  END AS result
FROM judged AS j
