-- Population: every log found on the assets read; those of other classes do not apply.
SELECT
  concat(l.source, '/', l.asset, ' ', l.log) AS resource,
  l.entry,
  CASE
    WHEN l.log_class IN ('system', 'application')
      THEN not_applicable('other_log', concat(l.log, ' is a log of class ', l.log_class))
    WHEN l.log_class IN ('security', 'audit', 'access') AND l.persistent IS FALSE
      THEN fail('volatile', concat(l.log, ' is lost at every restart'))
    WHEN l.log_class IN ('security', 'audit', 'access') AND l.retention_days BETWEEN 1 AND $days - 1
      THEN fail('too_short', concat(l.log, ' is kept for ', l.retention_days, ' days, fewer than ', $days))
    WHEN l.log_class IN ('security', 'audit', 'access') AND l.world_readable IS TRUE
      THEN fail('open', concat(l.log, ' may be read by everybody on the machine'))
    WHEN l.log_class IN ('security', 'audit', 'access') AND l.persistent IS TRUE AND l.world_readable IS FALSE
         AND (l.retention_days = 0 OR l.retention_days >= $days)
      THEN pass('kept', concat(l.log,
                -- same: words of the reason
                CASE WHEN l.retention_days = 0 THEN ' is never deleted' ELSE concat(' is kept for ', l.retention_days, ' days') END))
    ELSE unknown('term_unknown', concat(l.log, ': class, term or permissions were not readable'))
  END AS result
FROM log_store AS l
