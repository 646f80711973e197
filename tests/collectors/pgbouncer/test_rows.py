"""The pure half: bounds of pools, and what counts of the configuration file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from compliance.collectors.pgbouncer import inifile, rows
from compliance.collectors.pgbouncer.bounds import Bound, bound
from compliance.schemas.errors import Malformed

ACCOUNTS = [{"name": "app"}, {"name": "job"}, {"name": "pgbouncer"}]
ROUTE = {"pool_size": 20, "reserve_pool": 5, "max_connections": 0, "force_user": None}


@pytest.mark.parametrize(
    ("changes", "method", "auth_user", "processes", "expected"),
    [
        ({}, "scram-sha-256", None, 1, Bound(2, 50, True)),
        ({}, "scram-sha-256", None, 3, Bound(6, 150, True)),
        ({}, "scram-sha-256", None, None, Bound(2, None, None)),
        ({"max_connections": 30}, "scram-sha-256", None, 1, Bound(2, 30, True)),
        ({"max_connections": 90}, "scram-sha-256", None, 1, Bound(2, 50, True)),
        ({}, "scram-sha-256", "finder", 1, Bound(None, None, False)),
        ({"max_connections": 30}, "md5", "finder", 2, Bound(None, 60, True)),
        ({"max_connections": 30}, "md5", "finder", None, Bound(None, None, None)),
        ({"force_user": "app"}, "md5", None, 1, Bound(1, 25, True)),
        ({"force_user": "app"}, "md5", "app", 1, Bound(2, 50, True)),
        ({"force_user": "app"}, "md5", "finder", 1, Bound(2, 50, True)),
        ({"force_user": "app"}, "any", None, 1, Bound(1, 25, True)),
        ({}, "pam", None, 1, Bound(None, None, False)),
        ({}, "hba", None, 1, Bound(None, None, False)),
        ({}, "a method of tomorrow", None, 1, Bound(None, None, False)),
    ],
)
def test_bounds(
    changes: dict[str, Any], method: str, auth_user: str | None, processes: int | None, expected: Bound
) -> None:
    assert bound({**ROUTE, **changes}, ACCOUNTS, {"auth_type": method}, auth_user, processes) == expected


def test_what_accounts_set_for_themselves_counts_where_it_is_shown() -> None:
    """As PgBouncer 1.23 and 1.24 answer: the column of the reserve was renamed."""
    accounts = [
        {"name": "app", "pool_size": 40, "reserve_pool_size": 10},
        {"name": "job", "pool_size": None, "reserve_pool_size": None},
    ]
    route = {"pool_size": 20, "reserve_pool_size": 5, "max_connections": 0, "force_user": "app"}
    assert bound(route, accounts, {"auth_type": "md5"}, None, 1) == Bound(1, 50, True)


def test_two_pools_of_one_name_are_one_row() -> None:
    counts = dict.fromkeys(("cl_active", "sv_used", "sv_tested", "sv_login"), 0)
    pool = {"database": "shop", "user": "app", "pool_mode": "session", "cl_waiting": 1, "sv_active": 2, "sv_idle": 1}
    pools = [
        {**pool, **counts, "maxwait": 0, "maxwait_us": 1500},
        {**pool, **counts, "maxwait": 1, "maxwait_us": 0},
        {**pool, **counts, "maxwait": 9, "maxwait_us": 0, "database": "pgbouncer"},
    ]
    (row,) = rows.rows_pools("p:6432", pools)
    assert (row.clients_waiting, row.servers_active, row.servers_idle, row.longest_wait_ms) == (2, 4, 2, 1000)


def test_included_files_stand_where_they_are_included(tmp_path: Path) -> None:
    main, more = tmp_path / "pgbouncer.ini", tmp_path / "databases.ini"
    main.write_text(
        f"; comment\n[databases]\nshop = host=a password='x y' auth_user='f1'\n%include {more}\n[users]\nz = 1\n"
    )
    more.write_text("* = host=b port=6 user=u\n[pgbouncer]\nauth_query = SELECT 'secret'\n")
    found = inifile.read(main, _later(main, more))
    assert isinstance(found, inifile.IniFile)
    assert found.databases == {"shop": {"host": "a", "auth_user": "f1"}, "*": {"host": "b", "port": "6", "user": "u"}}
    assert set(found.digests) == {str(main), str(more)}
    assert "secret" not in repr(found)


@pytest.mark.parametrize("text", ["%include relative.ini\n", "%include /no/such/file\n"])
def test_a_file_that_is_not_wholly_read_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)  # not the folder that the pooler was started in
    (tmp_path / "relative.ini").write_text("[databases]\n")
    main = tmp_path / "pgbouncer.ini"
    main.write_text("[databases]\n" + text)
    assert isinstance(inifile.read(main, _later(main, tmp_path / "relative.ini")), str)


def test_a_file_that_includes_itself_does_not_count(tmp_path: Path) -> None:
    main = tmp_path / "pgbouncer.ini"
    main.write_text(f"%include {main}\n")
    assert "too deeply" in str(inifile.read(main, _later(main)))


def test_a_file_put_in_place_with_an_old_date_is_still_newer(tmp_path: Path) -> None:
    main = tmp_path / "pgbouncer.ini"
    main.write_text("[databases]\n")
    started_at = _later(main) - 50
    os.utime(main, (1, 1))
    assert "changed after" in str(inifile.read(main, started_at - 50))
    assert isinstance(inifile.read(main, None), str)


def _later(*paths: Path) -> float:
    return max(path.stat().st_ctime for path in paths) + 50


def test_settings_keep_no_query_and_no_secret() -> None:
    config = {"auth_query": "SELECT 'secret'", "server_reset_query": "x", "auth_type": "md5", "auth_user": None}
    assert {row.name for row in rows.rows_settings(config)} == {"auth_type", "auth_user"}


@pytest.mark.parametrize(
    ("method", "authenticates", "password_login", "lockout"),
    [
        ("trust", False, False, 0),
        ("any", False, False, 0),
        ("cert", True, False, 0),
        ("md5", True, True, 0),
        ("pam", True, True, None),
        ("hba", None, None, None),
        ("a method of tomorrow", None, None, None),
        (None, None, None, None),
    ],
)
def test_who_gets_in(
    method: str | None, authenticates: bool | None, password_login: bool | None, lockout: int | None
) -> None:
    config = {"auth_type": method, "listen_addr": "*"}
    place = rows.Place("p:6432", ("localhost",))
    row = rows.row_pooler(place, "1.18.0", config, 0, None, None, None)
    assert (row.authenticates, row.is_loopback_only, row.started_at) == (authenticates, False, None)
    policy = rows.row_auth_policy("p:6432", config)
    assert (policy.password_login, policy.lockout_attempts) == (password_login, lockout)


@pytest.mark.parametrize(
    ("listens", "port_open", "expected"),
    [
        ("127.0.0.1, ::1", None, True),
        ("localhost", True, True),
        ("127.0.0.1,10.0.0.5", None, False),
        ("0.0.0.0", None, False),
        ("", False, True),
        ("", True, None),  # systemd can open addresses that the settings do not name
        ("", None, None),
    ],
)
def test_where_it_listens(listens: str, port_open: bool | None, expected: bool | None) -> None:
    place = rows.Place("p:6432", ("localhost",), 1.0, port_open)
    row = rows.row_pooler(place, "1.18.0", {"listen_addr": listens}, 0, None, None, None)
    assert row.is_loopback_only is expected


def test_a_setting_that_is_no_number_is_not_taken_for_none() -> None:
    assert rows.number({"x": "1.5"}, "x") == 1
    assert rows.number({"x": None}, "x") is None
    with pytest.raises(Malformed):
        rows.number({"x": "many"}, "x")


@pytest.mark.parametrize(
    ("host", "address", "declared", "runs_here", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", None, True, ("localhost",)),
        ("/run/postgresql", None, None, True, ("localhost",)),
        ("127.0.0.1", "127.0.0.1", None, False, ()),
        ("127.0.0.1", "127.0.0.1", "pool1", False, ("pool1",)),
        ("pool1", "10.0.0.7", None, None, ("pool1", "10.0.0.7")),
    ],
)
def test_names_of_the_pooler_machine(
    host: str, address: str | None, declared: str | None, runs_here: bool | None, expected: tuple[str, ...]
) -> None:
    assert rows.machine_names(host, address, declared, runs_here) == expected
