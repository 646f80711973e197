-- Population: every project of the error tracker, also closed ones: what was sent lies there still.
SELECT
  concat(p.source, '/', p.project) AS resource,
  p.entry,
  CASE
    WHEN p.client_sends_personal IS TRUE
      THEN fail('sends_personal', concat(p.project, ': the program sends personal data by itself'))
    WHEN p.client_scrubs IS FALSE
      THEN fail('sent_whole', concat(p.project, ': the program removes nothing before it sends'))
    WHEN p.server_scrubs IS FALSE
      THEN fail('stored_whole', concat(p.project, ': the tracker removes nothing before it stores'))
    WHEN p.server_scrubs_defaults IS FALSE
      THEN fail('no_defaults', concat(p.project, ': the tracker''s own list of fields is switched off'))
    WHEN p.server_scrubs_ip IS FALSE
      THEN fail('keeps_addresses', concat(p.project, ': addresses of visitors are kept'))
    WHEN list_has_all(CAST($exempt_allowed AS VARCHAR[]), p.exempt_fields) IS FALSE
      THEN fail('exempt', concat(p.project, ': fields are kept as they are without approval, of ', array_to_string(p.exempt_fields, ', ')))
    WHEN p.client_sends_personal IS FALSE AND p.client_scrubs IS TRUE AND p.server_scrubs IS TRUE AND p.server_scrubs_defaults IS TRUE
         AND p.server_scrubs_ip IS TRUE AND list_has_all(CAST($exempt_allowed AS VARCHAR[]), p.exempt_fields)
      THEN pass('scrubbed', concat(p.project, ': the program and the tracker both remove personal data and secrets'))
    ELSE unknown('not_readable', concat(p.project, ': what the program or the tracker removes was not readable'))
  END AS result
FROM sentry_project AS p
