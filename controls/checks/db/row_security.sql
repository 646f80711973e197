-- Population: the declared tables, found or not, and every account of the servers that hold one. Without a declaration
-- there is none, and the control stays unknown. BYPASSRLS and REPLICATION are not inherited but taken on, so each
-- membership counts. Who may copy the server, or read its files, is above policies that no question of his ever meets.
WITH above AS (
  SELECT
    g.source, g.account,
    count(*) FILTER (WHERE r.detail ->> 'bypassrls' = 'true') AS bypassing,
    count(*) FILTER (WHERE r.detail ->> 'replication' = 'true'
      OR g.role IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')) AS copying,
    count(*) FILTER (WHERE r.detail ->> 'bypassrls' = 'false') AS bound,
    count(*) FILTER (WHERE r.detail ->> 'replication' = 'false') AS kept,
    count(*) AS held
  FROM role_grant AS g
  LEFT JOIN user_account AS r ON r.source = g.source AND r.account = g.role
  GROUP BY g.source, g.account
), holder AS (
  SELECT
    u.source, u.account, u.entry, u.is_active, u.is_superuser,
    CASE
      WHEN u.is_superuser IS TRUE OR u.detail ->> 'bypassrls' = 'true' OR a.bypassing > 0 THEN TRUE
      WHEN u.is_superuser IS FALSE AND u.detail ->> 'bypassrls' = 'false' AND (a.held IS NULL OR a.held = a.bound) THEN FALSE
    END AS bypasses,
    CASE
      WHEN u.detail ->> 'replication' = 'true' OR a.copying > 0 THEN TRUE
      WHEN u.detail ->> 'replication' = 'false' AND (a.held IS NULL OR a.held = a.kept) THEN FALSE
    END AS copies
  FROM user_account AS u
  LEFT JOIN above AS a ON a.source = u.source AND a.account = u.account
), above_policies AS (
  SELECT h.source, count(*) FILTER (WHERE h.bypasses IS NOT FALSE AND h.is_superuser IS NOT TRUE) AS n FROM holder AS h GROUP BY h.source
), tenant AS (
  SELECT p.*, concat(p.database, '.', p.table_name) AS name FROM row_protection AS p
  WHERE list_contains($tables::VARCHAR[], concat(p.database, '.', p.table_name))
), judged AS (
  SELECT concat(t.source, '/', t.instance, '/', t.name) AS resource, t.entry, t.name, t.is_enabled, t.is_forced, t.open_policies,
    t.unfiltered_accounts, n.n AS excused, CAST(NULL AS VARCHAR) AS account, CAST(NULL AS BOOLEAN) AS is_active, CAST(NULL AS BOOLEAN) AS bypasses,
    CAST(NULL AS BOOLEAN) AS copies
  FROM tenant AS t
  LEFT JOIN above_policies AS n ON n.source = t.source
  UNION ALL
  SELECT d.name, s.entry, d.name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM (SELECT DISTINCT unnest($tables::VARCHAR[]) AS name) AS d
  -- same: always one row, and any entry of a server will do
  LEFT JOIN (SELECT min(i.entry) AS entry FROM database_instance AS i) AS s ON TRUE
  LEFT JOIN tenant AS t ON t.name = d.name
  WHERE t.name IS NULL AND s.entry IS NOT NULL
  UNION ALL
  SELECT concat(h.source, '/', h.account), h.entry, h.account, NULL, NULL, NULL, NULL, NULL, h.account, h.is_active, h.bypasses,
    h.copies
  FROM holder AS h
  WHERE h.source IN (SELECT t.source FROM tenant AS t)
)
SELECT
  j.resource,
  j.entry,
  CASE
    WHEN j.is_enabled IS FALSE
      THEN fail('off', concat(j.name, ' does not filter its rows'))
    WHEN j.is_forced IS FALSE
      THEN fail('not_forced', concat(j.name, ' does not filter the rows its owner sees'))
    WHEN j.unfiltered_accounts > j.excused
      THEN fail('open', concat(j.unfiltered_accounts, ' accounts read every row of ', j.name, '; at most ', j.excused, ' by a right to bypass policies'))
    WHEN j.is_enabled IS TRUE AND j.is_forced IS TRUE AND j.excused >= 0 AND (j.unfiltered_accounts = 0 OR j.open_policies = 0)
      THEN pass('filtered', concat(j.name, ' filters its rows for everybody, its owner too'))
    WHEN j.is_active IS FALSE
      THEN not_applicable('inactive', concat(j.name, ' cannot sign in'))
    WHEN list_contains($bypassing::VARCHAR[], j.account)
      THEN pass('declared', concat(j.name, ' is declared to see every row'))
    WHEN j.is_active IS TRUE AND j.bypasses IS TRUE
      THEN fail('bypasses', concat(j.name, ' can sign in, bypasses policies of rows and is not declared'))
    WHEN j.is_active IS TRUE AND j.copies IS TRUE
      THEN fail('copies', concat(j.name, ' can sign in, may copy the server or read its files and is not declared'))
    WHEN j.bypasses IS FALSE AND j.copies IS FALSE
      THEN pass('bound', concat(j.name, ' is bound by policies of rows'))
    ELSE unknown('not_seen', concat(j.name, ' is in no database that was read, or its row security was not readable'))
  END AS result
FROM judged AS j
