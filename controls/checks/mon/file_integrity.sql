-- Population: every asset of the inventory, left-joined to its file integrity product.
SELECT
  concat(a.source, '/', coalesce(a.hostname, a.asset)) AS resource,
  [a.entry, g.entry] AS entry,
  CASE
    WHEN g.installed IS FALSE
      THEN fail('not_installed', concat(coalesce(a.hostname, a.asset), ': no known file integrity product is installed'))
    WHEN g.installed IS TRUE AND g.active IS FALSE
      THEN fail('not_running', concat(coalesce(a.hostname, a.asset), ': ', g.product, ' does not run on schedule'))
    WHEN g.installed IS TRUE AND g.unexplained_changes > 0
      THEN fail('unexplained', concat(coalesce(a.hostname, a.asset), ': ', g.product, ' reports ', g.unexplained_changes, ' unexplained change(s)'))
    WHEN g.installed IS TRUE AND g.last_run_at < $as_of - hours($hours)
      THEN fail('comparison_old', concat(coalesce(a.hostname, a.asset), ': ', g.product, ' last compared at ', strftime(g.last_run_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN g.installed IS TRUE AND g.active IS TRUE AND g.last_run_at >= $as_of - hours($hours) AND g.unexplained_changes = 0
      THEN pass('compared', concat(coalesce(a.hostname, a.asset), ': ', g.product, ' compared at ', strftime(g.last_run_at, '%Y-%m-%d %H:%M'), ' UTC, nothing unexplained'))
    ELSE unknown('not_readable', concat(coalesce(a.hostname, a.asset), ': state of file integrity was not readable'))
  END AS result
FROM asset AS a
LEFT JOIN security_agent AS g ON g.source = a.source AND g.asset = a.asset AND g.role = 'file_integrity'
