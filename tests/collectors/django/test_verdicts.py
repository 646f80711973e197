"""Good and bad states of a real project, judged: collected, recorded and evaluated as `compliance audit` does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compliance.app import audit, config, workspace
from compliance.controls import catalogue
from compliance.schemas.results import ControlResult
from tests.collectors.django.conftest import READER, READER_PASSWORD, grants
from tests.servers.django_database import DjangoDatabase
from tests.servers.postgres import PostgresServer

JUDGED = (
    "access.role_catalogue", "access.separation_of_duties", "access.mfa_admins", "access.dormant_disabled",
    "access.unique_ids", "access.privileged_allowlist", "logging.event_fields", "logging.failed_logins",
    "logging.permission_changes", "logging.trail_intact",
)  # fmt: skip
ROLES = """
roles:
  Editors: {owner: Ines, purpose: Orders, approved_by: CISO, approved_at: 2026-03-01, permissions: [shop.change_order]}
  Auditors: {owner: Ines, purpose: Books, approved_by: CISO, approved_at: 2026-03-01, permissions: [shop.view_order],
    conflicts_with: [Editors]}
  is_superuser: {owner: CTO, purpose: Emergencies, approved_by: CISO, approved_at: 2026-03-01, permissions: ["*"]}
  is_staff: {owner: CTO, purpose: Desk, approved_by: CISO, approved_at: 2026-03-01, permissions: [admin.access]}
"""
SETTINGS = """
[organisation]
name = "Example School"
[audit]
frameworks = ["pci_dss"]
[sources.shop]
collector = "django"
host = "127.0.0.1"
port = {port}
user = "compliance_reader"
dbname = "{name}"
password = "env:DJANGO_READER"
person_column = "email"
roles_file = "roles.yaml"
logs_of_record = ["auditlog_logentry"]
[parameters."access.privileged_allowlist"]
allowed = ["ana"]
[parameters."logging.failed_logins"]
probe = "probe"
"""
# what the project does by itself: signed in, audited with actor and address, probed
GOOD = """
from auditlog.context import set_actor
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission, User
from django.test import RequestFactory
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
now = timezone.now()
ana = User.objects.create_user("ana", email="ana@shop.example", is_superuser=True, is_staff=True, last_login=now)
eva = User.objects.create_user("eva", email="eva@shop.example", last_login=now)
TOTPDevice.objects.create(user=ana, name="phone", confirmed=True)
editors, auditors = Group.objects.create(name="Editors"), Group.objects.create(name="Auditors")
editors.permissions.add(Permission.objects.get(codename="change_order"))
auditors.permissions.add(Permission.objects.get(codename="view_order"))
eva.groups.add(editors)
"""
TRAILED = """
from auditlog.context import set_actor
from django.contrib.auth.models import Group, Permission, User
ana, eva = User.objects.get(username="ana"), User.objects.get(username="eva")
with set_actor(ana, remote_addr="203.0.113.5"):
    {}
