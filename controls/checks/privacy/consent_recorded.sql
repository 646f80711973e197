-- Population: consents granted, of any age: they are relied on until they are withdrawn. Entries that do not say what was
-- done stay, undecided. Consents under FERPA are judged with the disclosures that rest on them.
WITH known AS (
  SELECT n.notice_id, n.version, min(n.published_at) AS published_at, max(n.entry) AS entry  -- same: any language is one it rests on
  FROM privacy_notice AS n
  GROUP BY n.notice_id, n.version
), over AS (
  SELECT e.source, e.event_id, max(w.acted_at) AS ended_at
  FROM consent_event AS e
  -- join: a consent that nobody withdrew has no end
  JOIN consent_event AS w ON w.source = e.source AND w.consent_id = e.consent_id AND w.action = 'withdrawn' AND w.acted_at >= e.acted_at
  GROUP BY e.source, e.event_id
)
SELECT
  e.event_id AS resource,
  [e.entry, k.entry] AS entry,
  CASE
    WHEN e.action IS NULL
      THEN unknown('not_filled', concat('entry ', e.event_id, ' does not say what the person did'))
    WHEN e.regime = 'gdpr' AND e.form = 'tacit'
      THEN fail('tacit', concat('consent ', e.event_id, ' is tacit, which the GDPR does not know'))
    WHEN e.regime = 'lfpdppp' AND e.data_class = 'financial' AND e.form = 'tacit'
      THEN fail('tacit', concat('consent ', e.event_id, ' is tacit and covers financial data'))
    WHEN e.regime = 'lfpdppp' AND e.data_class = 'sensitive' AND e.form IN ('tacit', 'express')
      THEN fail('not_written', concat('consent ', e.event_id, ' is ', e.form, ' and covers sensitive data'))
    WHEN e.regime = 'lfpdppp' AND e.data_class = 'sensitive' AND e.is_signed IS FALSE AND e.is_authenticated IS FALSE
      THEN fail('not_signed', concat('consent ', e.event_id, ' covers sensitive data and is neither signed nor authenticated'))
    WHEN e.subject_ref <> '' AND trim(e.purpose) <> '' AND e.acted_at <= $as_of AND k.published_at <= e.acted_at
         AND ((e.regime = 'gdpr' AND e.form IN ('express', 'written') AND e.data_class <> '')
              OR (e.regime = 'lfpdppp' AND e.data_class = 'ordinary' AND e.form <> '')
              OR (e.regime = 'lfpdppp' AND e.data_class = 'financial' AND e.form IN ('express', 'written'))
              OR (e.regime = 'lfpdppp' AND e.data_class = 'sensitive' AND e.form = 'written' AND (e.is_signed IS TRUE OR e.is_authenticated IS TRUE)))
      THEN pass('recorded', concat('consent ', e.event_id, ' of ', strftime(e.acted_at, '%Y-%m-%d'), ' is ', e.form, ', for ', e.data_class, ' data'))
    ELSE unknown('not_filled', concat('consent ', e.event_id, ': person, law, purpose, date, form, data or signature are not filled in, or its notice was not published by then'))
  END AS result
FROM consent_event AS e
LEFT JOIN known AS k ON k.notice_id = e.notice_id AND k.version = e.notice_version
LEFT JOIN over AS o ON o.source = e.source AND o.event_id = e.event_id
WHERE (e.action IN ('refused', 'withdrawn')) IS NOT TRUE AND e.regime IS DISTINCT FROM 'ferpa' AND (o.ended_at < $period_start) IS NOT TRUE
