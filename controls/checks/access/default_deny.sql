-- Population: every pattern of the application's own map with the view behind it. What only the view's code decides is
-- not known, whatever stands in the list of public endpoints beside it.
SELECT
  concat(e.source, ': ', e.route, ' (', e.view, ')') AS resource,
  e.entry,
  CASE
    WHEN e.requires_signin IS FALSE AND e.public_listed IS FALSE
      THEN fail('open', concat(e.route, ' lets in callers who are not signed in and is not on the public list: ', e.basis))
    WHEN e.requires_signin IS TRUE
      THEN pass('guarded', concat(e.route, ' refuses callers who are not signed in: ', e.basis))
    WHEN e.public_listed IS TRUE
      THEN pass('listed', concat(e.route, ' is on the public list'))
    ELSE unknown('not_decidable', concat(e.route, ': whether it refuses callers who are not signed in was not decidable; ',
                 e.basis, ' ', array_to_string(e.undecided, ', ')))
  END AS result
FROM application_endpoint AS e
