"""The collector against a real server: good, bad, with rights missing, and when it cannot be read."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

import compliance.collectors.postgres
from compliance.collectors.postgres import Postgres
from compliance.collectors.postgres.session import Query, Session
from compliance.collectors.testing import Conformance
from compliance.schemas.errors import SourceError
from compliance.schemas.messages import Access, Context, Discovery, Record
from tests.collectors.postgres.conftest import CUSTOM_SECRET, GRANTS, HUMAN_PASSWORD, READER
from tests.collectors.said import Said
from tests.servers.postgres import ADMIN_PASSWORD, ARCHIVE_SECRET, BAD_HBA, GOOD_HBA, PostgresServer

Read = partial(Said, Postgres)
Make = Callable[..., Context[Any]]
ALL = {kind.kind for kind in Postgres.kinds}


class TestConformance(Conformance):
    collector = Postgres

    @pytest.fixture(autouse=True)
    def _server(self, settings: dict[str, Any], server: PostgresServer) -> None:
        self.settings = settings
        self.unreachable = {**settings, "port": 1, "host": "127.0.0.1"}
        with server.session() as conn:
            hashes = conn.execute("SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL").fetchall()
        self.planted = [ADMIN_PASSWORD, HUMAN_PASSWORD, ARCHIVE_SECRET, CUSTOM_SECRET, *(h for (h,) in hashes)]


def test_the_grant_of_the_readme_is_enough(context: Make, server: PostgresServer) -> None:
    read = Read(context())
    assert not read.gaps
    assert set(read.complete) == ALL
    page = Path(compliance.collectors.postgres.__file__).with_name("README.md").read_text("utf-8")
    for grant in GRANTS[1:]:
        assert f"{grant};" in page


def test_good_state(context: Make, server: PostgresServer) -> None:
    row = Read(context("database_instance")).one("database_instance")
    assert row.product == "postgresql"
    assert row.version.startswith("15.") or int(row.version.split(".")[0]) >= 13
    assert (row.tls_enabled, row.tls_required, row.tls_min_protocol) == (True, True, "TLSv1.2")
    assert row.rules_in_force is True  # the test runs where the server's files are
    assert row.password_encryption == "scram-sha-256"
    assert (row.audit_extension, row.audit_classes, row.audit_logging) == ("pgaudit", ["ddl", "role", "write"], True)
    assert (row.log_connections, row.log_disconnections, row.idle_session_minutes) == (True, True, 15)
    assert row.superuser_roles == 2
    assert row.data_checksums is True
    assert row.encrypted_at_rest is None
    assert row.system_identifier.isdigit()
    assert row.connections_used >= 1
    policy = Read(context("auth_policy")).one("auth_policy")
    assert (policy.password_login, policy.mfa_required, policy.lockout_attempts) == (True, False, 0)


def test_bad_state(context: Make, server: PostgresServer) -> None:
    server.flip_bad()
    try:
        read = Read(context(sslmode="prefer"))
    finally:
        server.restore_good()
    row = read.one("database_instance")
    assert (row.tls_enabled, row.tls_required, row.password_encryption) == (False, False, "md5")
    assert (row.audit_extension, row.audit_classes, row.audit_logging) == ("pgaudit", [], False)
    assert (row.log_connections, row.log_disconnections, row.idle_session_minutes) == (False, False, 0)
    assert [r.method for r in read.rows("auth_rule")] == ["scram-sha-256", "scram-sha-256", "trust", "md5"]
    assert read.one("auth_rule", position=3).address == "0.0.0.0/0"
    assert read.one("auth_rule", position=3).is_local is False
    assert read.one("archive_status").enabled is False  # /bin/true archives nothing
    assert read.one("user_account", account="ana").is_active is True  # expired, but trust asks for no password
    assert read.one("setting", name="ssl").value == "off"
    for link in read.rows("internal_link"):
        assert link.tls_enabled is False


def test_tls_required_is_false_with_tls_on_and_one_plain_rule(context: Make, server: PostgresServer) -> None:
    server.configure(hba=GOOD_HBA + "host all all 10.1.0.0/16 scram-sha-256\n")
    try:
        assert Read(context("database_instance")).one("database_instance").tls_required is False
    finally:
        server.restore_good()


def test_a_broken_rule_leaves_the_loaded_rules_unknown(context: Make, server: PostgresServer) -> None:
    secret = "planted-ldap-5d0e"
    server.configure(hba=f"{GOOD_HBA}hostssl all all 10.2.0.0/16 ldap ldapserver=x ldapbindpasswd={secret} {secret}\n")
    try:
        read = Read(context())
    finally:
        server.restore_good()
    assert read.one("database_instance").tls_required is None
    assert read.one("auth_policy").password_login is None
    assert [r.error is not None for r in read.rows("auth_rule")] == [False, False, False, True]
    assert secret not in repr(read.messages)


def test_options_of_a_rule_keep_no_secret(context: Make, server: PostgresServer) -> None:
    secret = "planted-ldap-66aa"
    rule = (
        f"hostssl all all 10.3.0.0/16 ldap ldapserver=x ldapbasedn=o ldapbinddn=c ldapbindpasswd={secret} ldaptls=1\n"
    )
    server.configure(hba=GOOD_HBA + rule)
    try:
        read = Read(context("auth_rule", "auth_policy"))
    finally:
        server.restore_good()
    options = read.one("auth_rule", position=4).detail["options"]
    assert "ldapbindpasswd" in options
    assert "ldaptls=true" in options
    assert secret not in repr(read.messages)
    policy = read.one("auth_policy")
    assert (policy.password_login, policy.mfa_required, policy.lockout_attempts) == (True, None, None)


def test_rules_newer_than_the_load_say_nothing_about_tls(context: Make, server: PostgresServer) -> None:
    path = server.data / "pg_hba.conf"
    status = path.stat()
    os.utime(path, (status.st_atime + 100, status.st_mtime + 100))  # as if edited after the last load
    try:
        row = Read(context("database_instance", host=str(server.data), sslmode="prefer")).one("database_instance")
    finally:
        os.utime(path, (status.st_atime, status.st_mtime))
    assert (row.tls_required, row.rules_in_force) == (None, False)


def test_accounts_and_roles(context: Make, server: PostgresServer) -> None:
    read = Read(context("user_account", "role_grant"))
    ana, app, dba = (read.one("user_account", account=name) for name in ("ana", "app", "dba"))
    assert (ana.is_active, ana.is_privileged, ana.has_password) == (False, False, None)
    assert ana.expires_at.year in (2019, 2020)
    assert (app.is_active, app.is_privileged, app.is_superuser) == (True, True, False)  # by pg_write_all_data
    assert (dba.is_privileged, dba.is_superuser, dba.account_type) == (True, True, None)
    assert read.one("user_account", account="postgres").account_type == "system"
    assert read.one("user_account", account="analysts").is_active is False
    inherited = read.one("role_grant", account="ana", role="analysts")
    assert (inherited.is_direct, inherited.via) == (False, "leads > analysts")
    direct = read.one("role_grant", account="app", role="leads")
    assert (direct.is_direct, direct.admin_option, direct.granted_by) == (True, True, "postgres")
    assert (inherited.inherits, inherited.may_assume) == (True, True)


def test_members_of_a_superuser_group_are_superusers(context: Make, server: PostgresServer) -> None:
    server.sql("CREATE ROLE admins SUPERUSER", "GRANT admins TO ana")
    try:
        read = Read(context("user_account", "database_instance"))
        with server.session() as conn:
            conn.execute("SET SESSION AUTHORIZATION ana")
            conn.execute("SET ROLE admins")
            assert conn.execute("SHOW is_superuser").fetchone() == ("on",)
    finally:
        server.sql("DROP ROLE admins")
    ana = read.one("user_account", account="ana")
    assert (ana.is_superuser, ana.detail["superuser"]) == (True, False)
    assert read.one("user_account", account="app").is_superuser is False
    assert read.one("database_instance").superuser_roles == 3


def test_declared_accounts(context: Make) -> None:
    read = Read(context("user_account", accounts={"ana": {"account_type": "human", "person": "P7"}}))
    ana = read.one("user_account", account="ana")
    assert (ana.account_type, ana.person, ana.is_active) == ("human", "P7", False)
    assert read.one("user_account", account="app").account_type is None


def test_a_role_that_must_be_taken_on_first_is_told_apart(context: Make, server: PostgresServer) -> None:
    with server.session() as conn:
        by_grant = conn.info.server_version >= 16_00_00  # then each membership says it for itself
    change, back = (
        ("GRANT leads TO ana WITH INHERIT FALSE", "GRANT leads TO ana WITH INHERIT TRUE")
        if by_grant
        else ("ALTER ROLE ana NOINHERIT", "ALTER ROLE ana INHERIT")
    )
    with _changed(server, change, back):
        read = Read(context("role_grant", "data_grant"))
    for role in ("leads", "analysts"):
        grant = read.one("role_grant", account="ana", role=role)
        assert (grant.inherits, grant.may_assume) == (False, True)
    assert "SELECT" in read.one("data_grant", account="ana", object="sales.orders").privileges


def test_kind_of_password_only_with_the_optional_grant(context: Make, server: PostgresServer) -> None:
    with _changed(server, f"GRANT SELECT ON pg_authid TO {READER}", f"REVOKE SELECT ON pg_authid FROM {READER}"):
        read = Read(context("user_account"))
    ana, app = read.one("user_account", account="ana"), read.one("user_account", account="app")
    assert (ana.has_password, ana.password_hash_algorithm) == (True, "SCRAM-SHA-256")
    assert (app.has_password, app.password_hash_algorithm) == (False, None)
    assert "SCRAM-SHA-256$" not in repr([m for m in read.messages if isinstance(m, Record)])


FORMS = (
    "CREATE VIEW public.password_forms AS SELECT rolname AS role,"
    " CASE WHEN rolname = 'dba' THEN 'planted-form'"  # what the form must never bring out: a hash by mistake
    " WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'SCRAM-SHA-256' END AS algorithm"
    " FROM pg_catalog.pg_authid WHERE rolname <> 'analysts'"
)


def test_kind_of_password_by_a_view_that_tells_no_hash(context: Make, server: PostgresServer) -> None:
    with _changed(server, FORMS, "DROP VIEW public.password_forms"):
        closed = Read(context("user_account", stored_forms="public.password_forms"))
        server.sql(f"GRANT SELECT ON public.password_forms TO {READER}")
        read = Read(context("user_account", stored_forms="public.password_forms"))
        server.sql("ALTER VIEW public.password_forms OWNER TO app")
        anybodys = Read(context("user_account", stored_forms="public.password_forms"))
    absent = Read(context("user_account", stored_forms="public.password_forms"))

    found = {r.account: (r.has_password, r.password_hash_algorithm) for r in read.rows("user_account")}
    assert found["ana"] == (True, "SCRAM-SHA-256")
    assert found["app"] == (False, None)
    assert found["dba"] == (True, "other")
    assert found["analysts"] == (None, None)  # not told of, which is not the same as having none
    assert "planted-form" not in repr([m for m in read.messages if isinstance(m, Record)])
    asked = repr(read.complete["user_account"])
    assert "is defined as" in asked
    assert "FROM pg_authid" in asked
    for blind in (closed, anybodys, absent):
        assert {(r.has_password, r.password_hash_algorithm) for r in blind.rows("user_account")} == {(None, None)}


def test_a_view_that_tells_of_a_role_twice_is_no_answer(context: Make, server: PostgresServer) -> None:
    twice = (
        "CREATE VIEW public.twice AS SELECT unnest(ARRAY['ana', 'ana'])::text AS role,"
        " unnest(ARRAY['md5', 'SCRAM-SHA-256'])::text AS algorithm"
    )
    with _changed(server, twice, "DROP VIEW public.twice"):
        server.sql(f"GRANT SELECT ON public.twice TO {READER}")
        read = Read(context("user_account", stored_forms="public.twice"))
    assert read.gaps["user_account"].cause == "malformed"


def test_effective_rights_agree_with_the_server(context: Make, server: PostgresServer) -> None:
    """For every role and table, what we compute equals what PostgreSQL itself says of a role that inherits."""
    read = Read(context("data_grant"))
    found = {(r.account, r.object): r for r in read.rows("data_grant") if r.database == "shop"}
    names = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
    with server.session("shop") as conn:
        if conn.info.server_version >= 17_00_00:
            names.append("MAINTAIN")
        says = conn.execute(
            "SELECT r.rolname, t.name, p.name FROM pg_roles r, (VALUES ('sales.orders'), ('sales.shared')) t(name),"
            " unnest(%s::text[]) p(name)"
            " WHERE r.rolname !~ '^pg_' AND (has_table_privilege(r.rolname, t.name, p.name)"
            " OR (p.name IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')"
            "     AND has_any_column_privilege(r.rolname, t.name, p.name)))",
            [names],
        ).fetchall()
    assert len(says) > 20
    expected: dict[tuple[str, str], set[str]] = {}
    for role, table, privilege in says:
        expected.setdefault((role, table), set()).add(privilege)
    ours = {key: set(r.privileges) for key, r in found.items() if r.object_type == "table" and key[0] != "PUBLIC"}
    assert ours == expected
    assert found["ana", "sales.orders"].detail == {"columns_only": ["UPDATE (card)"]}
    assert found["ana", "sales.orders"].grantable == ["SELECT"]
    assert found["PUBLIC", "sales.shared"].privileges == ["SELECT"]
    assert found["app", "sales.shared"].is_owner is True
    assert found["app", "public"].is_owner is True  # pg_database_owner: app owns the database
    assert found["dba", "sales.orders"].detail == {"superuser": True}


def test_more_rights_than_the_limit_are_a_gap(context: Make) -> None:
    assert Read(context("data_grant", grants_limit=5)).gaps["data_grant"].cause == "truncated"


def test_stores_extensions_files_links(context: Make, server: PostgresServer) -> None:
    with psycopg.connect(**server.parameters("shop"), application_name="held"):
        read = Read(context())
    assert {r.data_store for r in read.rows("data_store")} == {"postgres", "shop", "template0", "template1"}
    assert read.one("data_store", data_store="shop").owner_role == "app"
    assert read.one("database_extension", database="shop", extension="pgaudit").installed_version
    hba = next(r for r in read.rows("config_file") if r.path.endswith("pg_hba.conf"))
    assert len(hba.sha256) == 64  # the server runs on this machine
    assert hba.error is None
    link = next(r for r in read.rows("internal_link") if r.source_component == "local postgres@shop")
    assert (link.is_local, link.tls_enabled, link.connections) == (True, False, 1)
    archive = read.one("archive_status")
    assert (archive.enabled, archive.tool, archive.timeout_s) == (True, "pgbackrest", 300)
    assert archive.waiting_count is not None
    status = read.one("service_status")
    assert (status.running, status.connections_max, status.config_ok) == (True, 30, None)
    assert {r.name for r in read.rows("setting")} >= {"ssl", "log_statement", "shared_preload_libraries", "pgaudit.log"}
    assert not {r.name for r in read.rows("setting")} & {
        "primary_conninfo",
        "archive_command",
        "ssl_passphrase_command",
    }


def test_until_when_everything_is_archived(context: Make, server: PostgresServer) -> None:
    """Nothing waits: all that is older than archive_timeout, and all of the segment that was just finished."""
    with server.session() as session:
        (segment,) = session.execute("SELECT pg_walfile_name(pg_current_wal_lsn())").fetchone() or ("",)
        session.execute("SELECT pg_logical_emit_message(true, 'test', 'x')")
        (switched,) = session.execute("SELECT clock_timestamp() FROM pg_switch_wal()").fetchone() or (None,)
    for _ in range(300):
        row = Read(context("archive_status")).one("archive_status")
        if row.waiting_count == 0:
            break
        time.sleep(0.05)
    assert row.last_segment >= segment
    assert switched - timedelta(seconds=300) < row.archived_until <= datetime.now(UTC)


def test_archiving_that_fails_now(context: Make, server: PostgresServer) -> None:
    def until(failing: bool) -> Any:
        for _ in range(300):
            row = Read(context("archive_status")).one("archive_status")
            if row.is_failing is failing:
                return row
            time.sleep(0.05)
        raise AssertionError(f"never failing = {failing}: {row}")

    server.configure({"archive_command": "test ! -e %p"})
    try:
        server.sql("SELECT pg_switch_wal()", "CREATE TABLE public.wal (id int)", "SELECT pg_switch_wal()")
        broken = until(True)
    finally:
        server.restore_good()
        server.sql("DROP TABLE public.wal")
    assert (broken.enabled, broken.failed_count > 0, broken.waiting_count > 0) == (True, True, True)
    # what was written after the last segment that went through is not archived, however new the look
    assert broken.archived_until is None or broken.archived_until < broken.last_failed_at
    mended = until(False)
    assert mended.last_archived_at > broken.last_failed_at


def test_a_slot_without_consumer_is_shown(context: Make, server: PostgresServer) -> None:
    with _changed(
        server,
        "SELECT pg_create_physical_replication_slot('gone', true)",
        "SELECT pg_drop_replication_slot('gone')",
    ):
        link = Read(context("replication_link")).one("replication_link")
    assert (link.link, link.state, link.is_slot_active) == ("gone", "inactive", False)


def test_a_role_that_switches_auditing_off_for_itself(context: Make, server: PostgresServer) -> None:
    with _changed(server, "ALTER ROLE dba SET pgaudit.log = 'none'", "ALTER ROLE dba RESET pgaudit.log"):
        row = Read(context("database_instance")).one("database_instance")
    assert row.audit_logging is False
    assert row.detail["overrides"] == [
        {"role": "dba", "database": None, "name": "pgaudit.log", "setting": "none"},
    ]


ROW_SECURITY = (
    "CREATE TABLE sales.open_all (id int)",
    "CREATE TABLE sales.tenants (id int)",
    "CREATE TABLE sales.forced (id int)",
    "CREATE TABLE sales.leaky (id int)",
    "ALTER TABLE sales.open_all OWNER TO app",
    "ALTER TABLE sales.tenants OWNER TO app",
    "ALTER TABLE sales.forced OWNER TO app",
    "ALTER TABLE sales.tenants ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE sales.forced ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE sales.forced FORCE ROW LEVEL SECURITY",
    "ALTER TABLE sales.leaky ENABLE ROW LEVEL SECURITY",
    "GRANT USAGE ON SCHEMA sales TO ana, app",
    "GRANT SELECT ON sales.open_all, sales.tenants, sales.forced, sales.leaky TO ana",
    "CREATE POLICY one ON sales.tenants USING (id = 4711)",
    "CREATE POLICY one ON sales.forced USING (id = 4711)",
    "CREATE POLICY every ON sales.leaky FOR SELECT TO analysts USING (true)",
    "CREATE POLICY writing ON sales.leaky FOR INSERT WITH CHECK (true)",
)


def test_row_security(context: Make, server: PostgresServer) -> None:
    """Who reads every row is compared with what the server shows that account."""
    server.sql(*ROW_SECURITY, dbname="shop")
    try:
        read = Read(context("row_protection", personal_tables=("shop.sales.*",)))
        undeclared = Read(context("row_protection")).one("row_protection", table_name="sales.forced")
        with _changed(server, "ALTER ROLE ana BYPASSRLS", "ALTER ROLE ana NOBYPASSRLS"):
            above = Read(context("row_protection")).one("row_protection", table_name="sales.forced")
        seen = {}
        with server.session("shop") as conn:
            for name in ("open_all", "tenants", "forced", "leaky"):
                conn.execute(f"INSERT INTO sales.{name} VALUES (1)".encode())
                for account in ("ana", "app"):
                    conn.execute(f"SET ROLE {account}".encode())
                    may = conn.execute("SELECT has_table_privilege(%s, 'SELECT')", [f"sales.{name}"]).fetchone()
                    rows = conn.execute(f"SELECT 1 FROM sales.{name}".encode()).fetchall() if may == (True,) else []
                    seen[name, account] = len(rows)
                    conn.execute("RESET ROLE")
    finally:
        server.sql("DROP TABLE sales.open_all, sales.tenants, sales.forced, sales.leaky", dbname="shop")
        server.sql("REVOKE USAGE ON SCHEMA sales FROM ana, app", dbname="shop")
    assert seen == {
        ("open_all", "ana"): 1, ("open_all", "app"): 1, ("tenants", "ana"): 0, ("tenants", "app"): 1,
        ("forced", "ana"): 0, ("forced", "app"): 0, ("leaky", "ana"): 1, ("leaky", "app"): 0,
    }  # fmt: skip
    found = {name: read.one("row_protection", table_name=f"sales.{name}") for name, _ in seen}
    # app writes all data, and so does not read sales.leaky; by leads it is in analysts, which the policy lets through
    assert {name: row.unfiltered_accounts for name, row in found.items()} == {
        "open_all": 2, "tenants": 1, "forced": 0, "leaky": 1,
    }  # fmt: skip
    assert above.unfiltered_accounts == 1
    leaky = found["leaky"]
    assert (leaky.is_enabled, leaky.is_forced, leaky.policies, leaky.open_policies) == (True, False, 2, 1)
    assert (leaky.policy_commands, leaky.owner) == (["INSERT", "SELECT"], "postgres")
    assert (found["forced"].is_forced, found["open_all"].policies) == (True, 0)
    assert (found["forced"].holds_personal_data, undeclared.holds_personal_data) == (True, None)
    assert "4711" not in repr(read.messages)


def test_rights_on_objects_to_come(context: Make, server: PostgresServer) -> None:
    given = "ALTER DEFAULT PRIVILEGES FOR ROLE app"
    server.sql(
        f"{given} IN SCHEMA sales GRANT SELECT ON TABLES TO analysts WITH GRANT OPTION",
        f"{given} GRANT ALL ON TABLES TO PUBLIC",
        f"{given} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
        dbname="shop",
    )
    try:
        read = Read(context("default_grant"))
    finally:
        server.sql(
            f"{given} IN SCHEMA sales REVOKE ALL ON TABLES FROM analysts",
            f"{given} REVOKE ALL ON TABLES FROM PUBLIC",
            f"{given} GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
            dbname="shop",
        )
    rows = {(r.schema_name, r.object_type, r.account): r for r in read.rows("default_grant")}
    assert set(rows) == {("sales", "table", "analysts"), ("*", "table", "PUBLIC")}
    assert (rows["sales", "table", "analysts"].grantable, rows["*", "table", "PUBLIC"].is_public) == (["SELECT"], True)


def test_the_log(context: Make, server: PostgresServer) -> None:
    row = Read(context("log_store")).one("log_store")
    assert (row.log, row.log_class, row.persistent, row.world_readable) == ("postgresql (stderr)", "audit", True, False)
    assert row.retention_days is None  # names with the whole date never come again; who removes them is not known
    assert row.oldest_record_at <= row.newest_record_at
    server.configure({"log_filename": "postgresql-%a.log", "log_truncate_on_rotation": "on"})
    try:
        weekly = Read(context("log_store")).one("log_store")
    finally:
        server.configure({"log_filename": "postgresql-%Y-%m-%d_%H%M%S.log", "log_truncate_on_rotation": "off"})
    assert weekly.retention_days == 7


def test_addresses(context: Make, server: PostgresServer) -> None:
    row = Read(context("database_instance", addresses=("DB1.internal", "10.0.0.5"))).one("database_instance")
    assert row.addresses == [f"10.0.0.5:{server.port}", f"db1.internal:{server.port}", f"localhost:{server.port}"]


def test_by_service_file(
    context: Make, server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "services"
    file.write_text(f"[main]\nhost={server.data}\nport={server.port}\ndbname=postgres\nuser={READER}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    left_out = {"host": None, "port": None, "user": None, "dbname": None, "sslmode": None, "sslrootcert": None}
    status = Read(context("service_status", service="main", **left_out)).one("service_status")
    assert status.instance == f"{server.data}:{server.port}"


def test_the_session_cannot_write(context: Make, server: PostgresServer) -> None:
    """Even with the rights of a superuser."""
    server.sql(f"ALTER ROLE {READER} SUPERUSER")
    try:
        with Session(context()) as session, pytest.raises(SourceError, match="read-only transaction"):
            session.rows(Query("writing", "CREATE TABLE public.mine (id int)"))
    finally:
        server.sql(f"ALTER ROLE {READER} NOSUPERUSER")


# --- rights missing, one at a time -----------------------------------------------------------------------------


def test_without_pg_read_all_settings(context: Make, server: PostgresServer) -> None:
    with _instead_of_monitor(server, "pg_read_all_stats"):
        read = Read(context())
    assert set(read.gaps) == {"setting", "config_file", "log_store", "archive_status"}
    assert {g.cause for g in read.gaps.values()} == {"denied"}
    assert "pg_read_all_settings" in read.gaps["setting"].remedy
    row = read.one("database_instance")
    assert (row.audit_extension, row.audit_classes, row.audit_logging) == (None, None, None)
    assert row.tls_required is True
    assert read.one("auth_policy").lockout_attempts is None


def test_without_pg_read_all_stats(context: Make, server: PostgresServer) -> None:
    with _instead_of_monitor(server, "pg_read_all_settings"):
        read = Read(context())
    assert set(read.gaps) == {"internal_link", "replication_link"}
    assert {g.cause for g in read.gaps.values()} == {"denied"}
    assert "pg_read_all_stats" in read.gaps["internal_link"].remedy
    assert read.one("database_instance").connections_used is None
    assert read.one("service_status").connections is None
    archive = read.one("archive_status")
    assert (archive.waiting_count, archive.last_segment, archive.archived_until) == (None, None, None)
    assert read.one("log_store").oldest_record_at is None


def test_without_the_rules_function(context: Make, server: PostgresServer) -> None:
    function = "FUNCTION pg_catalog.pg_hba_file_rules()"
    with _changed(server, f"REVOKE EXECUTE ON {function} FROM {READER}", f"GRANT EXECUTE ON {function} TO {READER}"):
        read = Read(context())
        access = {a.kind: a for a in Postgres().check(context())}
    assert set(read.gaps) == {"auth_rule"}
    assert read.gaps["auth_rule"].cause == "denied"
    assert "pg_hba_file_rules()" in read.gaps["auth_rule"].remedy
    assert read.one("database_instance").tls_required is None
    assert read.one("auth_policy").password_login is None
    assert read.one("user_account", account="ana").is_active is None  # expired; who knows what rules let in
    assert isinstance(access["auth_rule"], Access)
    assert access["auth_rule"].readable is False
    assert "tls_required stay NULL" in access["database_instance"].message


def test_a_closed_database_is_a_gap_unless_excluded(context: Make, server: PostgresServer) -> None:
    with _changed(server, "REVOKE CONNECT ON DATABASE shop FROM PUBLIC", "GRANT CONNECT ON DATABASE shop TO PUBLIC"):
        read = Read(context())
        excluded = Read(context(exclude_databases=("shop",)))
    assert set(read.gaps) == {"data_grant", "default_grant", "row_protection", "database_extension"}
    for gap in read.gaps.values():
        assert gap.cause == "denied"
        assert "shop" in gap.message
        assert "exclude_databases" in gap.remedy
    assert not excluded.gaps


def test_a_database_that_does_not_exist(context: Make) -> None:
    assert Read(context("data_grant", databases=("nowhere",))).gaps["data_grant"].cause == "absent"
    assert Read(context("data_store", dbname="nowhere")).gaps["data_store"].cause == "absent"


# --- what cannot be read at all --------------------------------------------------------------------------------


def _causes(ctx: Context[Any]) -> set[str]:
    read = Read(ctx)
    assert set(read.gaps) == ALL
    assert not any(isinstance(m, Record) for m in read.messages)
    assert all(g.message and g.remedy for g in read.gaps.values())
    return {g.cause.value for g in read.gaps.values()}


def test_wrong_password(context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRONG", "planted-wrong-1")
    ctx = context(password="env:WRONG")
    assert _causes(ctx) == {"denied"}
    assert "planted-wrong-1" not in repr(Read(ctx).messages)


def test_password_reference_without_a_secret(context: Make) -> None:
    assert _causes(context(password="env:NOT_SET_ANYWHERE")) == {"denied"}


def test_tls_demanded_by_the_server(context: Make) -> None:
    ctx = context(sslmode="disable")
    assert _causes(ctx) == {"denied"}
    assert "sslmode" in Read(ctx).gaps["setting"].remedy


def test_certificate_of_somebody_else(context: Make) -> None:
    assert _causes(context(host="localhost", sslrootcert="system")) == {"denied"}


def test_tls_demanded_by_us(context: Make, server: PostgresServer) -> None:
    server.flip_bad()
    try:
        assert _causes(context(sslmode="require", sslrootcert=None)) == {"disabled"}
    finally:
        server.restore_good()


def test_too_many_connections(context: Make, server: PostgresServer) -> None:
    with _changed(server, f"ALTER ROLE {READER} CONNECTION LIMIT 0", f"ALTER ROLE {READER} CONNECTION LIMIT -1"):
        assert _causes(context()) == {"rate_limited"}


def test_a_lock_on_the_catalogue_ends_in_timeout(context: Make, server: PostgresServer) -> None:
    with psycopg.connect(**server.parameters()) as conn:
        conn.execute("SET allow_system_table_mods = on")
        conn.execute("LOCK TABLE pg_catalog.pg_extension IN ACCESS EXCLUSIVE MODE")
        read = Read(context("database_extension", "data_store", timeout_s=0.3))
        conn.rollback()
    assert read.gaps["database_extension"].cause == "timeout"
    assert "data_store" in read.complete


def test_nothing_listens(context: Make) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        assert _causes(context(port=closed.getsockname()[1])) == {"unreachable"}


def test_a_silent_port(context: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert _causes(context(port=silent.getsockname()[1], timeout_s=2)) == {"timeout"}


def test_something_else_answers(context: Make) -> None:
    with _answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert _causes(context(port=port, sslmode="prefer", sslrootcert=None)) == {"malformed"}


def test_the_server_stops_between_two_runs(context: Make) -> None:
    with PostgresServer() as own:
        ctx = context(port=own.port, host=str(own.data), user="postgres", sslmode="prefer")
        own.stop()
        assert _causes(ctx) == {"unreachable"}


def test_a_server_that_falls_silent_in_the_middle(context: Make, server: PostgresServer) -> None:
    """The connection is cut at the deadline although the other side stays open."""
    with _falling_silent(server.port, after=b"pg_db_role_setting") as port:
        ctx = context("database_instance", "auth_policy", port=port, timeout_s=0.5, sslmode="disable")
        server.configure(hba=BAD_HBA)  # plain text, so that the question can be seen on the wire
        try:
            read = Read(ctx)
        finally:
            server.configure(hba=GOOD_HBA)
    assert {g.cause.value for g in read.gaps.values()} <= {"timeout", "unreachable"}
    assert "timeout" in {g.cause.value for g in read.gaps.values()}
    assert set(read.gaps) == {"database_instance", "auth_policy"}


def test_discovery_sees_the_running_server(server: PostgresServer, tmp_path: Any) -> None:
    found = [f for f in Postgres().discover(Discovery(Path("/"), tmp_path)) if f.settings["port"] == server.port]
    assert len(found) == 1
    assert found[0].settings["host"] == str(server.data)
    Postgres.Settings.model_validate(dict(found[0].settings))
    ctx = Context(
        source="found",
        settings=Postgres.Settings.model_validate(dict(found[0].settings)),
        clock=lambda: pytest.fail("no clock is needed"),
        wanted=frozenset(ALL),
    )
    assert _causes(ctx) == {"denied"}  # as proposed: a clear refusal, the role is missing or wants a password


@contextmanager
def _changed(server: PostgresServer, change: str, back: str) -> Iterator[None]:
    server.sql(change)
    try:
        yield
    finally:
        server.sql(back)


@contextmanager
def _instead_of_monitor(server: PostgresServer, role: str) -> Iterator[None]:
    server.sql(f"REVOKE pg_monitor FROM {READER}", f"GRANT {role} TO {READER}")
    try:
        yield
    finally:
        server.sql(f"REVOKE {role} FROM {READER}", f"GRANT pg_monitor TO {READER}")


@contextmanager
def _answering(reply: bytes) -> Iterator[int]:
    """A port that gives the same answer to everybody."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    peer, _ = listening.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(4096)
                    peer.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@contextmanager
def _falling_silent(port: int, after: bytes) -> Iterator[int]:
    """A port that passes everything on to `port` until the client has sent `after`, then swallows it."""
    done = threading.Event()

    def pump(source: socket.socket, target: socket.socket, watch: bool) -> None:
        while not done.is_set():
            try:
                data = source.recv(65536)
                if watch and after in data:
                    done.wait(30)
                if not data or done.is_set():
                    return
                target.sendall(data)
            except OSError:  # one of the two ends hung up
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            peer, _ = listening.accept()
            with peer, socket.create_connection(("127.0.0.1", port)) as server:
                back = threading.Thread(target=pump, args=(server, peer, False), daemon=True)
                back.start()
                pump(peer, server, True)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        done.set()
    thread.join(5)
