-- Population: every repository. A definition alone never passes; a reviewed sample of its runs that names it,
-- not older than a week, does.
WITH defined AS (
  SELECT
    d.source,
    d.repository,
    -- same: any entry will do
    min(d.entry) AS entry,
    count(*) FILTER (WHERE d.error IS NOT NULL OR d.tool_types IS NULL) AS broken,
    list_distinct(flatten(list(d.tool_types))) AS tools
  FROM ci_definition AS d
  GROUP BY d.source, d.repository
),
named AS (
  SELECT unnest(a.resources) AS resource, a.entry
  FROM attestation AS a
  WHERE a.control = 'change.security_tests' AND a.form = 'sample' -- null: an attestation for no control does not count
    AND trim(a.reviewed_by) > '' AND trim(a.by_person) > '' -- null: erased; two persons cannot be told
    AND (trim(regexp_replace(lower(a.reviewed_by), '\s+', ' ', 'g'))
         = trim(regexp_replace(lower(a.by_person), '\s+', ' ', 'g'))) IS FALSE -- another spelling is no second person
    AND coalesce(a.revokes, '') = '' -- what takes another back states nothing of its own
    AND a.occurred_at <= $as_of -- null: always given
    AND a.expires_at > $as_of -- null: always given
    AND NOT EXISTS (SELECT 1 FROM attestation AS x WHERE x.revokes = a.attestation) -- null: only a named one is taken back
    AND a.occurred_at >= $as_of - to_days(7) -- null: always given
),
sampled AS (
  SELECT n.resource, count(*) AS samples,
    -- same: any entry will do
    max(n.entry) AS entry
  FROM named AS n
  GROUP BY n.resource
),
judged AS (
  SELECT
    r.source,
    r.repository,
    [r.entry, d.entry, s.entry] AS entry,
    r.has_ci,
    d.broken,
    CASE WHEN r.is_iac IS FALSE THEN $required ELSE list_append($required, 'iac') END AS wanted,
    d.tools,
    s.samples
  FROM repository AS r
  LEFT JOIN defined AS d ON d.source = r.source AND d.repository = r.repository
  LEFT JOIN sampled AS s ON s.resource = concat(r.source, '/', r.repository)
)
SELECT
  concat(j.source, '/', j.repository) AS resource,
  j.entry,
  CASE
    WHEN j.has_ci IS FALSE
      THEN fail('no_pipeline', concat(j.repository, ' has no pipeline definition'))
    WHEN j.broken > 0
      THEN unknown('broken_definition', concat(j.repository, ': ', j.broken, ' pipeline definition(s) cannot be parsed'))
    WHEN NOT list_has_all(j.tools, j.wanted)
      THEN fail('missing', concat(j.repository, ': the pipeline calls ',
                -- same: words of the reason
                coalesce(nullif(array_to_string(list_sort(j.tools), ', '), ''), 'none'),
                ' of ', array_to_string(j.wanted, ', ')))
    WHEN list_has_all(j.tools, j.wanted) AND j.samples IS NOT NULL
      THEN pass('ran_clean', concat(j.repository, ': all checks are defined, and a reviewed sample of their runs is in date'))
    ELSE unknown('defined_not_seen', concat(j.repository, ': that the defined checks ran, and what they found, was not read'))
  END AS result
FROM judged AS j