"""
PROBE = """
from django.contrib.auth import authenticate
from django.test import RequestFactory
typed = {"username": "probe", "password": "x"}
authenticate(RequestFactory().post("/", typed, REMOTE_ADDR="203.0.113.9"), **typed)
"""
AUDITORS = """INSERT INTO auth_user_groups (user_id, group_id) SELECT u.id, g.id FROM auth_user u, auth_group g
WHERE u.username = 'eva' AND g.name = 'Auditors'"""
MORE = """INSERT INTO auth_group_permissions (group_id, permission_id) SELECT g.id, p.id
FROM auth_group g, auth_permission p WHERE g.name = 'Editors' AND p.codename = 'delete_order'"""
DIRECT = """INSERT INTO auth_user_user_permissions (user_id, permission_id) SELECT u.id, p.id
FROM auth_user u, auth_permission p WHERE u.username = 'eva' AND p.codename = '{}'"""


class Judged:
    """A project with a configuration of its own; `audit` collects and judges."""

    def __init__(self, project: DjangoDatabase, folder: Path) -> None:
        self.project, self.folder = project, folder
        (folder / "roles.yaml").write_text(ROLES)
        (folder / "compliance.toml").write_text(SETTINGS.format(port=project.server.port, name=project.name))

    def configure(self, old: str, new: str) -> None:
        path = self.folder / "compliance.toml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def audit(self) -> dict[str, ControlResult]:
        read = config.load(self.folder / "compliance.toml")
        wanted = audit.Wanted()
        plan = audit.plan(read, wanted, audit.possible(wanted, catalogue.load()))
        with workspace.opened(read, lambda words: None) as opened:
            return dict(audit.perform(opened, plan, say=lambda words: None).controls)

    def codes(self, results: dict[str, ControlResult], control: str) -> dict[str, str]:
        return {f.resource.removeprefix("shop/"): f"{f.verdict}:{f.code}" for f in results[control].findings}


@pytest.fixture(scope="module")
def made(server: PostgresServer) -> Iterator[DjangoDatabase]:
    """A project in a good state; each test gets a copy."""
    with DjangoDatabase(server, "judged") as project:
        grants(project)
        project.sql(f"GRANT SELECT (changes) ON auditlog_logentry TO {READER}")
        project.run(GOOD + PROBE)
        project.sql("TRUNCATE auditlog_logentry RESTART IDENTITY")
        project.run(TRAILED.format("eva.first_name = 'Eva'; eva.save()"))
        yield project


@pytest.fixture
def judged(made: DjangoDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Judged]:
    monkeypatch.setenv("DJANGO_READER", READER_PASSWORD)
    for name in ("CONFIG", "STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    with made.copy(f"judged_{os.urandom(4).hex()}") as project:
        yield Judged(project, tmp_path)


def test_a_good_project_passes_at_the_second_reading_and_not_before(judged: Judged) -> None:
    first = judged.audit()
    assert first["logging.permission_changes"].verdict == "unknown"
    assert first["logging.trail_intact"].verdict == "unknown"
    second = judged.audit()

    assert {
        name: (second[name].verdict, second[name].reason) for name in JUDGED if second[name].verdict != "pass"
    } == {}
    assert judged.codes(second, "access.mfa_admins") == {"ana": "pass:enrolled", "eva": "not_applicable:ordinary"}


def test_changes_with_a_record_pass_and_without_one_fail(judged: Judged) -> None:
    judged.audit()
    judged.project.run(TRAILED.format("eva.groups.remove(Group.objects.get(name='Editors'))"))
    with_record = judged.audit()
    judged.project.sql(
        AUDITORS,
        "UPDATE auth_user SET is_superuser = TRUE WHERE username = 'eva'",
        MORE,
    )
    past_the_trail = judged.audit()

    control = "logging.permission_changes"
    assert with_record[control].verdict == "pass"
    assert list(judged.codes(with_record, control).values()) == ["pass:logged"]
    assert past_the_trail[control].verdict == "fail"
    found = {key.split(": ")[1]: code for key, code in judged.codes(past_the_trail, control).items()}
    assert found == {
        "Editors revoked eva": "pass:logged",
        "Auditors granted eva": "fail:not_logged",
        "is_superuser granted eva": "fail:not_logged",
        "Editors changed": "fail:not_logged",
    }
    assert past_the_trail["access.privileged_allowlist"].verdict == "fail"
    assert past_the_trail["access.role_catalogue"].verdict == "fail"
    assert judged.codes(past_the_trail, "access.mfa_admins")["eva"] == "fail:not_enrolled"


def test_without_the_names_of_fields_a_change_is_not_called_recorded(judged: Judged) -> None:
    judged.project.sql(f"REVOKE SELECT (changes) ON auditlog_logentry FROM {READER}")
    try:
        judged.audit()
        judged.project.run(TRAILED.format("eva.groups.remove(Group.objects.get(name='Editors'))"))
        results = judged.audit()
    finally:
        judged.project.sql(f"GRANT SELECT (changes) ON auditlog_logentry TO {READER}")
    assert list(judged.codes(results, "logging.permission_changes").values()) == ["unknown:trail_unread"]


OLD = "now() - interval '91 days'"
# faults that do not disturb each other, and what each must turn
FAULTS: list[tuple[tuple[str, ...], dict[str, tuple[str, dict[str, str]]]]] = [
    (
        (
            "UPDATE otp_totp_totpdevice SET confirmed = FALSE",
            f"UPDATE auth_user SET last_login = {OLD} WHERE username = 'eva'",
            DIRECT.format("change_user"),
            MORE,
            AUDITORS,
            "INSERT INTO auth_group (name) VALUES ('Shadow')",
            "UPDATE auditlog_logentry SET remote_addr = NULL",
            "DELETE FROM axes_accessfailurelog",
        ),
        {
            "access.mfa_admins": ("fail", {"ana": "fail:not_enrolled", "eva": "fail:not_enrolled"}),
            "access.dormant_disabled": ("fail", {"eva": "fail:dormant", "ana": "pass:used"}),
            "access.privileged_allowlist": ("fail", {"eva": "fail:not_listed", "ana": "pass:listed"}),
            "access.role_catalogue": (
                "fail",
                {
                    "Editors": "fail:beyond_approval",
                    "Shadow": "fail:not_declared",
                    "auth.change_user": "fail:not_declared",
                    "Auditors": "pass:approved",
                },
            ),
            "access.separation_of_duties": ("fail", {"eva@shop.example": "fail:conflict"}),
            "logging.event_fields": ("fail", {"auditlog_logentry": "fail:incomplete"}),
            "logging.failed_logins": ("fail", {"axes_accessfailurelog": "fail:not_recorded"}),
        },
    ),
    (
        (
            f"UPDATE auth_user SET last_login = NULL, date_joined = {OLD}, email = '' WHERE username = 'eva'",
            "UPDATE auth_user SET is_superuser = TRUE WHERE username = 'eva'",
            "UPDATE auditlog_logentry SET actor_id = NULL, actor_email = NULL",
            "UPDATE axes_accessfailurelog SET attempt_time = now() - interval '25 hours'",
        ),
        {
            "access.mfa_admins": ("fail", {"ana": "pass:enrolled", "eva": "fail:not_enrolled"}),
            "access.dormant_disabled": ("fail", {"eva": "fail:never_used"}),
            "access.privileged_allowlist": ("fail", {"eva": "fail:not_listed"}),
            "access.unique_ids": ("unknown", {"eva": "unknown:no_person"}),
            "logging.event_fields": ("fail", {"auditlog_logentry": "fail:incomplete"}),
            "logging.failed_logins": ("fail", {"axes_accessfailurelog": "fail:not_recorded"}),
        },
    ),
    (
        (
            "DELETE FROM otp_totp_totpdevice",
            "UPDATE auth_user SET is_staff = TRUE WHERE username = 'eva'",
            "UPDATE axes_accessfailurelog SET ip_address = NULL",
        ),
        {
            "access.mfa_admins": ("fail", {"ana": "fail:not_enrolled", "eva": "fail:not_enrolled"}),
            "access.privileged_allowlist": ("fail", {"eva": "fail:not_listed"}),
            "logging.failed_logins": ("fail", {"axes_accessfailurelog": "fail:no_address"}),
        },
    ),
]


@pytest.mark.parametrize(("faults", "expected"), FAULTS)
def test_faults_turn_their_controls(
    judged: Judged, faults: tuple[str, ...], expected: dict[str, tuple[str, dict[str, str]]]
) -> None:
    judged.project.sql(*faults)
    results = judged.audit()
    for control, (verdict, codes) in expected.items():
        assert results[control].verdict == verdict, results[control].reason
        assert codes.items() <= judged.codes(results, control).items()


def test_rows_that_vanish_fail_and_stay_failed(judged: Judged) -> None:
    judged.project.run(TRAILED.format("eva.last_name = 'X'; eva.save()"))
    judged.audit()
    judged.project.sql("DELETE FROM auditlog_logentry WHERE id = 1")
    for _ in range(2):
        results = judged.audit()
        assert judged.codes(results, "logging.trail_intact")["auditlog_logentry"] == "fail:rows_missing"


def test_a_right_that_is_taken_from_the_reader_is_no_verdict(judged: Judged) -> None:
    judged.audit()
    for table, columns, controls in (
        ("auth_user", "is_superuser", JUDGED[:6]),
        ("auditlog_logentry", "xmin", ("logging.event_fields", "logging.permission_changes", "logging.trail_intact")),
    ):
        judged.project.sql(f"REVOKE SELECT ({columns}) ON {table} FROM {READER}")
        try:
            results = judged.audit()
        finally:
            judged.project.sql(f"GRANT SELECT ({columns}) ON {table} TO {READER}")
        assert {results[name].verdict for name in controls} == {"unknown"}, {n: results[n].reason for n in controls}


def test_logs_of_record_that_are_not_there_are_a_gap(judged: Judged) -> None:
    judged.configure('["auditlog_logentry"]', '["auditlog_logentri"]')
    results: dict[str, Any] = judged.audit()
    assert results["logging.event_fields"].verdict == "unknown"
