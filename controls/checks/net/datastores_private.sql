-- Population: every listening socket. What is bound inside is safe whoever it is; outside, it must be known to keep no data.
SELECT
  s.source || '/' || s.asset || ' ' || s.protocol || ' ' || s.address || ':' || s.port AS resource,
  s.entry,
  CASE
    WHEN s.is_data_store IS TRUE AND s.exposure = 'public'
      -- same: a name in words
      THEN fail('reachable', concat(coalesce(s.component, 'a data store'), ' listens on ', s.address, ':', s.port))
    WHEN s.is_data_store IS FALSE
      -- same: a name in words
      THEN not_applicable('not_a_store', concat(coalesce(s.component, concat('port ', s.port)), ' is no database, cache or search engine'))
    WHEN s.exposure IN ('loopback', 'private')
      -- same: a name in words
      THEN pass('inside', concat(coalesce(s.component, concat('port ', s.port)), ' listens on ', s.exposure, ' address ', s.address))
    ELSE unknown('not_known', concat('port ', s.port, ' on ', s.address, ': which process it is, or from where it can be reached, was not readable'))
  END AS result
FROM listening_socket AS s
