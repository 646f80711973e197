"""The SQL that is put to PostgreSQL, word for word: it is recorded as the request.

Only catalogues and statistics are read. What may carry a secret stays in the server: password hashes, the archive
command and connection strings are reduced to a word there, or not asked for.
"""

from __future__ import annotations

from compliance.collectors.postgres.session import Query

_EVERYBODY = "the catalogues were closed to the reading role: GRANT SELECT on them again"
_HBA = "GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO the reading role, in the database of `dbname`"

READER = Query(
    "rights of the reading role",
    """SELECT current_setting('server_version') AS version,
       current_setting('server_version_num')::int AS version_num,
       pg_has_role('pg_read_all_settings', 'USAGE') AS reads_settings,
       pg_has_role('pg_read_all_stats', 'USAGE') AS reads_stats,
       has_table_privilege('pg_authid', 'SELECT') AS reads_passwords,
       pg_is_in_recovery() AS in_recovery,
       pg_postmaster_start_time() AS started_at,
       pg_conf_load_time() AS loaded_at,
       host(inet_server_addr()) AS server_address,
       inet_server_port() AS server_port,
       now() AS now""",
    _EVERYBODY,
)

SYSTEM = Query(
    "control data",
    "SELECT system_identifier::text AS system_identifier FROM pg_control_system()",
    "GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() TO the reading role",
)

SETTINGS = Query(
    "settings",
    """SELECT name, setting, unit, source, sourcefile, pending_restart
FROM pg_settings
WHERE name IN (
    'archive_mode', 'archive_timeout', 'authentication_timeout', 'cluster_name', 'config_file', 'data_checksums',
    'data_directory', 'data_directory_mode', 'db_user_namespace', 'default_transaction_read_only', 'event_source',
    'fsync', 'full_page_writes', 'hba_file', 'hot_standby', 'ident_file', 'idle_in_transaction_session_timeout',
    'idle_session_timeout', 'jit', 'krb_caseins_users', 'lc_messages', 'listen_addresses',
    'log_autovacuum_min_duration',
    'log_checkpoints', 'log_connections', 'log_destination', 'log_directory', 'log_disconnections',
    'log_duration', 'log_error_verbosity', 'log_file_mode', 'log_filename', 'log_hostname', 'log_line_prefix',
    'log_lock_waits', 'log_min_duration_statement', 'log_min_error_statement', 'log_min_messages',
    'log_parameter_max_length', 'log_parameter_max_length_on_error', 'log_replication_commands', 'log_rotation_age',
    'log_rotation_size', 'log_statement', 'log_timezone', 'log_truncate_on_rotation', 'logging_collector',
    'max_connections', 'max_replication_slots', 'max_wal_senders', 'password_encryption', 'pgaudit.log',
    'pgaudit.log_catalog', 'pgaudit.log_level', 'pgaudit.log_parameter', 'pgaudit.log_relation', 'pgaudit.role',
    'port', 'reserved_connections', 'row_security', 'scram_iterations', 'session_preload_libraries',
    'shared_preload_libraries', 'ssl', 'ssl_ca_file', 'ssl_cert_file', 'ssl_ciphers', 'ssl_crl_file',
    'ssl_ecdh_curve', 'ssl_key_file', 'ssl_max_protocol_version', 'ssl_min_protocol_version',
    'ssl_prefer_server_ciphers', 'superuser_reserved_connections', 'synchronous_commit', 'synchronous_standby_names',
    'syslog_facility', 'syslog_ident', 'unix_socket_directories', 'unix_socket_permissions', 'wal_compression',
    'wal_level', 'wal_log_hints')
ORDER BY name""",
    "GRANT pg_read_all_settings TO the reading role (pg_monitor contains it)",
)

OVERRIDES = Query(
    "settings of roles and databases",
    """SELECT r.rolname::text AS role, d.datname::text AS database,
       split_part(c.item, '=', 1) AS name, substr(c.item, strpos(c.item, '=') + 1) AS setting
FROM pg_db_role_setting s
LEFT JOIN pg_roles r ON r.oid = s.setrole
LEFT JOIN pg_database d ON d.oid = s.setdatabase
CROSS JOIN LATERAL unnest(s.setconfig) AS c(item)
WHERE split_part(c.item, '=', 1) IN ('log_statement', 'log_min_messages', 'pgaudit.log', 'pgaudit.log_level',
                                     'idle_session_timeout', 'password_encryption')
ORDER BY 1 NULLS FIRST, 2 NULLS FIRST, 3""",
    _EVERYBODY,
)

