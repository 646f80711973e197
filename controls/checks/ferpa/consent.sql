-- Population: disclosures of the period that rest on consent, or do not say on what. A number stands for one grant: with
-- two nobody can tell which was relied on. Withdrawals without number or date may be of any consent of that person.
WITH held AS (
  SELECT
    e.consent_id, count(*) AS n, max(e.entry) AS entry, max(e.acted_at) AS acted_at, max(e.subject_ref) AS subject_ref,  -- same: where it counts there is one
    max(e.records) AS records, max(e.purpose) AS purpose, max(e.recipient) AS recipient,  -- same: where it counts there is one
    bool_and(e.is_signed) AS is_signed, bool_and(e.is_authenticated) AS is_authenticated  -- same: where it counts there is one
  FROM consent_event AS e
  WHERE e.action = 'granted'
  GROUP BY e.consent_id
), ended AS (
  SELECT
    d.source, d.disclosure_id,
    -- same: any of them is one it rests on
    max(e.entry) AS entry,
    -- same: which of several stands in the reason only
    min(e.acted_at)
      FILTER (WHERE e.action IN ('withdrawn', 'refused') AND e.consent_id = d.consent_ref AND e.acted_at <= d.disclosed_at) AS ended_at,
    count(e.entry) FILTER (WHERE e.action IS NULL OR e.acted_at IS NULL OR e.consent_id IS NULL) AS unclear
  FROM disclosure_record AS d
  LEFT JOIN held AS h ON h.consent_id = d.consent_ref
  -- join: what nobody ended has no end
  JOIN consent_event AS e
    ON e.action IS DISTINCT FROM 'granted' AND (e.acted_at > d.disclosed_at) IS NOT TRUE AND (e.acted_at < h.acted_at) IS NOT TRUE
    AND (e.consent_id = d.consent_ref OR (e.consent_id IS NULL AND (e.subject_ref = d.student_ref OR e.subject_ref IS NULL)))
  GROUP BY d.source, d.disclosure_id
)
SELECT
  d.disclosure_id AS resource,
  [d.entry, h.entry, w.entry] AS entry,
  CASE
    WHEN d.within_consent IS FALSE
      THEN fail('beyond', concat(d.disclosure_id, ' goes beyond records, purpose or party of consent ', d.consent_ref))
    WHEN h.n = 1 AND h.subject_ref <> d.student_ref
      THEN fail('other_person', concat(d.disclosure_id, ' rests on consent ', d.consent_ref, ', which is about another person'))
    WHEN h.n = 1 AND h.acted_at > d.disclosed_at
      THEN fail('later', concat(d.disclosure_id, ' was disclosed on ', strftime(d.disclosed_at, '%Y-%m-%d'), ', its consent is of ', strftime(h.acted_at, '%Y-%m-%d')))
    WHEN h.n = 1 AND (h.is_signed IS FALSE OR h.is_authenticated IS FALSE)
      THEN fail('unsigned', concat(d.disclosure_id, ' rests on consent ', d.consent_ref, ', which is not signed or not authenticated'))
    WHEN h.n = 1 AND w.ended_at IS NOT NULL
      THEN fail('withdrawn', concat(d.disclosure_id, ' was disclosed on ', strftime(d.disclosed_at, '%Y-%m-%d'), ', its consent ended on ', strftime(w.ended_at, '%Y-%m-%d')))
    WHEN h.n > 1
      THEN unknown('two_grants', concat('consent ', d.consent_ref, ' was granted ', h.n, ' times'))
    WHEN w.unclear > 0
      THEN unknown('unclear_end', concat(d.disclosure_id, ': ', w.unclear, ' entry(ies) without number, date or action may have ended its consent'))
    WHEN d.basis = 'consent' AND d.outcome = 'disclosed' AND d.disclosed_at <= $as_of AND d.within_consent IS TRUE
         AND h.subject_ref = d.student_ref AND h.acted_at <= d.disclosed_at AND h.is_signed IS TRUE AND h.is_authenticated IS TRUE
         AND trim(h.records) <> '' AND trim(h.purpose) <> '' AND trim(h.recipient) <> ''
      THEN pass('consented', concat(d.disclosure_id, ' rests on consent ', d.consent_ref, ' of ', strftime(h.acted_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(d.disclosure_id, ': the disclosure or its consent was not found or lacks a part'))
  END AS result
FROM disclosure_record AS d
LEFT JOIN held AS h ON h.consent_id = d.consent_ref
LEFT JOIN ended AS w ON w.source = d.source AND w.disclosure_id = d.disclosure_id
WHERE (d.basis IN ('exception', 'none')) IS NOT TRUE AND (d.outcome IN ('pending', 'refused')) IS NOT TRUE
  AND (d.disclosed_at < $period_start) IS NOT TRUE
