-- Population: every set of data outside production. What was not looked at lately proves nothing.
SELECT
  concat(t.environment, '/', t.dataset) AS resource,
  t.entry,
  CASE
    WHEN t.contains_live_card_numbers IS TRUE AND t.is_masked IS FALSE
      THEN fail('card_numbers', concat(t.dataset, ' in ', t.environment, ' holds card numbers that are in use'))
    WHEN t.contains_production_personal_data IS TRUE AND t.is_masked IS FALSE
      THEN fail('personal_data', concat(t.dataset, ' in ', t.environment, ' holds personal data of production, not masked'))
    WHEN t.checked_at >= $as_of - days($days) AND t.checked_at <= $as_of
         AND t.contains_production_personal_data IS FALSE AND t.contains_live_card_numbers IS FALSE
      THEN pass('clean', concat(t.dataset, ' in ', t.environment, ' holds no live data; checked on ', strftime(t.checked_at, '%Y-%m-%d')))
    WHEN t.checked_at >= $as_of - days($days) AND t.checked_at <= $as_of
         AND t.contains_production_personal_data IS NOT NULL AND t.contains_live_card_numbers IS NOT NULL
         AND t.is_masked IS TRUE AND trim(t.masking_method) <> '' AND trim(t.masking_approved_by) <> '' AND t.masking_approved_at <= $as_of
      THEN pass('masked', concat(t.dataset, ' in ', t.environment, ' is masked; approved on ', strftime(t.masking_approved_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(t.dataset, ' in ', t.environment, ': contents, masking, approval or a check within ', $days, ' days is not filled in'))
  END AS result
FROM test_dataset AS t
