"""The pure half: rules, settings and memberships into evidence, on recorded rows."""

from __future__ import annotations

from typing import Any

import pytest

from compliance.collectors.postgres import instance, roles, rules


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
    assert instance.audit_classes(text) == classes


def _settings(**values: str) -> list[dict[str, Any]]:
    given = {"log_statement": "none", "log_min_messages": "warning", "pgaudit.log": "ddl,role,write", **values}
    return [{"name": name, "setting": value, "source": "configuration file"} for name, value in given.items()]


def _own(name: str, setting: str) -> dict[str, Any]:
    return {"role": "app", "database": None, "name": name, "setting": setting}


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
    ],
)
def test_audit_logging(settings: Any, overrides: Any, extension: str | None, expected: bool | None) -> None:
    assert instance.audit_logging(instance.Effective(settings, overrides), extension) is expected


def test_a_setting_of_the_reading_session_alone_is_unknown() -> None:
    rows = [{"name": "log_statement", "setting": "all", "source": "user"}]
    assert instance.Effective(rows, []).get("log_statement") is None


@pytest.mark.parametrize(
    ("value", "own", "expected"),
    [("900000", [], 15), ("1", [], 1), ("0", [], 0), ("900000", ["1h"], 60), ("1", ["0"], 0)],
)
def test_idle_minutes_is_the_longest(value: str, own: list[str], expected: int) -> None:
    settings = [{"name": "idle_session_timeout", "setting": value, "source": "default"}]
    found = instance.Effective(settings, [_own("idle_session_timeout", text) for text in own])
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
    reader = {"version": "18.1", "started_at": None, "in_recovery": False, "reads_settings": True, "loaded_at": None}
    row = instance.row_database_instance("db", [], reader, instance.Effective(settings, []), [], None, None, None)
    assert row.log_connections is logged
