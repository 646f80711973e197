-- Population: every asset of the inventory, left-joined to its intrusion detection.
SELECT
  concat(a.source, '/', coalesce(a.hostname, a.asset)) AS resource,
  [a.entry, g.entry] AS entry,
  CASE
    WHEN g.installed IS FALSE
      THEN fail('not_installed', concat(coalesce(a.hostname, a.asset), ': no known intrusion detection product is installed'))
    WHEN g.installed IS TRUE AND g.active IS FALSE
      THEN fail('not_running', concat(coalesce(a.hostname, a.asset), ': ', g.product, ' does not run'))
    WHEN g.installed IS TRUE AND g.definitions_at < $as_of - days($signature_days)
      THEN fail('signatures_old', concat(coalesce(a.hostname, a.asset), ': signatures of ', g.product, ' are of ', strftime(g.definitions_at, '%Y-%m-%d')))
    WHEN g.installed IS TRUE AND g.ships_logs IS FALSE
      THEN fail('alerts_stay', concat(coalesce(a.hostname, a.asset), ': alerts of ', g.product, ' stay on the machine'))
    WHEN g.installed IS TRUE AND g.active IS TRUE AND g.definitions_at >= $as_of - days($signature_days) AND g.ships_logs IS TRUE
      THEN pass('watching', concat(coalesce(a.hostname, a.asset), ': ', g.product, ' runs, signatures of ', strftime(g.definitions_at, '%Y-%m-%d')))
    ELSE unknown('not_readable', concat(coalesce(a.hostname, a.asset), ': state of intrusion detection was not readable'))
  END AS result
FROM asset AS a
LEFT JOIN security_agent AS g ON g.source = a.source AND g.asset = a.asset AND g.role = 'intrusion_detection'
