-- Population: every direction of every zone a packet filter was read for; the collector lists unfiltered directions too.
SELECT
  d.source || '/' || d.zone || ' ' || d.direction AS resource,
  d.entry,
  CASE
    WHEN d.default_action = 'allow' AND d.defined_by IS NULL
      THEN fail('no_filter', concat(d.zone, ': nothing filters direction ', d.direction))
    WHEN d.default_action = 'allow'
      THEN fail('allowed', concat(d.zone, ': ', d.defined_by, ' lets through what no rule mentions (', d.direction, ')'))
    WHEN d.default_action = 'deny'
      THEN pass('denied', concat(d.zone, ': direction ', d.direction, ' refuses what no rule allows'))
    ELSE unknown('unclear', concat(d.zone, ': the default of direction ', d.direction, ' is ', d.default_action))
  END AS result
FROM firewall_default AS d
