-- Population: every virtual host of the web servers read; the collector lists hosts without a firewall too.
SELECT
  concat(w.source, '/', w.host) AS resource,
  w.entry,
  CASE
    WHEN w.mode = 'off'
      -- same: words only
      THEN fail('none', concat(w.host, coalesce(concat(': ', w.engine, ' is switched off'), ' has no web application firewall')))
    WHEN w.mode = 'detect'
      THEN fail('only_watching', concat(w.host, ': ', w.engine, ' watches and does not block'))
    WHEN w.managed_rules IS FALSE
      THEN fail('no_rules', concat(w.host, ': no maintained rule set is loaded'))
    WHEN w.ruleset_updated_at < $as_of - days($rules_days)
      THEN fail('rules_old', concat(w.host, ': the rule set is of ', strftime(w.ruleset_updated_at, '%Y-%m-%d')))
    WHEN len(w.partly_off) > 0
      THEN fail('partly_off', concat(w.host, ': switched off for ', array_to_string(w.partly_off, ', ')))
    WHEN w.inspects_bodies IS FALSE
      THEN fail('bodies_unseen', concat(w.host, ': ', w.engine, ' does not look at request bodies'))
    WHEN w.anomaly_threshold > $anomaly_max
      THEN fail('lets_through', concat(w.host, ': refuses from an anomaly score of ', w.anomaly_threshold, ' only, more than ', $anomaly_max))
    WHEN w.unapproved_exclusions > 0
      THEN fail('exclusions', concat(w.host, ': ', w.unapproved_exclusions, ' excluded rule(s) without approval'))
    WHEN w.in_force IS FALSE
      THEN unknown('not_loaded', concat(w.host, ': its files changed, and the running server has not read them since'))
    WHEN w.in_force IS TRUE AND w.mode = 'block' AND w.managed_rules IS TRUE AND w.ruleset_updated_at BETWEEN $as_of - days($rules_days) AND $as_of
         AND len(w.partly_off) = 0 AND w.inspects_bodies IS TRUE AND w.unapproved_exclusions = 0 AND w.anomaly_threshold <= $anomaly_max
      THEN pass('blocking', concat(w.host, ': ', w.engine, ' blocks, rule set of ', strftime(w.ruleset_updated_at, '%Y-%m-%d')))
    ELSE unknown('not_readable', concat(w.host, ': mode, rules or exclusions were not readable, or no register of approved exclusions exists'))
  END AS result
FROM waf_policy AS w
