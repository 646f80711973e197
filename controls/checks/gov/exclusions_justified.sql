-- Population: every control of Annex A, and every row of the statement that names none of them.
WITH theme AS (
  SELECT unnest($themes::VARCHAR[]) AS said
), annex AS (
  SELECT concat(split_part(t.said, ':', 1), '.', unnest(range(1, 1 + CAST(split_part(t.said, ':', 2) AS BIGINT)))) AS control
  FROM theme AS t
), register AS (
  SELECT
    -- same: any entry will do
    min(e.entry) AS entry,
    count(DISTINCT e.version) AS versions
  FROM soa_entry AS e
), judged AS (
  SELECT
    coalesce(e.entry, r.entry) AS entry, a.control AS resource, e.control IS NOT NULL AS stated, e.is_included,
    e.justification, e.version, e.approved_by, e.approved_at, e.next_review_at, r.versions, TRUE AS known
  FROM annex AS a
  -- same: always one row
  LEFT JOIN register AS r ON TRUE
  LEFT JOIN soa_entry AS e ON trim(e.control) = a.control
  WHERE r.entry IS NOT NULL
  UNION ALL BY NAME
  SELECT e.entry, e.control AS resource, FALSE AS known
  FROM soa_entry AS e
  LEFT JOIN annex AS a ON trim(e.control) = a.control
  WHERE a.control IS NULL
)
SELECT
  j.resource,
  j.entry,
  CASE
    WHEN j.known IS FALSE
      THEN fail('no_such_control', concat(j.resource, ' is no control of Annex A'))
    WHEN j.stated IS FALSE
      THEN fail('not_stated', concat(j.resource, ' is not in the statement of applicability'))
    WHEN j.is_included IS FALSE AND trim(j.justification) = ''
      THEN fail('unjustified', concat(j.resource, ' is excluded without a justification'))
    WHEN j.approved_at > $as_of
      THEN fail('not_in_force', concat(j.resource, ' is approved only on ', strftime(j.approved_at, '%Y-%m-%d')))
    WHEN j.approved_at < $as_of - days(366)
      THEN fail('approval_old', concat(j.resource, ' was last approved on ', strftime(j.approved_at, '%Y-%m-%d')))
    WHEN j.next_review_at < date_trunc('day', $as_of)
      THEN fail('review_overdue', concat(j.resource, ' was to be reviewed by ', strftime(j.next_review_at, '%Y-%m-%d')))
    WHEN j.versions > 1
      THEN fail('versions_mixed', concat(j.resource, ' stands in a register that mixes ', j.versions, ' versions'))
    WHEN j.is_included IS NOT NULL AND trim(j.justification) <> '' AND trim(j.version) <> '' AND trim(j.approved_by) <> ''
         AND j.approved_at <= $as_of
      THEN pass('justified', concat(j.resource, ' is decided on in version ', j.version, ', with a justification'))
    ELSE unknown('not_filled', concat(j.resource, ': inclusion, justification, version or approval is not filled in'))
  END AS result
FROM judged AS j
