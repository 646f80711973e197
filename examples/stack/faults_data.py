"""Faults of PostgreSQL, its pooler, its standby and its backups, and of Redis."""

from __future__ import annotations

from examples.stack import planting
from examples.stack.fault import Fault, of

DATA = (
    Fault(
        "pool-can-exhaust-the-database",
        "PgBouncer may open more connections than PostgreSQL has.",
        planting.pooler(
            "default_pool_size = 10\nreserve_pool_size = 2\nmax_db_connections = 20",
            "default_pool_size = 70\nreserve_pool_size = 2\nmax_db_connections = 80",
        ),
        of("db.pooling"),
    ),
    Fault(
        "pooler-lets-anybody-in",
        "PgBouncer asks for no proof of who comes.",
        planting.pooler("auth_type = scram-sha-256", "auth_type = any"),
        of("access.database_direct"),
    ),
    Fault("audit-log-off", "pgaudit logs nothing.", planting.postgres(pgaudit__log="none"), of("db.audited")),
    Fault(
        "audit-log-off-for-one-role",
        "The role of the application is left out of pgaudit: its changes are not logged.",
        planting.sql("ALTER ROLE school_app SET pgaudit.log = 'none'", "ALTER ROLE school_app RESET pgaudit.log"),
        of("db.audited"),
    ),
    Fault(
        "schema-changes-unlogged",
        "The owner of the tables may change the schema without a trace.",
        planting.sql(
            "ALTER ROLE school_owner SET pgaudit.log = 'write, role'", "ALTER ROLE school_owner RESET pgaudit.log"
        ),
        of("db.audited"),
    ),
    Fault(
        "application-may-end-the-audit",
        "The role of the application may switch pgaudit off.",
        planting.sql(
            "GRANT SET ON PARAMETER pgaudit.log TO school_app", "REVOKE SET ON PARAMETER pgaudit.log FROM school_app"
        ),
        of("db.audited"),
    ),
    Fault(
        "application-may-rewrite-its-trail",
        "The role of the application may empty the table that keeps what its users did.",
        planting.sql(
            "GRANT TRUNCATE ON auditlog_logentry TO school_app", "REVOKE TRUNCATE ON auditlog_logentry FROM school_app"
        ),
        of("access.application_role_bounded"),
    ),
    Fault(
        "application-writes-what-is-not-its-own",
        "A table of somebody else was made by the tables' owner, and the application may write it.",
        planting.sql(
            "SET ROLE school_owner; CREATE TABLE public.salaries (person text, amount int); RESET ROLE",
            "DROP TABLE public.salaries",
        ),
        of("access.application_role_bounded"),
    ),
    Fault(
        "password-stored-as-md5",
        "The password of the tables' owner is stored as MD5.",
        planting.md5("school_owner", "owner"),
        of("db.password_hashes"),
    ),
    Fault(
        "tables-to-come-for-everybody",
        "Every account may read the tables that the owner makes from now on.",
        planting.sql(
            "ALTER DEFAULT PRIVILEGES FOR ROLE school_owner IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC",
            "ALTER DEFAULT PRIVILEGES FOR ROLE school_owner IN SCHEMA public REVOKE SELECT ON TABLES FROM PUBLIC",
        ),
        of("db.default_privileges"),
    ),
    Fault(
        "tables-to-come-beyond-approval",
        "The application may empty the tables that the owner makes from now on, which nobody approved.",
        planting.sql(
            "ALTER DEFAULT PRIVILEGES FOR ROLE school_owner IN SCHEMA public GRANT TRUNCATE ON TABLES TO school_app",
            "ALTER DEFAULT PRIVILEGES FOR ROLE school_owner IN SCHEMA public REVOKE TRUNCATE ON TABLES FROM school_app",
        ),
        of("db.default_privileges"),
    ),
    Fault(
        "row-security-off",
        "The notes of one campus are shown to all others.",
        planting.sql(
            "ALTER TABLE records_note DISABLE ROW LEVEL SECURITY", "ALTER TABLE records_note ENABLE ROW LEVEL SECURITY"
        ),
        of("db.row_security"),
    ),
    Fault(
        "owner-past-row-security",
        "The owner of the notes sees those of every campus.",
        planting.sql(
            "ALTER TABLE records_note NO FORCE ROW LEVEL SECURITY", "ALTER TABLE records_note FORCE ROW LEVEL SECURITY"
        ),
        of("db.row_security"),
    ),
    Fault(
        "policy-that-filters-nothing",
        "A second policy lets every note through.",
        planting.sql("CREATE POLICY opened ON records_note USING (true)", "DROP POLICY opened ON records_note"),
        of("db.row_security"),
    ),
    Fault(
        "application-past-row-security",
        "The role of the application bypasses policies of rows.",
        planting.sql("ALTER ROLE school_app BYPASSRLS", "ALTER ROLE school_app NOBYPASSRLS"),
        of("access.privileged_allowlist", "access.review_privileged", "db.row_security"),
        of("access.mfa_admins"),
    ),
    Fault(
        "files-of-the-server-readable",
        "The tables' owner may read any file of the database server, and so every row.",
        planting.sql("GRANT pg_read_server_files TO school_owner", "REVOKE pg_read_server_files FROM school_owner"),
        of("access.privileged_allowlist", "access.review_privileged", "db.row_security"),
        of("access.grant_approved", "access.mfa_admins"),
    ),
    Fault(
        "standby-gone",
        "The second database server does not run; the first keeps its log for it.",
        planting.down("standby"),
        of("db.replication_lag"),
    ),
    Fault(
        "standby-stands-still",
        "The second database server receives what the first writes, and does not apply it.",
        planting.paused,
        of("db.replication_lag"),
    ),
    Fault(
        "connections-not-logged",
        "PostgreSQL does not log who connects.",
        planting.postgres(log_connections="off"),
        of("db.audited"),
    ),
    Fault(
        "database-trusts-a-network",
        "PostgreSQL lets a whole network in without proof.",
        planting.rules("host all all 10.0.0.0/8 trust"),
        of("access.database_direct"),
    ),
    Fault(
        "archiving-fails",
        "The archive command fails: nothing can be restored to a moment from now on.",
        planting.archiving,
        of("backup.pitr"),
    ),
    Fault(
        "archive-has-a-hole",
        "A segment is gone from the archive: what was written after it cannot be restored.",
        planting.hole,
        of("backup.pitr"),
    ),
    Fault(
        "backups-not-there",
        "The repository of the backups is gone; PostgreSQL has not noticed yet.",
        planting.no_backups,
        of(),
        of("backup.pitr", "engine.evidence_fresh"),
        lasts=True,
    ),
    Fault(
        "redis-evicts-sessions",
        "Redis drops sessions when its memory is full.",
        planting.redis("maxmemory-policy", "allkeys-lru"),
        of("redis.persistence"),
    ),
)
