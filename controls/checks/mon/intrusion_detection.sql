-- Population: every asset of the inventory, left-joined to its intrusion detection.
WITH machine AS (
  SELECT m.source, m.asset, m.entry, coalesce(m.hostname, m.asset) AS name FROM asset AS m
)
SELECT
  concat(a.source, '/', a.name) AS resource,
  [a.entry, g.entry] AS entry,
  CASE
    WHEN g.installed IS FALSE
      THEN fail('not_installed', concat(a.name, ': no known intrusion detection product is installed'))
    WHEN g.installed IS TRUE AND g.active IS FALSE
      THEN fail('not_running', concat(a.name, ': ', g.product, ' does not run'))
    WHEN g.installed IS TRUE AND g.definitions_at < $as_of - days($signature_days)
      THEN fail('signatures_old', concat(a.name, ': signatures of ', g.product, ' are of ', strftime(g.definitions_at, '%Y-%m-%d')))
    WHEN g.installed IS TRUE AND g.ships_logs IS FALSE
      THEN fail('alerts_stay', concat(a.name, ': alerts of ', g.product, ' stay on the machine'))
    WHEN g.installed IS TRUE AND g.active IS TRUE AND g.definitions_at BETWEEN $as_of - days($signature_days) AND $as_of AND g.ships_logs IS TRUE
      THEN pass('watching', concat(a.name, ': ', g.product, ' runs, signatures of ', strftime(g.definitions_at, '%Y-%m-%d')))
    ELSE unknown('not_readable', concat(a.name, ': state of intrusion detection was not readable'))
  END AS result
FROM machine AS a
LEFT JOIN security_agent AS g ON g.source = a.source AND g.asset = a.asset AND g.role = 'intrusion_detection'