# from PostgreSQL 15 on
PARAMETER_RIGHTS = Query(
    "rights to change settings",
    """SELECT p.parname AS setting, CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee)::text END AS grantee,
       a.privilege_type AS privilege, a.is_grantable AS grantable
FROM pg_parameter_acl p CROSS JOIN LATERAL aclexplode(p.paracl) a
ORDER BY 1, 2, 3""",
    _EVERYBODY,
)

ROLES = Query(
    "roles",
    """SELECT r.oid::bigint AS oid, r.rolname::text AS role, r.rolsuper AS superuser, r.rolinherit AS inherit,
       r.rolcreaterole AS createrole, r.rolcreatedb AS createdb, r.rolcanlogin AS login,
       r.rolreplication AS replication, r.rolbypassrls AS bypassrls, r.rolconnlimit AS connection_limit,
       CASE WHEN isfinite(r.rolvaliduntil) THEN r.rolvaliduntil END AS valid_until,
       coalesce(r.rolvaliduntil <= now(), false) AS expired
FROM pg_roles r ORDER BY r.rolname""",
    _EVERYBODY,
    "SELECT count(*) AS count FROM pg_roles",
)

PASSWORDS = Query(
    "kinds of stored passwords",
    """SELECT rolname::text AS role,
       CASE WHEN rolpassword IS NULL THEN NULL
            WHEN left(rolpassword, 14) = 'SCRAM-SHA-256$' THEN 'SCRAM-SHA-256'
            WHEN left(rolpassword, 3) = 'md5' THEN 'md5'
            ELSE 'other' END AS algorithm
FROM pg_authid ORDER BY rolname""",
    "name a view as stored_forms (optional; see the README), or GRANT SELECT ON pg_authid TO the reading role",
)


def view_definition(view: str) -> Query:
    """Who owns the view and what it is. `view` is schema.name, both plain identifiers (the settings refuse others)."""
    return Query(
        f"definition of {view}",
        f"""SELECT r.rolsuper AS by_superuser, pg_get_viewdef(c.oid) AS definition
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
WHERE c.relkind = 'v' AND n.nspname || '.' || c.relname = '{view}'""",  # noqa: S608 - a plain identifier
        _EVERYBODY,
    )


def password_forms(view: str) -> Query:
    """What such a view tells; whatever is no known word stays in the server."""
    schema, name = view.split(".")
    return Query(
        "forms of stored passwords",
        f"""SELECT role::text AS role,
       CASE WHEN algorithm IS NULL THEN NULL
            WHEN algorithm IN ('SCRAM-SHA-256', 'md5') THEN algorithm::text
            ELSE 'other' END AS algorithm
FROM "{schema}"."{name}" ORDER BY role""",  # noqa: S608 - plain identifiers
        f"GRANT SELECT ON {view} TO the reading role, and USAGE on its schema",
    )


MEMBERS = Query(
    "role memberships",
    """SELECT pg_get_userbyid(m.member)::text AS member, pg_get_userbyid(m.roleid)::text AS role,
       bool_or(m.admin_option) AS admin_option,
       string_agg(DISTINCT pg_get_userbyid(m.grantor)::text, ', '
                  ORDER BY pg_get_userbyid(m.grantor)::text) AS granted_by,
       bool_or(coalesce((to_jsonb(m) ->> 'inherit_option')::boolean,  -- before PostgreSQL 16 the account itself says
                        (SELECT r.rolinherit FROM pg_roles r WHERE r.oid = m.member))) AS inherits,
       bool_or(coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)) AS may_assume
FROM pg_auth_members m GROUP BY m.member, m.roleid ORDER BY 1, 2""",
    _EVERYBODY,
)

DATABASES = Query(
    "databases",
    """SELECT d.datname::text AS database, pg_get_userbyid(d.datdba)::text AS owner, d.datistemplate AS is_template,
       d.datallowconn AS allows_connections,
       CASE WHEN has_database_privilege(d.oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
            THEN pg_database_size(d.oid) / 1048576 END AS size_mib,
       EXISTS (SELECT 1 FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
               WHERE a.grantee = 0 AND a.privilege_type = 'CONNECT') AS public_connect,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(
                   CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable)),
                   '[]')
        FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a) AS acl
FROM pg_database d ORDER BY d.datname""",
    _EVERYBODY,
    "SELECT count(*) AS count FROM pg_database",
)

