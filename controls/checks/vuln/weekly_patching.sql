-- Population: every asset of the inventory, left-joined to the state of its packages.
WITH machine AS (
  SELECT m.source, m.asset, m.entry, coalesce(m.hostname, m.asset) AS name FROM asset AS m
)
SELECT
  concat(a.source, '/', a.name) AS resource,
  [a.entry, p.entry] AS entry,
  CASE
    WHEN p.security_archive_configured IS FALSE
      THEN fail('no_security_archive', concat(a.name, ': no security archive is among the package sources'))
    WHEN p.lists_refreshed_at < $as_of - to_days($lists_days::INTEGER)
      THEN fail('lists_old', concat(a.name, ': package lists are of ', strftime(p.lists_refreshed_at, '%Y-%m-%d')))
    WHEN p.oldest_security_released_at < $as_of - to_days($security_days::INTEGER)
      THEN fail('security_overdue', concat(a.name, ': a security update of ',
                strftime(p.oldest_security_released_at, '%Y-%m-%d'), ' still waits'))
    WHEN p.security_pending > 0 AND p.last_update_at < $as_of - to_days($upgrade_days::INTEGER)
      THEN fail('upgrade_overdue', concat(a.name, ': ', p.security_pending,
                ' security update(s) wait; packages were last upgraded on ', strftime(p.last_update_at, '%Y-%m-%d')))
    WHEN p.updates_pending > 0 AND p.last_update_at < $as_of - to_days($upgrade_days::INTEGER)
      THEN fail('upgrade_overdue', concat(a.name, ': ', p.updates_pending,
                ' update(s) wait; packages were last upgraded on ', strftime(p.last_update_at, '%Y-%m-%d')))
    WHEN p.reboot_required IS TRUE
      THEN fail('reboot_outstanding', concat(a.name, ': an installed update waits for a restart'))
    WHEN p.security_archive_configured IS TRUE AND p.lists_refreshed_at BETWEEN $as_of - to_days($lists_days::INTEGER) AND $as_of
         AND p.security_pending = 0 AND p.updates_pending = 0 AND p.reboot_required IS FALSE
      THEN pass('current', concat(a.name, ': no update waits, lists of ', strftime(p.lists_refreshed_at, '%Y-%m-%d')))
    WHEN p.security_archive_configured IS TRUE AND p.lists_refreshed_at BETWEEN $as_of - to_days($lists_days::INTEGER) AND $as_of
         AND p.last_update_at BETWEEN $as_of - to_days($upgrade_days::INTEGER) AND $as_of
         AND (p.security_pending = 0 OR p.security_pending >= 1 AND p.oldest_security_released_at BETWEEN $as_of - to_days($security_days::INTEGER) AND $as_of)
         AND p.reboot_required IS FALSE
      THEN pass('current', concat(a.name, ': upgraded on ', strftime(p.last_update_at, '%Y-%m-%d'), ', ',
                p.security_pending, ' newer security update(s) wait'))
    ELSE unknown('state_unknown', concat(a.name, ': lists, pending updates or outstanding restart were not readable'))
  END AS result
FROM machine AS a
LEFT JOIN patch_state AS p ON p.source = a.source AND p.asset = a.asset
