-- Population: every role that a system has or the catalogue declares. A single right that was given to an account without
-- a role counts as a role of its own.
SELECT
  concat(d.source, '/', d.role) AS resource,
  d.entry,
  CASE
    WHEN d.exists IS TRUE AND d.is_declared IS FALSE
      THEN fail('not_declared', concat(d.role, ' is not in the catalogue of approved roles'))
    WHEN d.exists IS TRUE AND list_has_all(d.approved_permissions, d.permissions) IS FALSE AND list_contains(d.approved_permissions, '*') IS FALSE
      THEN fail('beyond_approval', concat(d.role, ' carries ', len(d.permissions) - len(list_intersect(d.permissions, d.approved_permissions)), ' permission(s) that it is not approved for'))
    WHEN d.exists IS TRUE AND d.is_approved IS FALSE
      THEN fail('not_approved', concat(d.role, ': the catalogue does not say who approved it, and when'))
    WHEN d.exists IS TRUE AND (trim(d.owner) = '' OR trim(d.purpose) = '')
      THEN fail('no_owner', concat(d.role, ' has no owner or no purpose in the catalogue'))
    WHEN d.exists IS FALSE
      THEN not_applicable('not_there', concat(d.role, ' is declared, and the system does not have it'))
    WHEN d.exists IS TRUE AND d.is_declared IS TRUE AND d.is_approved IS TRUE AND trim(d.owner) <> '' AND trim(d.purpose) <> ''
         AND (list_has_all(d.approved_permissions, d.permissions) OR d.permissions IS NOT NULL AND list_contains(d.approved_permissions, '*'))
      THEN pass('approved', concat(d.role, ' belongs to ', d.owner, '; ', len(d.permissions), ' permission(s), all approved'))
    ELSE unknown('no_catalogue', concat(d.role, ': its permissions, or a catalogue of approved roles, were not readable'))
  END AS result
FROM role_definition AS d