OBJECT_RIGHTS = Query(
    "rights on schemas and tables",
    """SELECT 'schema' AS object_type, format('%I', n.nspname) AS object, pg_get_userbyid(n.nspowner)::text AS owner,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(
                   CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable)),
                   '[]')
        FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a) AS acl,
       '[]'::jsonb AS column_acl
FROM pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
UNION ALL
SELECT 'table', format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner)::text,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(
                   CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable)),
                   '[]')
        FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a),
       (SELECT coalesce(jsonb_agg(jsonb_build_array(
                   CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable,
                   t.attname)), '[]')
        FROM pg_attribute t CROSS JOIN LATERAL aclexplode(t.attacl) a
        WHERE t.attrelid = c.oid AND t.attacl IS NOT NULL AND NOT t.attisdropped)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1, 2""",
    _EVERYBODY,
    """SELECT (SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
     + (SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
        AND relnamespace NOT IN (SELECT oid FROM pg_namespace
                                 WHERE nspname ~ '^pg_' OR nspname = 'information_schema')) AS count""",
)

DEFAULT_RIGHTS = Query(
    "rights on objects to come",
    """SELECT pg_get_userbyid(d.defaclrole)::text AS creator,
       CASE WHEN n.nspname IS NULL THEN '*' ELSE format('%I', n.nspname) END AS schema,
       CASE d.defaclobjtype WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'function' WHEN 'T' THEN 'type'
                            WHEN 'n' THEN 'schema' ELSE 'other ' || d.defaclobjtype::text END AS object_type,
       CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee)::text END AS grantee,
       array_agg(a.privilege_type ORDER BY a.privilege_type) AS privileges,
       array_agg(a.privilege_type ORDER BY a.privilege_type) FILTER (WHERE a.is_grantable) AS grantable
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL aclexplode(d.defaclacl) a
WHERE a.grantee <> d.defaclrole
GROUP BY d.oid, d.defaclrole, n.nspname, d.defaclobjtype, a.grantee ORDER BY 1, 2, 3, 4""",
    _EVERYBODY,
    """SELECT count(DISTINCT concat(d.oid, ' ', a.grantee)) AS count
FROM pg_default_acl d CROSS JOIN LATERAL aclexplode(d.defaclacl) a WHERE a.grantee <> d.defaclrole""",
)

ROW_SECURITY = Query(
    "row security of tables",
    """SELECT format('%I.%I', n.nspname, c.relname) AS object, n.nspname || '.' || c.relname AS plain_name,
       pg_get_userbyid(c.relowner)::text AS owner, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
       count(p.oid) AS policies,
       count(p.oid) FILTER (WHERE p.polpermissive AND p.polcmd IN ('*', 'r')
                            AND coalesce(pg_get_expr(p.polqual, p.polrelid), 'true') = 'true') AS open_policies,
       coalesce(jsonb_agg(jsonb_build_array(
           (SELECT jsonb_agg(pg_get_userbyid(g)::text) FROM unnest(p.polroles) g WHERE g <> 0), p.polpermissive,
           coalesce(pg_get_expr(p.polqual, p.polrelid), 'true') = 'true'
       )) FILTER (WHERE p.polcmd IN ('*', 'r')), '[]') AS meant,
       array_agg(DISTINCT CASE p.polcmd WHEN '*' THEN 'ALL' WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
                                        WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' END)
           FILTER (WHERE p.oid IS NOT NULL) AS commands
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_policy p ON p.polrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
GROUP BY n.nspname, c.relname, c.relowner, c.relrowsecurity, c.relforcerowsecurity
ORDER BY 1""",
    _EVERYBODY,
    """SELECT count(*) AS count FROM pg_class WHERE relkind IN ('r', 'p')
AND relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')""",
)

LOG_FILES = Query(
    "files of the server's log",
    "SELECT count(*) AS files, min(modification) AS oldest, max(modification) AS newest FROM pg_ls_logdir()",
    "GRANT pg_monitor TO the reading role",
)

EXTENSIONS = Query(
    "extensions",
    """SELECT e.extname::text AS extension, e.extversion AS installed, a.default_version AS available
FROM pg_extension e LEFT JOIN pg_available_extensions a ON a.name = e.extname ORDER BY e.extname""",
    _EVERYBODY,
    "SELECT count(*) AS count FROM pg_extension",
)

HBA = Query(
    "rules of pg_hba.conf",
    "SELECT to_jsonb(r) AS rule FROM pg_hba_file_rules() WITH ORDINALITY AS r ORDER BY r.ordinality",
    _HBA,
    "SELECT count(*) AS count FROM pg_hba_file_rules()",
)

FILE_ERRORS = Query(
    "errors in the configuration files",
    """SELECT sourcefile AS file, sourceline AS line, name, error
FROM pg_show_all_file_settings() WHERE error IS NOT NULL ORDER BY sourcefile, sourceline""",
    "GRANT EXECUTE ON FUNCTION pg_catalog.pg_show_all_file_settings() TO the reading role (optional)",
)

