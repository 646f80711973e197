"""The pure half: rules, settings and memberships into evidence, on recorded rows."""

from __future__ import annotations

from typing import Any

import pytest

from compliance.collectors.postgres import audit, grants, instance, logfiles, roles, rules
from compliance.collectors.postgres.effective import Effective
from compliance.schemas.kinds.host import LogStore


def _rule(kind: str, address: str | None = None, method: str = "scram-sha-256", **more: Any) -> dict[str, Any]:
    netmask = more.pop("netmask", None)
    named = {"type": kind, "database": ["all"], "user_name": more.pop("users", ["all"]), "address": address}
    return {"rule": {**named, "netmask": netmask, "auth_method": method, "error": None, **more}}


@pytest.mark.parametrize(
    ("lines", "ssl", "expected"),
    [
        ([_rule("local"), _rule("hostssl", "10.0.0.0", netmask="255.0.0.0")], True, True),
        ([_rule("host", "127.0.0.1", netmask="255.255.255.255"), _rule("host", "samehost")], True, True),
        ([_rule("host", "10.0.0.0", netmask="255.0.0.0")], True, False),
        ([_rule("hostnossl", "10.0.0.0", netmask="255.0.0.0")], True, False),
        ([_rule("host", "samenet")], True, False),
        ([_rule("host", "all")], True, False),
        ([_rule("host", "::", netmask="::")], True, False),
        ([_rule("hostnossl", "all", "reject"), _rule("hostssl", "all")], True, True),
        ([_rule("hostgssenc", "all", "gss")], True, True),
        ([_rule("hostnogssenc", "all", "gss")], True, False),
        ([_rule("hostssl", "all")], False, False),
        ([_rule("hostssl", "all")], None, None),
        ([_rule("hostssl", "all", error="bad")], True, None),
    ],
)
def test_tls_required(lines: list[Any], ssl: bool | None, expected: bool | None) -> None:
    assert rules.tls_required(rules.rows_auth_rules(lines, "db"), ssl) is expected


def test_addresses_become_networks() -> None:
    (v4, v6, name) = rules.rows_auth_rules(
        [
            _rule("host", "10.1.0.0", netmask="255.255.0.0"),
            _rule("host", "::1", netmask="ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            _rule("host", ".example.org"),
        ],
        "db",
    )
    assert (v4.address, v4.is_local) == ("10.1.0.0/16", False)
    assert (v6.address, v6.is_local) == ("::1/128", True)
    assert (name.address, name.is_local) == (".example.org", False)


@pytest.mark.parametrize(
    ("method", "users", "expected"),
    [("trust", ["all"], True), ("peer", ["bob"], False), ("cert", ["+staff"], True), ("md5", ["all"], False)],
)
def test_what_outlives_an_expired_password(method: str, users: list[str], expected: bool) -> None:
    found = rules.rows_auth_rules([_rule("local", None, method, users=users)], "db")
    assert rules.outlives_expiry(found, "ana") is expected


def test_errors_lose_what_they_quote() -> None:
    assert "hunter2" not in rules.without_content('invalid authentication method "hunter2"')
    assert "hunter2" not in rules.without_content("authentication option not in name=value format: hunter2")
    assert "hunter2" not in rules.without_content("método de autentificación «hunter2» no válido")


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("none", []),
        ("", []),
        ("write, ddl , ROLE", ["ddl", "role", "write"]),
        ("all, -misc,-misc_set", ["ddl", "function", "read", "role", "write"]),
    ],
)
def test_audit_classes(text: str, classes: list[str]) -> None:
    assert audit.audit_classes(text) == classes


def _settings(**values: str) -> list[dict[str, Any]]:
    given = {"log_statement": "none", "log_min_messages": "warning", "pgaudit.log": "ddl,role,write", **values}
    return [{"name": name, "setting": value, "source": "configuration file"} for name, value in given.items()]


