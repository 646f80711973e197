-- Population: every right on objects to come that somebody set, each by itself. One that may be passed on ends in a star.
WITH given AS (
  SELECT
    g.source, g.entry, g.creator, g.schema_name, g.object_type, g.account, g.is_public, g.grantable,
    concat(g.database, '/', g.schema_name, '/', g.object_type, '/', g.account) AS place,
    unnest(CASE WHEN len(g.privileges) > 0 THEN g.privileges ELSE [NULL] END) AS privilege
  FROM default_grant AS g
), rights AS (
  SELECT
    g.*,
    g.place || '/' || g.privilege || CASE list_contains(g.grantable, g.privilege) WHEN TRUE THEN '*' WHEN FALSE THEN '' END AS told,
    g.schema_name || ' ' || g.object_type || ' ' || g.privilege IN ('* function EXECUTE', '* type USAGE') AS built_in
  FROM given AS g
)
SELECT
  concat(r.source, '/', r.place, '/', coalesce(r.privilege, '?'), ' from ', r.creator) AS resource,
  r.entry,
  CASE
    WHEN r.is_public IS TRUE AND r.built_in IS FALSE
      THEN fail('public', concat('everybody will have ', r.privilege, ' on each new ', r.object_type, ' of ', r.creator, ' (', r.place, ')'))
    WHEN r.is_public IS TRUE AND r.built_in IS TRUE
      THEN pass('built_in', concat('everybody has ', r.privilege, ' on each new ', r.object_type, ' where nothing is set, too'))
    WHEN r.is_public IS FALSE AND list_contains($approved::VARCHAR[], r.told)
      THEN pass('approved', concat(r.told, ' is approved'))
    WHEN r.is_public IS FALSE AND r.told IS NOT NULL AND len($approved::VARCHAR[]) > 0
      THEN fail('beyond_list', concat(r.told, ', set for what ', r.creator, ' creates, is not on the approved list'))
    ELSE unknown('undecided', concat(r.place, ': its rights were not readable, or no list says which are approved'))
  END AS result
FROM rights AS r
