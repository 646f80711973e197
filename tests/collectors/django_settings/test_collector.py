"""The collector against a real project: good, bad, with rights missing, broken, and told by files."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import compliance.collectors.django_settings
from compliance.collectors.django_settings import DjangoProject
from compliance.collectors.testing import Conformance
from compliance.schemas.messages import Context, Discovery, Record
from tests.collectors.django_settings.conftest import Make, Read
from tests.servers.django import IDP
from tests.servers.django import DjangoProject as Project
from tests.servers.django_project.shop.planted import SECRETS

ALL = {kind.kind for kind in DjangoProject.kinds}
Change = Callable[[dict[str, Any]], None]


class TestConformance(Conformance):
    collector = DjangoProject

    @pytest.fixture(autouse=True)
    def _project(self, settings: dict[str, Any], project: Project) -> None:
        self.settings = settings
        self.unreachable = {**settings, "command": ["/nowhere/python", "manage.py", "compliance_report"]}
        keys = [line for name in ("jwt.key", "sp.key") for line in (project.data / name).read_text().splitlines()[1:-1]]
        clear = [*SECRETS.values(), *keys]
        self.planted = [*clear, *(hashlib.sha256(text.encode()).hexdigest() for text in SECRETS.values())]


def test_good_state(context: Make, project: Project) -> None:
    read = Read(context())
    assert not read.gaps
    assert set(read.complete) == ALL
    policy = read.one("auth_policy", system="shop.good")
    assert (policy.password_login, policy.lockout_attempts, policy.lockout_minutes) == (True, 5, 30)
    assert (policy.idle_minutes, policy.password_min_length, policy.password_needs_alnum) == (15, 12, True)
    assert (policy.password_history, policy.hash_algorithm, policy.hash_iterations) == (5, "argon2id", None)
    similar = "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"
    assert {"name": similar, "options": {"max_similarity": "0.6"}} in policy.detail["validators"]
    session = read.one("session_policy")
    assert (session.cookie_secure, session.cookie_httponly, session.cookie_samesite) == (True, True, "Lax")
    assert (session.age_s, session.engine) == (900, "django.contrib.sessions.backends.db")
    sso = read.one("sso_config", sp_id="https://shop.example/saml2/metadata/", idp_id=IDP)
    assert (sso.product, sso.strict, sso.assertions_signed, sso.responses_signed) == ("pysaml2", True, True, True)
    assert (sso.weak_signatures_refused, sso.replay_protection, sso.unsolicited_allowed) == (True, True, False)
    assert (sso.signature_algorithm, sso.digest_algorithm, sso.clock_skew_s) == ("rsa-sha256", "sha256", 60)
    assert (sso.idp_certificates, sso.idp_key_bits, sso.metadata_signed) == (1, 2048, False)
    assert sso.idp_cert_not_after == sso.idp_cert_last_not_after > datetime.now(UTC) + timedelta(days=690)
    assert sso.metadata_valid_until > datetime.now(UTC) + timedelta(days=360)
    jwt = read.one("jwt_config", issuer="simplejwt")
    assert (jwt.algorithm, jwt.access_ttl_s, jwt.refresh_ttl_s, jwt.refresh_ttl_privileged_s) == (
        "RS256",
        600,
        43200,
        43200,
    )
    assert (jwt.rotate_refresh, jwt.blacklist_after_rotation, jwt.reuse_detection) == (True, True, True)
    assert (jwt.key_kind, jwt.key_bits, jwt.key_shared) == ("rsa", 2048, False)
    key = read.one("signing_key")
    assert (key.key_id, key.origin, key.bits) == (jwt.key_id, "settings", 2048)
    assert read.one("signing_key_seen").absent_at is None
    link = read.one("internal_link")
    assert link.target_component == "db.shop.invalid:5432 (database default)"
    assert (link.is_local, link.tls_enabled, link.tls_verified) == (False, True, True)
    assert read.one("setting", name="LOGGING.handlers.mail").value == "logging.handlers.SMTPHandler level=ERROR"
    assert read.one("setting", name="version").value == importlib.metadata.version("django")
    assert read.one("setting", name="MIDDLEWARE").value.startswith("django.middleware.security.SecurityMiddleware, ")
    assert {row.check_id for row in read.rows("self_check")} == {"security.W025"}
    tables = {row.table_name: row.models for row in read.rows("application_table")}
    assert tables["auth_user"] == ["auth.user"]
    assert tables["auth_user_groups"] == ["auth.user_groups"]  # between two models
    assert "django_migrations" not in tables  # Django's own, of no model of the project
    home = read.one("application_endpoint", route="/")
    assert (home.requires_signin, home.public_listed, home.view) == (True, False, "shop.views.ByMixin")
    health = read.one("application_endpoint", route="/health/")
    assert (health.requires_signin, health.public_listed) == (False, True)


def test_bad_state(context: Make) -> None:
    read = Read(context(settings_module="shop.bad", reuse_alert=None))
    assert not read.gaps
    policy = read.one("auth_policy")
    assert (policy.lockout_attempts, policy.idle_minutes, policy.password_min_length) == (0, 20160, 8)
    assert (policy.password_needs_alnum, policy.password_history, policy.hash_algorithm) == (False, 0, "md5")
    session = read.one("session_policy")
    assert (session.cookie_secure, session.cookie_httponly, session.cookie_samesite) == (False, False, "off")
    sso = read.one("sso_config", product="pysaml2")
    assert (sso.assertions_signed, sso.responses_signed, sso.replay_protection) == (False, False, False)
    assert (sso.signature_algorithm, sso.clock_skew_s, sso.unsolicited_allowed) == ("rsa-sha1", 3600, True)
    assert sso.idp_cert_not_after < datetime.now(UTC) + timedelta(days=11)
    old = read.one("sso_config", product="python3-saml")
    assert (old.assertions_signed, old.weak_signatures_refused, old.clock_skew_s) == (False, False, 300)
    assert (old.replay_protection, old.unsolicited_allowed, old.idp_certificates) == (None, None, 1)
    jwt = read.one("jwt_config")
    assert (jwt.algorithm, jwt.access_ttl_s, jwt.refresh_ttl_s) == ("HS256", 86400, 7776000)
    assert (jwt.rotate_refresh, jwt.blacklist_after_rotation, jwt.reuse_detection) == (False, False, False)
    assert (jwt.key_kind, jwt.key_bits, jwt.key_id) == ("hmac", 112, None)
    assert read.rows("signing_key") == []
    assert (read.one("internal_link").tls_enabled, read.one("internal_link").tls_verified) == (False, None)
    checks = {row.check_id: row for row in read.rows("self_check")}
    assert {"security.W004", "security.W012", "security.W018"} <= set(checks)
    assert (checks["security.W004"].silenced, checks["security.W018"].silenced) == (True, False)


def test_the_systems_own_xmlsec_decides_what_is_weak(context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_XMLSEC", "/usr/bin/xmlsec1")  # Debian's takes SHA-1
    assert Read(context("sso_config")).one("sso_config").weak_signatures_refused is False


def test_the_grant_of_the_readme_is_enough(context: Make, project: Project, settings: dict[str, Any]) -> None:
    before = _files(project.base)
    assert settings["user"] != "root"
    read = Read(context())
    assert not read.gaps
    assert _files(project.base) == before  # nothing is written
    page = Path(compliance.collectors.django_settings.__file__).with_name("README.md").read_text("utf-8")
    assert "no database, no network and no right to write" in page


def _files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


# --- rights missing, projects that do not start ------------------------------------------------------------------


def _causes(ctx: Context[Any]) -> set[str]:
    read = Read(ctx)
    assert set(read.gaps) == ALL
    assert not any(isinstance(m, Record) for m in read.messages)
    assert all(g.message and g.remedy for g in read.gaps.values())
    assert not any(secret in repr(read.messages) for secret in SECRETS.values())
    return {g.cause.value for g in read.gaps.values()}


def test_settings_that_may_not_be_read(context: Make, project: Project) -> None:
    key = project.data / "jwt.key"
    key.chmod(0o000)
    try:
        assert _causes(context()) == {"denied"}
    finally:
        key.chmod(0o644)


def test_one_unreadable_part_costs_only_what_rests_on_it(context: Make, project: Project) -> None:
    metadata = project.data / "idp.xml"
    metadata.chmod(0o000)
    try:
        read = Read(context())
    finally:
        metadata.chmod(0o644)
    assert {k: g.cause.value for k, g in read.gaps.items()} == {"sso_config": "malformed"}
    assert "single sign-on" in read.gaps["sso_config"].message


def test_settings_that_do_not_load(context: Make, project: Project) -> None:
    broken = project.folder / "shop" / "broken.py"
    broken.write_text(f"raise RuntimeError({SECRETS['database']!r})\n")
    try:
        read = Read(context(settings_module="shop.broken"))
        assert _causes(context(settings_module="shop.broken")) == {"unreachable"}
    finally:
        broken.unlink()
    assert "RuntimeError" in read.gaps["setting"].message


def test_a_project_without_the_command(context: Make, project: Project) -> None:
    without = project.folder / "shop" / "without.py"
    without.write_text(
        "from shop.good import *\nINSTALLED_APPS = [n for n in INSTALLED_APPS if n != 'compliance_django']\n"
    )
    try:
        assert _causes(context(settings_module="shop.without")) == {"disabled"}
    finally:
        without.unlink()


def test_commands_that_give_no_report(context: Make, project: Project, tmp_path: Path) -> None:
    def shell(script: str) -> list[str]:
        return ["/bin/sh", "-c", script]

    assert _causes(context(command=["/nowhere"])) == {"absent"}
    assert _causes(context(folder="/nowhere")) == {"absent"}
    assert _causes(context(command=["/etc/passwd"])) == {"denied"}
    assert _causes(context(command=shell("exit 3"))) == {"unreachable"}
    assert _causes(context(command=shell("true"))) == {"truncated"}
    assert _causes(context(command=shell("echo hello"))) == {"malformed"}
    assert _causes(context(command=shell("echo '{}'"))) == {"malformed"}
    assert _causes(context(command=shell("echo '[]'"))) == {"malformed"}
    assert _causes(context(command=shell("sleep 60"), time_limit_s=0.5)) == {"timeout"}
    assert _causes(context(command=shell("exec >&- 2>&-; sleep 60"), time_limit_s=0.5)) == {"timeout"}
    assert _causes(context(command=shell("yes"), max_report_mib=1)) == {"truncated"}
    assert _causes(context(pass_environment=["SURELY_NOT_SET"])) == {"absent"}
    assert _causes(context(user="surely-no-such-account")) == {"absent"}


def test_root_runs_no_code_of_a_project(context: Make) -> None:
    assert _causes(context(user="root")) == {"denied"}
    if os.geteuid() == 0:  # an ordinary account runs it as itself
        assert _causes(context(user=None)) == {"denied"}


def test_what_the_command_started_ends_with_it(context: Make, project: Project) -> None:
    place = project.base / "marks"
    place.mkdir()
    place.chmod(0o777)
    mark = place / "pid"
    script = f"sleep 600 & echo $! > {mark}; echo hello"
    _causes(context(command=["/bin/sh", "-c", script], time_limit_s=1, folder="/"))
    pid = int(mark.read_text())
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2:3]:
            break
        time.sleep(0.05)
    else:
        raise AssertionError("the command's child still runs")


# --- report files ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made_once(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of the good state, as the command itself writes it."""
    path = tmp_path_factory.mktemp("report") / "report.json"
    done = project.run("shop.good", "--output", str(path))
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture
def report(made_once: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    return Path(shutil.copy(made_once, tmp_path))


def _told(context: Make, path: Path, **changes: Any) -> Context[Any]:
    return context(command=None, folder=None, user=None, pass_environment=None, report=str(path), **changes)


def test_a_report_file(context: Make, report: Path) -> None:
    read = Read(_told(context, report))
    assert not read.gaps
    assert read.one("jwt_config").algorithm == "RS256"
    (asked,) = read.complete["setting"].requests
    made = json.loads(report.read_text())
    assert (asked.method, report.stat().st_mode & 0o777) == ("file", 0o640)
    assert asked.text == f"{report} (made {made['generated_at']} on {made['host']})"
    assert not Read(_told(context, report, host=made["host"])).gaps


def _signed(report: dict[str, Any]) -> str:
    bare = {key: value for key, value in report.items() if key != "digest"}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"))
    return json.dumps({**bare, "digest": "sha256:" + hashlib.sha256(text.encode()).hexdigest()})


def _changed(**changes: Any) -> Change:
    return lambda made: made.update(changes)


def _section(name: str, value: Any) -> Change:
    return lambda made: made["sections"].update({name: value})


def _no_section(made: dict[str, Any]) -> None:
    del made["sections"]["endpoints"]


@pytest.mark.parametrize(
    "change",
    [
        _changed(version=2),
        _changed(version=True),
        _changed(format="something-else"),
        _changed(settings_module="other.settings"),
        _changed(generated_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat()),
        _changed(generated_at=(datetime.now(UTC) - timedelta(hours=4, minutes=1)).isoformat()),
        _changed(generated_at="2026-11-26T10:00:00"),
        _changed(generated_at=1),
        _changed(more=1),
        _no_section,
        _section("endpoints", {"value": [{"route": "/"}]}),
        _section("more", {"value": []}),
    ],
)
def test_a_report_that_is_not_the_one(context: Make, report: Path, change: Change) -> None:
    made = json.loads(report.read_text())
    change(made)
    report.write_text(_signed(made))
    assert _causes(_told(context, report)) == {"malformed"}


def test_a_damaged_report(context: Make, report: Path) -> None:
    whole = report.read_text()
    report.write_text(whole[: len(whole) // 2])
    assert _causes(_told(context, report)) == {"malformed"}
    report.write_text(whole.replace('"requires_signin":false', '"requires_signin":true'))
    assert _causes(_told(context, report)) == {"malformed"}
    report.write_text(whole.replace('{"app_version"', '{"version":1,"app_version"'))
    assert _causes(_told(context, report)) == {"malformed"}
    report.write_bytes(b"\xff\xfe" + whole.encode())
    assert _causes(_told(context, report)) == {"malformed"}
    report.write_text("")
    assert _causes(_told(context, report)) == {"truncated"}
    report.write_text(whole)
    assert not Read(_told(context, report)).gaps


def test_a_report_of_another_host_or_that_anybody_may_write(context: Make, report: Path, tmp_path: Path) -> None:
    assert _causes(_told(context, report, host="surely-not-this-host")) == {"malformed"}
    report.chmod(0o666)
    assert _causes(_told(context, report)) == {"malformed"}
    assert _causes(_told(context, tmp_path / "none.json")) == {"absent"}
    assert _causes(_told(context, tmp_path)) == {"malformed"}


def test_an_old_answer_of_a_command_is_none(context: Make, report: Path, project: Project) -> None:
    made = json.loads(report.read_text())
    made["generated_at"] = (datetime.now(UTC) - timedelta(minutes=20)).isoformat()
    report.write_text(_signed(made))
    assert Read(_told(context, report)).complete  # a file may be that old
    replayed = project.base / "old.json"
    replayed.write_text(report.read_text())
    assert _causes(context(command=["/bin/cat", str(replayed)])) == {"malformed"}
    replayed.unlink()


def test_code_in_the_place_of_the_librarys_leaves_its_part_unknown(context: Make, report: Path) -> None:
    made = json.loads(report.read_text())
    made["sections"]["tokens"]["value"][0]["changed"] = ["TOKEN_REFRESH_SERIALIZER=shop.own.OwnSerializer"]
    report.write_text(_signed(made))
    row = Read(_told(context, report)).one("jwt_config")
    assert (row.rotate_refresh, row.blacklist_after_rotation, row.refresh_ttl_privileged_s) == (None, None, None)
    assert (row.access_ttl_s, row.refresh_ttl_s) == (600, 43200)


def test_a_section_that_the_project_could_not_read(context: Make, report: Path) -> None:
    made = json.loads(report.read_text())
    for name in ("sessions", "endpoints"):
        made["sections"][name] = {"error": "ImproperlyConfigured"}
    made["sections"]["tokens"] = {}
    report.write_text(_signed(made))
    read = Read(_told(context, report))
    lost = {"session_policy", "auth_policy", "application_endpoint", "jwt_config", "signing_key", "signing_key_seen"}
    assert {kind: gap.cause.value for kind, gap in read.gaps.items()} == dict.fromkeys(lost, "malformed")


def test_check_names_public_routes_that_the_map_does_not_have(context: Make) -> None:
    said = {a.kind: a for a in DjangoProject().check(context(public_endpoints=["/health/", "/helth/"]))}
    assert (said["application_endpoint"].readable, "/helth/" in said["application_endpoint"].message) == (True, True)
    assert all(access.readable for access in said.values())


@pytest.mark.parametrize("given", [{"command": None}, {"report": "/x"}, {"settings_module": "shop good"}])
def test_settings_that_contradict_themselves(context: Make, given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"command or report|settings_module"):
        context(**given)


# --- discovery ---------------------------------------------------------------------------------------------------


def test_discovery_finds_a_running_project_that_has_the_command(tmp_path: Path) -> None:
    folder, venv = tmp_path / "srv" / "shop", tmp_path / "venv"
    folder.mkdir(parents=True)
    (folder / "manage.py").write_text('os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")')
    process = tmp_path / "proc" / "7"
    process.mkdir(parents=True)
    process.joinpath("cwd").symlink_to("/srv/shop")
    process.joinpath("cmdline").write_bytes(b"/venv/bin/python\0/venv/bin/gunicorn\0shop.wsgi\0")
    look = Discovery(tmp_path, tmp_path)
    assert list(DjangoProject().discover(look)) == []  # nothing to ask: the command is not installed
    app = venv / "lib" / "python3.11" / "site-packages" / "compliance_django"
    app.mkdir(parents=True)
    (app / "apps.py").touch()
    (found,) = DjangoProject().discover(look)
    assert (found.name, found.settings["settings_module"]) == ("django_shop", "shop.settings")
    assert found.settings["command"] == ["/venv/bin/python", "manage.py", "compliance_report", "--json"]
    DjangoProject.Settings.model_validate(dict(found.settings))
    process.joinpath("environ").write_bytes(b"A=1\0DJANGO_SETTINGS_MODULE=shop.production\0")
    (found,) = DjangoProject().discover(look)
    assert found.settings["settings_module"] == "shop.production"
    process.joinpath("cmdline").write_bytes(b"/venv/bin/python\0/srv/other.py\0")
    assert list(DjangoProject().discover(look)) == []
