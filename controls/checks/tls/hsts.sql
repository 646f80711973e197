-- Population: every web site asked over HTTPS, and every virtual host with TLS of the web servers read. What is not known
-- to be inside counts as outside. Where the site itself was asked, its answer decides, except for what a file shows to
-- be lost in places that nobody asked for.
WITH addressed AS (
  SELECT
    lower(h.host) AS host, coalesce(nullif(regexp_extract(h.url, '^https://[^/]*:([0-9]+)(/|$)', 1), ''), '443') AS port, h.entry
  FROM http_endpoint AS h
  WHERE h.exposure = 'public' AND h.url LIKE 'https://%'  -- what was asked inside, or plainly, says nothing of what is answered outside
), asked AS (
  -- same: any entry will do
  SELECT a.host, a.port, min(a.entry) AS entry
  FROM addressed AS a
  GROUP BY a.host, a.port
), named AS (
  SELECT
    v.entry AS virtual_host,
    count(*) AS names,
    count(a.host) AS answered,
    -- same: any entry will do
    min(a.entry) AS entry
  FROM virtual_host AS v, unnest(string_split(v.host, ' ')) AS n(name) -- join: every block has a name, '_' for none
  LEFT JOIN asked AS a ON a.host = lower(n.name) AND ends_with(v.listen, concat(':', a.port))
  GROUP BY v.entry
), met AS (
  SELECT
    concat(h.source, '/', h.url) AS resource, h.entry, NULL AS answer_entry, h.url AS name, 'sends' AS how,
    h.exposure IN ('loopback', 'private') AS inside, h.hsts_max_age_s AS seconds, h.hsts_subdomains AS subdomains,
    [] AS lost, CASE WHEN h.url LIKE 'https://%' THEN TRUE END AS tls, FALSE AS refuses, FALSE AS proxied, TRUE AS current, FALSE AS answered
  FROM http_endpoint AS h
  UNION ALL
  SELECT
    concat(v.source, '/', v.host, ' ', v.listen), v.entry, n.entry, concat(v.host, ' on ', v.listen), 'is configured to send',
    v.exposure IN ('loopback', 'private'),
    v.hsts_max_age_s, v.hsts_subdomains, v.hsts_lost_in, v.tls, v.refuses_all, v.proxied, v.in_force, n.answered = n.names
  FROM virtual_host AS v
  -- same: every block has a name
  LEFT JOIN named AS n ON n.virtual_host = v.entry
)
SELECT
  m.resource,
  [m.entry, m.answer_entry] AS entry,
  CASE
    WHEN m.current IS TRUE AND m.tls IS FALSE
      THEN not_applicable('not_tls', concat(m.name, ' has no TLS, where the header would not count'))
    WHEN m.current IS TRUE AND m.refuses IS TRUE
      THEN not_applicable('refuses', concat(m.name, ' answers nobody'))
    WHEN m.current IS TRUE AND m.inside IS TRUE
      THEN not_applicable('not_outside', concat(m.name, ' answers only on loopback or private addresses'))
    WHEN m.tls IS FALSE OR m.refuses IS TRUE OR m.inside IS TRUE
      THEN unknown('not_loaded', concat(m.name, ': that it has no TLS, answers nobody or only inside is in a file that the running server may not have read'))
    WHEN len(m.lost) > 0
      THEN fail('hsts_lost', concat(m.name, ': headers of their own drop it in ', array_to_string(m.lost, ', ')))
    WHEN m.current IS TRUE AND m.answered IS TRUE AND len(m.lost) = 0
      THEN not_applicable('asked_itself', concat(m.name, ' is judged by its own answers'))
    WHEN m.current IS TRUE AND m.answered IS TRUE
      THEN unknown('hsts_unreadable', concat(m.name, ' was asked itself; where its file loses the header was not readable'))
    WHEN m.seconds = 0 AND m.proxied IS FALSE AND m.tls IS TRUE
      THEN fail('hsts_missing', concat(m.name, ' sends no Strict-Transport-Security'))
    WHEN m.seconds = 0
      THEN unknown('hsts_unreadable', concat(m.name, ' adds no Strict-Transport-Security; whether the application does was not asked'))
    WHEN m.seconds < $max_age_s
      THEN fail('hsts_short', concat(m.name, ' ', m.how, ' max-age ', m.seconds, ' s, less than ', $max_age_s, ' s'))
    WHEN m.subdomains IS FALSE
      THEN fail('hsts_no_subdomains', concat(m.name, ' leaves subdomains out'))
    WHEN m.current IS FALSE
      THEN unknown('not_loaded', concat(m.name, ': the configuration changed, and the running server has not read it since'))
    WHEN m.current IS TRUE AND m.tls IS TRUE AND m.seconds >= $max_age_s AND m.subdomains IS TRUE AND len(m.lost) = 0
      THEN pass('hsts_ok', concat(m.name, ' ', m.how, ' max-age ', m.seconds, ' s with subdomains'))
    ELSE unknown('hsts_unreadable', concat(m.name, ': the headers of its answers over TLS were not readable'))
  END AS result
FROM met AS m