def _own(name: str, setting: str, role: str | None = "app", database: str | None = None) -> dict[str, Any]:
    return {"role": role, "database": database, "name": name, "setting": setting}


@pytest.mark.parametrize(
    ("settings", "overrides", "extension", "expected"),
    [
        (_settings(), [], "pgaudit", True),
        (_settings(), [], "", False),
        (_settings(), [], None, None),
        (_settings(**{"pgaudit.log": "ddl,role"}), [], "pgaudit", False),
        (_settings(log_statement="mod"), [], "", True),
        (_settings(log_statement="all"), [], None, True),
        (_settings(log_statement="ddl"), [], "", False),
        (_settings(log_statement="all", log_min_messages="panic"), [], "pgaudit", False),
        (_settings(), [_own("pgaudit.log", "all")], "pgaudit", True),
        (_settings(), [_own("pgaudit.log", "none")], "pgaudit", False),
        (_settings(log_statement="mod"), [_own("log_statement", "none")], "", False),
        (_settings(), [_own("log_min_messages", "fatal")], "pgaudit", False),
        # logged either way alone, and by neither when the account meets the database
        (
            _settings(log_statement="mod"),
            [_own("pgaudit.log", "none"), _own("log_statement", "none", None, "shop")],
            "pgaudit",
            False,
        ),
        (_settings(log_statement="ddl", **{"pgaudit.log": "write"}), [], "pgaudit", True),  # together
        (_settings(**{"pgaudit.log_level": "notice"}), [], "pgaudit", False),  # below log_min_messages
        (_settings(log_min_messages="notice", **{"pgaudit.log_level": "notice"}), [], "pgaudit", True),
        (_settings(log_min_messages="error", **{"pgaudit.log_level": "warning"}), [], "pgaudit", False),
        (_settings(log_min_messages="log"), [], "pgaudit", True),
        (_settings(**{"pgaudit.log_level": "a level of tomorrow"}), [], "pgaudit", None),
        (_settings(log_min_messages="a level of tomorrow"), [], "pgaudit", None),
        (_settings(log_statement="a value of tomorrow", **{"pgaudit.log": "none"}), [], "pgaudit", None),
        # the account's own setting in that database comes before both
        (
            _settings(**{"pgaudit.log": "none"}),
            [_own("pgaudit.log", "all", "app", "shop"), _own("pgaudit.log", "none", None, "shop")],
            "pgaudit",
            False,
        ),
    ],
)
def test_audit_logging(settings: Any, overrides: Any, extension: str | None, expected: bool | None) -> None:
    assert audit.audit_logging(Effective(settings, overrides), extension) is expected


def _log(**values: str) -> LogStore:
    given = {
        "logging_collector": "on", "log_destination": "stderr", "log_filename": "pg-%a.log", "log_rotation_age": "1440",
        "log_truncate_on_rotation": "on", "log_directory": "log", "log_file_mode": "0600", "log_rotation_size": "0",
        "data_directory_mode": "0700", **values,
    }  # fmt: skip
    rows = [{"name": name, "setting": value, "source": "configuration file"} for name, value in given.items()]
    return logfiles.row_log_store("db", Effective(rows, []), None)


@pytest.mark.parametrize(
    ("pattern", "truncates", "minutes", "expected"),
    [
        ("pg-%a.log", True, 1440, 7),
        ("pg-%a.log", False, 1440, None),
        ("pg-%a.log", True, 0, None),
        ("pg-%d-%H.log", True, 60, 31),
        ("pg-%m-%d.log", True, 1440, 365),
        ("pg-%H.log", True, 60, 1),
        ("pg.log", True, 1440, 1),
        ("pg.log", True, 10080, 7),
        ("pg-%Y-%m-%d.log", True, 1440, None),
        ("pg-%s.log", True, 1440, None),
    ],
)
def test_when_the_server_overwrites_its_log(pattern: str, truncates: bool, minutes: int, expected: int | None) -> None:
    assert logfiles.overwritten_after_days(pattern, truncates, minutes) == expected


