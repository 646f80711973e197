-- Population: every asset of the inventory, left-joined to its file integrity product.
WITH machine AS (
  SELECT m.source, m.asset, m.entry, coalesce(m.hostname, m.asset) AS name FROM asset AS m
)
SELECT
  concat(a.source, '/', a.name) AS resource,
  [a.entry, g.entry] AS entry,
  CASE
    WHEN g.installed IS FALSE
      THEN fail('not_installed', concat(a.name, ': no known file integrity product is installed'))
    WHEN g.installed IS TRUE AND g.active IS FALSE
      THEN fail('not_running', concat(a.name, ': ', g.product, ' does not run on schedule'))
    WHEN g.installed IS TRUE AND g.unexplained_changes > 0
      THEN fail('unexplained', concat(a.name, ': ', g.product, ' reports ', g.unexplained_changes, ' unexplained change(s)'))
    WHEN g.installed IS TRUE AND g.last_run_at < $as_of - hours($hours)
      THEN fail('comparison_old', concat(a.name, ': ', g.product, ' last compared at ', strftime(g.last_run_at, '%Y-%m-%d %H:%M'), ' UTC'))
    WHEN g.installed IS TRUE AND g.active IS TRUE AND g.last_run_at BETWEEN $as_of - hours($hours) AND $as_of AND g.unexplained_changes = 0
      THEN pass('compared', concat(a.name, ': ', g.product, ' compared at ', strftime(g.last_run_at, '%Y-%m-%d %H:%M'), ' UTC, nothing unexplained'))
    ELSE unknown('not_readable', concat(a.name, ': state of file integrity was not readable'))
  END AS result
FROM machine AS a
LEFT JOIN security_agent AS g ON g.source = a.source AND g.asset = a.asset AND g.role = 'file_integrity'
