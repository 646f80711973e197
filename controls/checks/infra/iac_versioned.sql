-- Population: every repository read; those without infrastructure as code do not apply.
SELECT
  concat(r.source, '/', r.repository) AS resource,
  r.entry,
  CASE
    WHEN r.is_iac IS FALSE
      THEN not_applicable('not_iac', concat(r.repository, ' holds no infrastructure as code'))
    WHEN r.is_iac IS TRUE AND r.remote = ''
      THEN fail('no_remote', concat(r.repository, ' has no remote: it exists only on this machine'))
    WHEN r.is_iac IS TRUE AND r.uncommitted_changes > 0
      THEN fail('uncommitted', concat(r.repository, ': ', r.uncommitted_changes, ' file(s) changed and not committed'))
    WHEN r.is_iac IS TRUE AND r.protected IS FALSE
      THEN fail('unprotected', concat(r.repository, ': the default branch is not protected'))
    WHEN r.is_iac IS TRUE AND r.required_reviews < $reviews
      THEN fail('unprotected', concat(r.repository, ': ', r.required_reviews, ' approval(s) demanded, fewer than ', $reviews))
    WHEN r.is_iac IS TRUE AND r.admins_bypass IS TRUE
      THEN fail('bypass', concat(r.repository, ': administrators may bypass the review'))
    WHEN r.is_iac IS TRUE AND r.remote <> '' AND r.protected IS TRUE AND r.required_reviews >= $reviews AND r.admins_bypass IS FALSE
         AND (r.uncommitted_changes = 0 OR json_extract_string(r.detail, '$.is_bare') = 'true')
      THEN pass('protected', concat(r.repository, ': ', r.required_reviews, ' approval(s) demanded, no bypass'))
    ELSE unknown('protection_unknown', concat(r.repository, ': how the host protects the default branch, or whether all is committed, was not readable'))
  END AS result
FROM repository AS r
