"""The collector against a real Django 5.2 project: what it sees, with which rights, and what it must never see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from compliance.collectors.django import Django
from compliance.collectors.testing import Conformance
from compliance.schemas.messages import Bulk, Cause, Complete, Context, Gap, Message, Record
from tests.collectors.django.conftest import READER, Make, granted, grants
from tests.servers.django_database import SECRET_KEY, DjangoDatabase
from tests.servers.postgres import ADMIN_PASSWORD, PostgresServer

ALL = {kind.kind for kind in Django.kinds}
PLANTED = [
    "planted-password-55", "706c616e7465642d746f7470", "plantedcode9", "planted-allauth-secret", "planted-session-data",
    "planted-typed-password", "planted-order-number", SECRET_KEY, ADMIN_PASSWORD,
]  # fmt: skip


class Read:
    """What one run of the collector said."""

    def __init__(self, ctx: Context[Any]) -> None:
        self.messages: list[Message] = list(Django().collect(ctx))
        self.gaps = {m.kind: m for m in self.messages if isinstance(m, Gap)}
        self.complete = {m.kind: m for m in self.messages if isinstance(m, Complete)}

    def rows(self, kind: str) -> list[Any]:
        return [m.evidence for m in self.messages if isinstance(m, Record) and m.evidence.kind == kind]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [row for m in self.messages if isinstance(m, Bulk) and m.kind == kind for row in m.table.to_pylist()]


class TestConformance(Conformance):
    collector = Django

    @pytest.fixture(autouse=True)
    def _project(self, settings: dict[str, Any], project: DjangoDatabase, server: PostgresServer) -> None:
        self.settings = settings
        self.unreachable = {**settings, "port": 1}
        with server.session("shop") as conn:
            secrets = conn.execute(
                "SELECT password FROM auth_user UNION SELECT token FROM token_blacklist_outstandingtoken"
            )
            self.planted = [*PLANTED, *(value for (value,) in secrets)]


def test_the_grant_of_the_readme_is_enough(context: Make, project: DjangoDatabase) -> None:
    read = Read(context())
    assert not read.gaps
    assert set(read.complete) == ALL
    assert all(access.readable for access in Django().check(context()))


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("auth_user", "password"),
        ("otp_totp_totpdevice", "key"),
        ("otp_static_statictoken", "token"),
        ("mfa_authenticator", "data"),
        ("django_session", "session_data"),
        ("token_blacklist_outstandingtoken", "token"),
        ("axes_accessattempt", "post_data"),
        ("auditlog_logentry", "changes"),
    ],
)
def test_the_grant_shows_no_secret(server: PostgresServer, project: DjangoDatabase, table: str, column: str) -> None:
    with server.session("shop") as conn:
        may = conn.execute("SELECT has_column_privilege(%s, %s, %s, 'SELECT')", (READER, table, column)).fetchone()
    assert may == (False,)


def test_accounts(context: Make, project: DjangoDatabase) -> None:
    read = Read(context("user_account", "mfa_device", service_accounts=["ben"], person_column="email"))
    accounts = {row.account: row for row in read.rows("user_account")}
    assert {n: (a.is_active, a.is_superuser, a.is_privileged, a.mfa_enrolled) for n, a in accounts.items()} == {
        "ana": (True, True, True, True),
        "ben": (True, False, True, False),  # a device that was never confirmed, and recovery codes
        "eva": (True, False, False, True),
        "kim": (False, False, True, False),
    }
    assert (accounts["ana"].account_type, accounts["ana"].person) == ("human", "ana@shop.example")
    assert (accounts["ben"].account_type, accounts["ben"].interactive_login) == ("service", None)
    devices = {(d.account, d.method): (d.is_confirmed, d.is_second_factor) for d in read.rows("mfa_device")}
    assert devices == {
        ("ana", "totp"): (True, True),
        ("ben", "totp"): (False, True),
        ("ben", "recovery"): (True, False),
        ("eva", "totp"): (True, True),
    }


def test_rights(context: Make, project: DjangoDatabase) -> None:
    read = Read(context("role_grant", "application_right", "role_definition", privileged_roles=["Editors"]))
    assert {(g.account, g.role, g.scope, g.is_privileged) for g in read.rows("role_grant")} == {
        ("ana", "is_superuser", "account", True),
        ("ana", "is_staff", "account", True),
        ("ben", "is_staff", "account", True),
        ("eva", "Editors", "group", True),
        ("eva", "shop.delete_order", "permission", False),
        ("kim", "Keepers", "group", True),  # may change accounts
    }
    assert {(r.account, r.object_type, tuple(r.actions), tuple(r.via)) for r in read.rows("application_right")} == {
        ("ana", "*", ("*",), ("superuser",)),
        ("eva", "shop.order", ("change", "delete", "view"), ("Editors", "direct")),
    }
    roles = {r.role: (r.permissions, r.is_declared) for r in read.rows("role_definition")}
    assert roles["Editors"] == (["shop.change_order", "shop.view_order"], None)
    assert set(roles) == {"Editors", "Keepers", "is_staff", "is_superuser", "shop.delete_order"}


def test_declared_roles(context: Make, project: DjangoDatabase, tmp_path: Path) -> None:
    file = tmp_path / "roles.yaml"
    file.write_text(
        "roles:\n  Editors: {owner: Ines, purpose: Orders, approved_by: CISO, approved_at: 2026-03-01,\n"
        "    permissions: [shop.view_order], conflicts_with: [Keepers]}\n  Ghosts: {owner: Ines}\n"
    )
    roles = {r.role: r for r in Read(context("role_definition", roles_file=str(file))).rows("role_definition")}
    editors, keepers, ghosts = roles["Editors"], roles["Keepers"], roles["Ghosts"]
    assert (editors.is_approved, editors.approved_permissions, editors.conflicts_with) == (
        True,
        ["shop.view_order"],
        ["Keepers"],
    )
    assert {role for role, row in roles.items() if row.conflicts_with is None} == {*roles} - {
        "Editors",
        "Keepers",
        "Ghosts",
    }
    assert (keepers.is_declared, keepers.is_approved, keepers.conflicts_with) == (False, False, ["Editors"])
    assert (ghosts.exists, ghosts.permissions, ghosts.is_approved) == (False, None, False)

    for content, cause in (
        (None, Cause.ABSENT),
        ("roles: [", Cause.MALFORMED),
        ("roles: {A: {ovner: x}}", Cause.MALFORMED),
        ("# none yet", Cause.MALFORMED),
        ("roles: {Editors: {conflicts_with: [Kepers]}}", Cause.MALFORMED),
    ):
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_text(content)
        assert Read(context("role_definition", roles_file=str(file))).gaps["role_definition"].cause is cause


def test_signins_sessions_and_tokens(context: Make, project: DjangoDatabase) -> None:
    read = Read(context())
    (counter,) = read.rows("failed_signin")
    assert (counter.account, counter.source_ip, counter.failures) == ("eva", "203.0.113.9", 4)
    events = read.events("auth_event")
    assert [(e["account"], e["event_type"], e["result"], e["source_ip"]) for e in events] == [
        ("eva", "login", "failure", "203.0.113.9"),
        ("eva", "login", "failure", "203.0.113.9"),
        ("eva", "lockout", "failure", "203.0.113.9"),
        ("eva", "lockout", "failure", "203.0.113.9"),
    ]
    stores = {s.store: s for s in read.rows("session_store")}
    assert stores["django_session"].entries == 1
    tokens = stores["token_blacklist_outstandingtoken"]
    assert (tokens.entries, tokens.revoked, tokens.longest_minutes) == (1, 0, 24 * 60)


def test_logs_and_actions(context: Make, project: DjangoDatabase) -> None:
    read = Read(context("audit_log", "audit_event", logs_of_record=["auditlog_logentry"]))
    assert {(log.log, log.of_record, log.keeps_source, log.keeps_fields) for log in read.rows("audit_log")} == {
        ("auditlog_logentry", True, True, False),
        ("django_admin_log", False, False, False),
        ("shop_historicalorder", False, False, False),
        ("axes_accesslog", None, True, None),
        ("axes_accessfailurelog", None, True, None),
    }
    events = read.events("audit_event")
    history = [(e["action"], e["object_type"], e["object_id"]) for e in events if e["log"] == "shop_historicalorder"]
    assert history == [("create", "shop.order", "1"), ("update", "shop.order", "1")]
    assert ("auth.user", "create", None) in {
        (e["object_type"], e["action"], e["changed_fields"] and "") for e in events
    }
    assert all(e["changed_fields"] is None for e in events)


def test_the_optional_grant_shows_names_of_fields_alone(context: Make, project: DjangoDatabase) -> None:
    project.sql(f"GRANT SELECT (changes) ON auditlog_logentry TO {READER}")
    try:
        read = Read(context("audit_event"))
    finally:
        project.sql(f"REVOKE SELECT (changes) ON auditlog_logentry FROM {READER}")
    fields = [(e["object_type"], e["changed_fields"]) for e in read.events("audit_event") if e["action"] == "update"]
    assert ("auth.user", ["groups"]) in fields
    assert ("auth.group", ["permissions"]) in fields
    assert not any(secret in repr(read.messages) for secret in PLANTED)


REVOKED = [
    ("auth_user", "is_superuser", {"user_account", "role_grant", "role_definition", "application_right"}),
    ("auth_group_permissions", "group_id", {"user_account", "role_grant", "role_definition", "application_right"}),
    ("otp_totp_totpdevice", "confirmed", {"mfa_device"}),
    ("django_session", "expire_date", {"session_store"}),
    ("axes_accessattempt", "username", {"failed_signin"}),
    ("auditlog_logentry", "xmin", {"audit_event", "log_alteration"}),
    ("shop_historicalorder", "history_date", {"audit_event", "log_alteration"}),
    ("axes_accessfailurelog", "ip_address", {"auth_event", "log_alteration"}),
]


@contextmanager
def without(project: DjangoDatabase, table: str, column: str) -> Iterator[None]:
    project.sql(f"REVOKE SELECT ({column}) ON {table} FROM {READER}")
    try:
        yield
    finally:
        project.sql(f"GRANT SELECT ({column}) ON {table} TO {READER}")


@pytest.mark.parametrize(("table", "column", "kinds"), REVOKED)
def test_what_may_not_be_read_is_a_gap_with_the_grant(
    context: Make, project: DjangoDatabase, table: str, column: str, kinds: set[str]
) -> None:
    with without(project, table, column):
        read = Read(context())
        refused = {access.kind for access in Django().check(context()) if not access.readable}
    assert set(read.gaps) == kinds == refused
    for gap in read.gaps.values():
        assert gap.cause is Cause.DENIED
        assert f"GRANT SELECT ({column}) ON public.{table}" in gap.remedy


def test_a_table_of_factors_that_may_not_be_read_leaves_doubt_and_no_denial(
    context: Make, project: DjangoDatabase
) -> None:
    with without(project, "otp_static_staticdevice", "confirmed"):
        accounts = {row.account: row.mfa_enrolled for row in Read(context("user_account")).rows("user_account")}
    assert accounts == {"ana": True, "ben": None, "eva": True, "kim": None}


def test_a_factor_elsewhere_leaves_doubt(context: Make, project: DjangoDatabase) -> None:
    accounts = {
        row.account: row.mfa_enrolled for row in Read(context("user_account", mfa_elsewhere=True)).rows("user_account")
    }
    assert accounts == {"ana": True, "ben": None, "eva": True, "kim": None}


def test_the_other_logs_are_read_when_one_may_not_be(context: Make, project: DjangoDatabase) -> None:
    with without(project, "auditlog_logentry", "xmin"):
        read = Read(context("audit_event"))
    assert {e["log"] for e in read.events("audit_event")} == {"shop_historicalorder"}
    assert "auditlog_logentry" in read.gaps["audit_event"].message


def test_a_user_model_of_its_own_and_apps_that_are_absent(server: PostgresServer, context: Make) -> None:
    with DjangoDatabase(server, "members", own_users=True) as made:
        grants(made)
        columns = "id, username, staff_number, is_superuser, is_staff, is_active, last_login"
        made.sql(
            f"GRANT SELECT ({columns}) ON shop_member TO {READER}",
            f"GRANT SELECT (member_id, group_id) ON shop_member_groups TO {READER}",
            f"GRANT SELECT (member_id, permission_id) ON shop_member_user_permissions TO {READER}",
        )
        made.run(
            "from shop.models import Member\nfrom mfa.models import User_Keys\n"
            "Member.objects.create_superuser('root', password='x', staff_number='P7')\n"
            "Member.objects.create_superuser('lea', password='x', staff_number='P8')\n"
            "User_Keys.objects.create(username='lea', key_type='FIDO2', properties={'device': 'planted'})\n"
            "User_Keys.objects.create(username='root', key_type='TOTP', enabled=False, properties={})\n"
        )
        read = Read(context(dbname="members", person_column="staff_number"))

    assert {(a.account, a.person, a.mfa_enrolled, a.email) for a in read.rows("user_account")} == {
        ("root", "P7", False, None),
        ("lea", "P8", True, None),
    }
    assert {g.detail["audit"]["object_type"] for g in read.rows("role_grant")} == {"shop.member"}
    assert {kind: gap.cause for kind, gap in read.gaps.items()} == {
        "failed_signin": Cause.ABSENT,
        "auth_event": Cause.ABSENT,
    }
    assert all(gap.remedy for gap in read.gaps.values())


def test_a_project_without_second_factors_and_a_database_without_django(server: PostgresServer, context: Make) -> None:
    with DjangoDatabase(server, "bare", bare=True) as made:
        grants(made)
        made.run("from django.contrib.auth.models import User\nUser.objects.create_superuser('root', password='x')")
        read = Read(context(dbname="bare"))
    assert read.gaps["mfa_device"].cause is Cause.ABSENT
    assert [a.mfa_enrolled for a in read.rows("user_account")] == [None]

    nothing = Read(context(dbname="postgres"))
    assert set(nothing.gaps) == ALL
    assert {gap.cause for gap in nothing.gaps.values()} == {Cause.ABSENT}


def test_a_server_that_is_stopped_is_no_empty_project(context: Make) -> None:
    with PostgresServer() as other:
        port = other.port
    read = Read(context(port=port))
    assert set(read.gaps) == ALL
    assert {gap.cause for gap in read.gaps.values()} == {Cause.UNREACHABLE}


def test_every_statement_of_the_readme_is_a_grant_by_column() -> None:
    for line in granted()[1:]:
        assert line.startswith("GRANT SELECT ("), line


def test_a_program_that_signed_in_may_do_so_again(context: Make, project: DjangoDatabase) -> None:
    project.sql("UPDATE auth_user SET last_login = now() WHERE username = 'eva'")
    try:
        rows = Read(context("user_account", service_accounts=["ben", "eva"])).rows("user_account")
    finally:
        project.sql("UPDATE auth_user SET last_login = NULL WHERE username = 'eva'")
    assert {row.account: row.interactive_login for row in rows if row.account in ("ben", "eva")} == {
        "ben": None,
        "eva": True,
    }


def test_a_key_that_is_no_number_stays_out_of_what_cannot_be_erased(context: Make, project: DjangoDatabase) -> None:
    """A model whose key is a name: its events name the object in a personal column, or not at all."""
    from compliance.collectors.django.accounts import plain

    assert [plain(key) for key in ("17", "-3", "8f14e45f-ceea-467f-a8d5-0c2b9bd1e2aa", "ana", "CURP010101", "")] == [
        "17", "-3", "8f14e45f-ceea-467f-a8d5-0c2b9bd1e2aa", None, None, None,
    ]  # fmt: skip
    odd = 'ana,"x"\n\\é\t'  # and whatever CSV makes of it
    project.sql(f"UPDATE auditlog_logentry SET object_pk = '{odd}' WHERE id = 1")
    try:
        events = [e for e in Read(context("audit_event")).events("audit_event") if e["log"] == "auditlog_logentry"]
    finally:
        project.sql("UPDATE auditlog_logentry SET object_pk = '1' WHERE id = 1")
    named = [(e["event"], e["object_id"], e["object_key"]) for e in events if e["object_key"] is not None]
    assert named == [("1", None, odd)]


def test_rows_that_a_policy_hides_are_a_gap(context: Make, project: DjangoDatabase) -> None:
    project.sql(
        "ALTER TABLE auth_user ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY few ON auth_user FOR SELECT TO {READER} USING (username <> 'ana')",
    )
    try:
        gap = Read(context("user_account")).gaps["user_account"]
    finally:
        project.sql("DROP POLICY few ON auth_user", "ALTER TABLE auth_user DISABLE ROW LEVEL SECURITY")
    assert gap.cause is Cause.DENIED
    assert "row-level security" in gap.message


def test_what_cannot_be_told_is_a_gap(server: PostgresServer, project: DjangoDatabase, context: Make) -> None:
    """Links without foreign keys, a table of another name, times without a zone: none of them is an empty answer."""
    with project.copy("odd") as made:
        keys = "SELECT conname FROM pg_constraint WHERE conrelid = 'auth_user_groups'::regclass AND contype = 'f'"
        with server.session("odd") as conn:
            names = [row[0] for row in conn.execute(keys)]
        made.sql(*(f'ALTER TABLE auth_user_groups DROP CONSTRAINT "{key}"' for key in names))
        unlinked = Read(context("role_grant", "user_account", dbname="odd"))
        made.sql("ALTER TABLE auditlog_logentry ALTER COLUMN timestamp TYPE timestamp")
        zoneless = Read(context("audit_event", dbname="odd"))
    with project.copy("renamed") as made:
        made.sql("ALTER TABLE auth_user RENAME TO people")
        unnamed = Read(context("role_grant", dbname="renamed"))
        told = Read(context("role_grant", dbname="renamed", user_model="auth.User"))

    assert {gap.cause for gap in unlinked.gaps.values()} == {Cause.ABSENT}
    assert set(unlinked.gaps) == {"role_grant", "user_account"}
    assert "cannot be told" in unlinked.gaps["role_grant"].message
    assert (zoneless.gaps["audit_event"].cause, "USE_TZ" in zoneless.gaps["audit_event"].remedy) == (
        Cause.MALFORMED,
        True,
    )
    assert "user_model" in unnamed.gaps["role_grant"].remedy
    assert {g.detail["audit"]["object_type"] for g in told.rows("role_grant")} == {"auth.user"}


def test_a_log_that_is_left_out_stays_in_sight(context: Make, project: DjangoDatabase) -> None:
    rows = {row.log: row for row in Read(context("audit_log", exclude_logs=["django_admin_log"])).rows("audit_log")}

    left_out, read = rows["django_admin_log"], rows["auditlog_logentry"]
    assert (left_out.is_read, left_out.of_record, left_out.seen_before, left_out.rows_waiting) == (
        False,
        None,
        None,
        None,
    )
    assert (read.is_read, read.of_record, read.seen_before) == (True, True, False)
