-- Population: every activity that is not said to have ended. For whom it is done decides which fields it needs.
SELECT
  r.activity AS resource,
  r.entry,
  CASE
    WHEN r.is_active IS FALSE THEN not_applicable('ended', concat(r.activity, ' is no longer done'))
    WHEN r.is_active IS TRUE AND r.reviewed_at < $as_of - days($days)
      THEN fail('review_old', concat(r.activity, ' was last checked on ', strftime(r.reviewed_at, '%Y-%m-%d')))
    WHEN r.is_active IS TRUE AND r.role IN ('controller', 'processor') AND r.reviewed_at <= $as_of AND trim(r.owner) <> '' AND trim(r.contact) <> ''
         AND trim(r.third_countries) <> '' AND trim(r.security_measures) <> ''
         AND ((r.role = 'controller' AND trim(r.purposes) <> '' AND trim(r.subject_categories) <> '' AND trim(r.data_categories) <> ''
               AND trim(r.recipients) <> '' AND trim(r.retention) <> '')
              OR (r.role = 'processor' AND trim(r.on_behalf_of) <> '' AND trim(r.processing_categories) <> ''))
      THEN pass('recorded', concat(r.activity, ' is recorded whole; last checked on ', strftime(r.reviewed_at, '%Y-%m-%d')))
    ELSE unknown('not_filled', concat(r.activity, ': role, owner, review or a required field is not filled in'))
  END AS result
FROM ropa_entry AS r
