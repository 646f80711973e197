-- Population: every demanded setting on every asset, left-joined to what the component itself reports. Questions at the
-- keyboard may ask for a password or for something else, so `yes` proves neither.
WITH demanded AS (
  SELECT unnest([
    {'component': 'sshd', 'name': 'permitrootlogin', 'good': ['no', 'prohibit-password', 'without-password', 'forced-commands-only'], 'bad': ['yes']},
    {'component': 'sshd', 'name': 'permitemptypasswords', 'good': ['no'], 'bad': ['yes']},
    {'component': 'sshd', 'name': 'passwordauthentication', 'good': ['no'], 'bad': ['yes']},
    {'component': 'sshd', 'name': 'kbdinteractiveauthentication', 'good': ['no'], 'bad': []},
    {'component': 'kernel', 'name': 'net.ipv4.conf.*.accept_redirects', 'good': ['0'], 'bad': ['1']},
    {'component': 'kernel', 'name': 'net.ipv6.conf.*.accept_redirects', 'good': ['0'], 'bad': ['1']},
    {'component': 'kernel', 'name': 'net.ipv4.conf.all.accept_source_route', 'good': ['0'], 'bad': ['1']}
  ], recursive := true)
),
wanted AS (
  SELECT a.source, a.entry, coalesce(a.hostname, a.asset) AS host, d.component, d.name, d.good, d.bad
  FROM asset AS a
  -- same: something is always demanded
  LEFT JOIN demanded AS d ON TRUE
)
SELECT
  concat(w.source, '/', w.host, ' ', w.component, ' ', w.name) AS resource,
  [w.entry, s.entry] AS entry,
  CASE
    WHEN list_contains(w.bad, s.value)
      THEN fail('weak', concat(w.host, ': ', w.component, ' ', w.name, ' is ', s.value, ', not ', array_to_string(w.good, ' or ')))
    WHEN list_contains(w.good, s.value)
      THEN pass('hardened', concat(w.host, ': ', w.component, ' ', w.name, ' is ', s.value))
    ELSE unknown('not_reported', concat(w.host, ': ', w.component, ' ', w.name,
                 -- same: words of the reason
                 CASE WHEN s.value <> '' THEN concat(' is ', s.value, ', which is neither good nor bad') ELSE ' was not reported' END))
  END AS result
FROM wanted AS w
LEFT JOIN setting AS s ON s.source = w.source AND s.component = w.component AND s.name = w.name