def test_a_log_that_goes_elsewhere_says_nothing_of_its_files() -> None:
    for values in ({"logging_collector": "off"}, {"log_destination": "syslog"}):
        row = _log(**values)
        assert (row.retention_days, row.persistent, row.world_readable, row.rotated) == (None, None, None, None)


@pytest.mark.parametrize(
    ("values", "persistent", "readable"),
    [
        ({}, True, False),
        ({"log_file_mode": "0644"}, True, False),  # nobody else comes into the data folder
        ({"log_file_mode": "0644", "data_directory_mode": "0755"}, True, True),
        ({"log_directory": "/var/log/pg"}, None, False),
        ({"log_directory": "/var/log/pg", "log_file_mode": "0644"}, None, None),
    ],
)
def test_who_may_read_the_log(values: dict[str, str], persistent: bool | None, readable: bool | None) -> None:
    row = _log(**values)
    assert (row.persistent, row.world_readable, row.retention_days) == (persistent, readable, 7)


def _member(member: str, role: str, *, inherits: bool, may_assume: bool, admin: bool = False) -> dict[str, Any]:
    flags = {"inherits": inherits, "may_assume": may_assume, "admin_option": admin}
    return {"member": member, "role": role, "granted_by": "postgres", **flags}


def test_memberships_of_postgresql_16_can_be_empty() -> None:
    """GRANT … WITH INHERIT FALSE, SET FALSE gives nothing; with ADMIN, the member can fill it itself."""
    named = [_role(name) for name in ("ana", "ben", "secret")]
    members = [
        _member("ana", "secret", inherits=False, may_assume=False),
        _member("ben", "secret", inherits=False, may_assume=False, admin=True),
    ]
    assert {h.account: h.roles for h in grants.holders(named, members)} == {
        "ana": {"ana"}, "ben": {"ben", "secret"}, "secret": {"secret"},
    }  # fmt: skip
    given = {(r.account, r.role): (r.inherits, r.may_assume) for r in roles.rows_role_grants(named, members)}
    assert given == {("ana", "secret"): (False, False), ("ben", "secret"): (False, False)}


def _role(name: str, **more: Any) -> dict[str, Any]:
    flags = dict.fromkeys(("superuser", "createrole", "replication", "bypassrls"), False)
    return {"role": name, "oid": 20000, "login": True, **flags, **more}


def test_whoever_can_become_superuser_is_one() -> None:
    named = [_role("root", superuser=True), *(_role(name) for name in ("ana", "ben", "eva", "kim"))]
    members = [
        _member("ana", "ben", inherits=False, may_assume=True),
        _member("ben", "root", inherits=False, may_assume=True),
        _member("eva", "root", inherits=True, may_assume=False),  # the attribute is not inherited
        _member("kim", "root", inherits=False, may_assume=False, admin=True),
    ]
    assert roles.superusers(named, members) == {"root", "ana", "ben", "kim"}


@pytest.mark.parametrize(("version", "maintains"), [(16_00_04, False), (17_00_00, True)])
def test_superusers_maintain_tables_from_postgresql_17_on(version: int, maintains: bool) -> None:
    who = grants.holders([_role("dba", superuser=True), _role("ana")], [])
    table = {"object_type": "table", "object": "s.t", "owner": "x", "acl": [["ana", "SELECT", False]], "column_acl": []}
    found = {r.account: r for r in grants.rows_data_grants("shop", "x", [table], who, version)}
    assert ("MAINTAIN" in found["dba"].privileges) is maintains
    assert found["ana"].privileges == ["SELECT"]


