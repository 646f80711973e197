-- Population: requests of any law that are open or had something happen in the period. An answer that grants something
-- tells that data is held, so identity must be known before it as well as before the data is handed over: both moments are
-- needed. A reset has no answer, and what is open may still be handed over.
WITH request AS (
  SELECT
    r.*, least(r.answered_at, r.executed_at) AS given_at,
    r.outcome IN ('granted', 'partly_granted') OR r.executed_at IS NOT NULL AS gave_something,
    r.outcome IN ('refused', 'no_data_held', 'withdrawn', 'not_completed') AND r.executed_at IS NULL AS gave_nothing
  FROM data_request AS r
  WHERE (r.status = 'closed' AND (
      (r.right_kind = 'credential_reset' AND r.executed_at < $period_start)
      OR (r.answered_at < $period_start
          AND (r.executed_at < $period_start OR (r.executed_at IS NULL AND r.outcome IN ('refused', 'no_data_held', 'withdrawn', 'not_completed')))))) IS NOT TRUE
)
SELECT
  r.request AS resource,
  r.entry,
  CASE
    WHEN r.gave_something IS TRUE AND r.given_at <= $as_of AND r.identity_verified_at > r.given_at
      THEN fail('verified_after', concat('request ', r.request, ': identity was verified on ', strftime(r.identity_verified_at, '%Y-%m-%d %H:%M'),
                ', after ', strftime(r.given_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN r.gave_nothing IS TRUE
      THEN not_applicable('nothing_given', concat('request ', r.request, ' ended without anything handed over: ', r.outcome))
    WHEN r.status = 'open' AND r.received_at <= $as_of AND r.outcome IS NULL AND r.answered_at IS NULL AND r.executed_at IS NULL
      THEN not_applicable('open', concat('request ', r.request, ' is open and nothing was handed over'))
    WHEN r.gave_something IS TRUE AND r.identity_verified_at >= r.received_at
         AND r.given_at <= $as_of AND trim(r.identity_method) <> ''
         AND (r.right_kind = 'credential_reset' OR r.answered_at IS NOT NULL) AND (r.status = 'open' OR r.executed_at IS NOT NULL)
      THEN pass('verified', concat('request ', r.request, ': identity was verified on ', strftime(r.identity_verified_at, '%Y-%m-%d %H:%M'), ' UTC'))
    ELSE unknown('not_filled', concat('request ', r.request, ': when or how identity was verified, or when data was handed over, is not filled in or does not fit'))
  END AS result
FROM request AS r