ARCHIVE = Query(
    "archiving",
    """SELECT a.archived_count, a.last_archived_time, a.failed_count, a.last_failed_time,
       max(s.setting) FILTER (WHERE s.name = 'archive_mode') AS mode,
       max(s.setting) FILTER (WHERE s.name = 'archive_timeout')::bigint AS timeout_s,
       bool_or(s.setting <> '') FILTER (WHERE s.name = 'archive_library') AS has_library,
       bool_or(s.setting NOT IN ('', '(disabled)')) FILTER (WHERE s.name = 'archive_command') AS has_command,
       bool_or(s.setting ~ '^\\s*((/usr)?/bin/true|true|:|exit 0)\\s*;?\\s*$') FILTER (WHERE s.name = 'archive_command')
           AS goes_nowhere,
       max((regexp_match(s.setting,
           '(?:^|[/ ''"])(pgbackrest|barman-cloud-wal-archive|barman-wal-archive|barman|wal-g|wal-e|'
           'pg_probackup|rsync|scp|aws|gsutil|azcopy|cp)(?:[ ''"]|$)'))[1])
           FILTER (WHERE s.name = 'archive_command') AS tool,
       max((regexp_match(s.setting, '^[a-z_]{1,32}$'))[1]) FILTER (WHERE s.name = 'archive_library') AS library
FROM pg_stat_archiver a LEFT JOIN pg_settings s
  ON s.name IN ('archive_mode', 'archive_command', 'archive_library', 'archive_timeout')
GROUP BY a.archived_count, a.last_archived_time, a.failed_count, a.last_failed_time""",
    "GRANT pg_read_all_settings TO the reading role (pg_monitor contains it)",
)

ARCHIVE_POSITION = Query(
    "what waits to be archived",
    """WITH listed AS (SELECT name, left(name, 24) AS segment FROM pg_ls_archive_statusdir()),
waiting AS (SELECT count(*) AS files, min(segment) FILTER (WHERE segment ~ '^[0-9A-F]{24}$') AS first
            FROM listed WHERE name LIKE '%.ready'),
done AS (SELECT max(l.segment) AS segment FROM listed l CROSS JOIN waiting w
         WHERE l.name ~ '^[0-9A-F]{24}[.]done$' AND (w.first IS NULL OR l.segment < w.first))
SELECT w.files AS waiting, d.segment AS done, now() AS at,
       (SELECT modification FROM pg_ls_waldir() WHERE name = d.segment) AS done_written_at,
       CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_walfile_name(pg_current_wal_lsn()) END AS current,
       CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint END AS written,
       (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size') AS segment_bytes
FROM waiting w CROSS JOIN done d""",
    "GRANT pg_monitor TO the reading role",
)

CONNECTIONS = Query(
    "connections",
    """SELECT CASE WHEN a.client_addr IS NULL THEN 'local' ELSE host(a.client_addr) END AS client,
       coalesce(a.usename::text, '') AS role, coalesce(a.datname::text, '') AS database,
       bool_and(a.client_addr IS NULL OR a.client_addr <<= '127.0.0.0/8' OR a.client_addr = '::1') AS is_local,
       bool_and(coalesce(s.ssl, false)) AS tls, array_agg(DISTINCT s.version) FILTER (WHERE s.ssl) AS versions,
       count(*) FILTER (WHERE s.ssl) AS encrypted, count(*) AS connections
FROM pg_stat_activity a LEFT JOIN pg_stat_ssl s ON s.pid = a.pid
WHERE a.backend_type IN ('client backend', 'walsender') AND a.pid <> pg_backend_pid()
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    "GRANT pg_read_all_stats TO the reading role (pg_monitor contains it)",
)

CONNECTION_COUNT = Query(
    "number of connections",
    "SELECT count(*) AS used FROM pg_stat_activity WHERE backend_type = 'client backend'",
    "GRANT pg_read_all_stats TO the reading role (pg_monitor contains it)",
)

REPLICATION = Query(
    "standbys and slots",
    """SELECT coalesce(r.application_name, '') AS application, host(r.client_addr) AS client, l.slot_name::text AS slot,
       r.pid IS NOT NULL AS connected, r.state, r.sync_state, l.active, s.ssl AS tls,
       extract(epoch FROM r.replay_lag)::bigint AS lag_s,
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
                       coalesce(r.replay_lsn, l.confirmed_flush_lsn, l.restart_lsn))::bigint AS lag_bytes,
       l.slot_type, l.wal_status
FROM pg_stat_replication r
FULL JOIN pg_replication_slots l ON l.active_pid = r.pid
LEFT JOIN pg_stat_ssl s ON s.pid = r.pid
ORDER BY l.slot_name, r.application_name, r.client_addr, r.pid""",
    "GRANT pg_read_all_stats TO the reading role (pg_monitor contains it)",
)