def test_scopes_are_everybody_and_each_pair_with_settings_of_its_own() -> None:
    overrides = [
        _own("pgaudit.log", "none"),
        _own("pgaudit.log", "all", None, "shop"),
        _own("pgaudit.log", "ddl", "app", "shop"),
        _own("idle_session_timeout", "1h", "ben"),  # says nothing about logging
    ]
    scopes = audit.rows_audit_scopes("db", Effective(_settings(), overrides), "pgaudit")
    assert [(s.account, s.database, s.classes) for s in scopes] == [
        ("*", "*", ["ddl", "role", "write"]),
        ("*", "shop", ["ddl", "function", "misc", "misc_set", "read", "role", "write"]),
        ("app", "*", []),
        ("app", "shop", ["ddl"]),
    ]


def test_who_may_switch_logging_off() -> None:
    def holder(name: str, *reached: str, login: bool = True, superuser: bool = False) -> grants.Holder:
        return grants.Holder(name, frozenset({name, *reached}), superuser, login)

    who = [holder("ana", "ops"), holder("ben"), holder("ops", login=False), holder("dba", "ops", superuser=True)]
    right = {"setting": "pgaudit.log", "grantee": "ops", "privilege": "SET", "grantable": False}
    assert audit.switchers([right], who) == ["ana"]
    assert audit.switchers([{**right, "grantee": None}], who) == ["ana", "ben"]
    assert audit.switchers([{**right, "setting": "work_mem"}], who) == []
    rows = list(audit.rows_parameter_grants([right, {**right, "privilege": "ALTER SYSTEM", "grantable": True}], who))
    assert [(r.account, r.object, r.privileges, r.grantable) for r in rows] == [
        ("ana", "pgaudit.log", ["ALTER SYSTEM", "SET"], ["ALTER SYSTEM"]),
        ("ops", "pgaudit.log", ["ALTER SYSTEM", "SET"], ["ALTER SYSTEM"]),
    ]


def test_a_setting_of_the_reading_session_alone_is_unknown() -> None:
    rows = [{"name": "log_statement", "setting": "all", "source": "user"}]
    assert Effective(rows, []).get("log_statement") is None


@pytest.mark.parametrize(
    ("value", "own", "expected"),
    [("900000", [], 15), ("1", [], 1), ("0", [], 0), ("900000", ["1h"], 60), ("1", ["0"], 0)],
)
def test_idle_minutes_is_the_longest(value: str, own: list[str], expected: int) -> None:
    settings = [{"name": "idle_session_timeout", "setting": value, "source": "default"}]
    found = Effective(settings, [_own("idle_session_timeout", text) for text in own])
    assert instance.idle_minutes(found) == expected


def test_membership_in_a_circle_ends_and_paths_are_shortest() -> None:
    members = [{"member": a, "role": b} for a, b in (("a", "b"), ("b", "c"), ("c", "a"), ("a", "c"), ("c", "d"))]
    assert roles.closure("a", members) == {"b": ("b",), "c": ("c",), "d": ("c", "d")}


@pytest.mark.parametrize(
    ("value", "logged"),
    [
        ("on", True),
        ("off", False),
        ("", False),
        ("all", True),
        ("receipt,authorization", True),
        ("authentication", True),
        ("receipt", False),  # an address, not who connects
        ("receipt,setup_durations", False),
    ],
)
def test_connections_are_logged_when_the_stages_name_who_connects(value: str, logged: bool) -> None:
    settings = _settings(log_connections=value, log_min_messages="warning")
    row = _instance(settings)
    assert row.log_connections is logged


@pytest.mark.parametrize(
    ("addresses", "local"),
    [("", True), ("localhost", True), ("127.0.0.1, ::1", True), ("*", False), ("127.0.0.1,10.0.0.5", False)],
)
def test_where_it_listens(addresses: str, local: bool) -> None:
    assert _instance(_settings(listen_addresses=addresses)).is_loopback_only is local


def _instance(settings: list[dict[str, Any]]) -> Any:
    reader = {"version": "18.1", "started_at": None, "in_recovery": False, "reads_settings": True, "loaded_at": None}
    return instance.row_database_instance("db", [], reader, Effective(settings, []), 0, None, None, None, None, None)
