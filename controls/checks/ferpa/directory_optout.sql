-- Population: directory disclosures of the period, current yearly notices, and, where there is none, its absence. A
-- refusal counts from its own moment until it is taken back; one that cannot be placed keeps a disclosure from a pass.
WITH refused AS (
  SELECT
    d.source, d.disclosure_id,
    max(o.entry) AS entry,  -- same: any of them is one it rests on
    count(o.entry) AS possible,
    count(o.entry) FILTER (WHERE o.student_ref = d.student_ref AND o.opted_out_at <= d.disclosed_at
                           AND (o.covers_all IS TRUE OR list_has_any(o.fields, d.fields))) AS against
  FROM directory_disclosure AS d
  -- join: a disclosure that nobody refused has no row here
  JOIN directory_optout AS o
    ON (o.student_ref = d.student_ref OR o.student_ref IS NULL) AND (o.opted_out_at > d.disclosed_at) IS NOT TRUE
    AND (o.revoked_at >= o.opted_out_at AND o.revoked_at <= d.disclosed_at) IS NOT TRUE
    AND (o.covers_all IS FALSE AND list_has_any(o.fields, d.fields) IS FALSE) IS NOT TRUE
  GROUP BY d.source, d.disclosure_id
), public AS (
  SELECT min(n.published_at) AS since, arg_min(n.entry, n.published_at) AS entry
  FROM privacy_notice AS n
  WHERE n.regime = 'ferpa' AND list_has_all(n.elements, ['directory_types', 'right_to_refuse'])
), yearly AS (
  SELECT n.*
  FROM privacy_notice AS n
  WHERE (n.regime IN ('gdpr', 'lfpdppp')) IS NOT TRUE AND (n.modality IN ('full', 'simplified', 'directory')) IS NOT TRUE
    AND n.is_current IS NOT FALSE
), item AS (
  SELECT
    'disclosure' AS what, concat('disclosure ', d.disclosure_id) AS name, [d.entry, r.entry, p.entry] AS entry, d.disclosed_at AS at,
    d.student_ref, len(d.fields) AS fields, d.ssn_used, r.possible, r.against, p.since, NULL AS regime, NULL AS modality, NULL AS is_current,
    NULL AS elements
  FROM directory_disclosure AS d
  LEFT JOIN refused AS r ON r.source = d.source AND r.disclosure_id = d.disclosure_id
  -- same: always one row
  LEFT JOIN public AS p ON true
  WHERE (d.disclosed_at < $period_start) IS NOT TRUE
  UNION ALL
  SELECT
    'notice', concat('notice ', n.notice_id, ' ', n.version, ' ', n.language), [n.entry], n.published_at,
    NULL, NULL, NULL, NULL, NULL, NULL, n.regime, n.modality, n.is_current, n.elements
  FROM yearly AS n
  UNION ALL
  -- same: any entry will do
  SELECT 'absence', 'yearly notice', [max(a.entry)], NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM (SELECT entry FROM directory_disclosure UNION ALL SELECT entry FROM privacy_notice) AS a
  HAVING count(*) > 0 AND (SELECT count(*) FROM yearly) = 0
)
SELECT
  i.name AS resource,
  i.entry,
  CASE
    WHEN i.against > 0
      THEN fail('against_refusal', concat(i.name, ' was made on ', strftime(i.at, '%Y-%m-%d'), ' against a refusal in force'))
    WHEN i.ssn_used IS TRUE
      THEN fail('with_ssn', concat(i.name, ' used a social security number'))
    WHEN i.what = 'notice' AND i.at < $as_of - days($days)
      THEN fail('notice_old', concat(i.name, ' was last published on ', strftime(i.at, '%Y-%m-%d')))
    WHEN list_has_all(i.elements, $elements) IS FALSE
      THEN fail('notice_incomplete', concat(i.name, ' lacks ', array_to_string([x FOR x IN $elements IF NOT list_contains(i.elements, x)], ', ')))
    WHEN i.what = 'absence'
      THEN unknown('no_notice', 'no current yearly notice of rights is on record')
    WHEN i.possible > 0  -- same: where there is none there is no row
      THEN unknown('refusal_unclear', concat(i.name, ': ', i.possible, ' refusal(s) lack the student, the date or the fields'))
    WHEN i.student_ref <> '' AND i.fields > 0 AND i.ssn_used IS FALSE
         AND i.at <= $as_of AND i.since <= i.at
      THEN pass('honoured', concat(i.name, ' of ', strftime(i.at, '%Y-%m-%d'), ': no refusal was in force'))
    WHEN i.regime = 'ferpa' AND i.modality = 'annual' AND i.is_current IS TRUE AND i.at <= $as_of AND list_has_all(i.elements, $elements)
      THEN pass('notice_given', concat(i.name, ' was published on ', strftime(i.at, '%Y-%m-%d'), ' with all elements'))
    ELSE unknown('not_filled', concat(i.name, ' lacks a part, bears a date in the future, or has no public notice before it'))
  END AS result
FROM item AS i
