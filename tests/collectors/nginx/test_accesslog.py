"""What is logged where, what a line says, and how long it is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from compliance.collectors.host.machine import Machine
from compliance.collectors.nginx.accesslog import rows_access_logs, rows_log_stores
from tests.collectors.nginx.test_collector import read
from tests.collectors.nginx.test_rows import Parse, parse
from tests.servers import nginx as servers

__all__ = ["parse"]  # a fixture


def logs(config: Any) -> dict[str, Any]:
    return {row.log: row for row in rows_access_logs(config, "/var/log/nginx/access.log")}


def facts(row: Any) -> tuple[bool, ...]:
    return row.says_when, row.says_from_where, row.says_who, row.says_what, row.says_result


@pytest.mark.parametrize(
    ("text", "said", "sensitive"),
    [
        ("$remote_addr $remote_user [$time_local] \"$request\" $status", (True,) * 5, []),
        ("$time_iso8601 $http_x_forwarded_for $ssl_client_s_dn $request_method $uri $status", (True,) * 5, []),
        ("$remote_addr $remote_user $request $status", (False, True, True, True, True), []),
        ("$msec $remote_user $request $status", (True, False, True, True, True), []),
        ("$msec $remote_addr $http_user_agent $request $status", (True, True, False, True, True), []),
        ("$msec $remote_addr $remote_user $uri $status", (True, True, True, False, True), []),
        ("$msec $remote_addr $remote_user $request $body_bytes_sent", (True, True, True, True, False), []),
        ("$msec $http_authorization ${cookie_session} $request_body", (True, False, False, False, False),
         ["cookie_session", "http_authorization", "request_body"]),
    ],
)  # fmt: skip
def test_what_a_line_says(parse: Parse, text: str, said: tuple[bool, ...], sensitive: list[str]) -> None:
    row = logs(parse(f"log_format own '{text}'; access_log /l own; server {{ }}"))["/l"]

    assert (facts(row), row.sensitive) == (said, sensitive)


def test_without_a_directive_the_usual_log_and_format(parse: Parse) -> None:
    row = logs(parse("server { }"))["/var/log/nginx/access.log"]

    assert (facts(row), row.formats, row.conditional) == ((True,) * 5, ["combined"], False)


def test_the_poorest_of_several_formats_counts(parse: Parse) -> None:
    config = parse(
        "log_format poor '$status'; access_log /l; server { server_name a; }"
        "server { server_name b; location / { access_log /l poor if=$x; } }"
    )
    row = logs(config)["/l"]

    assert (facts(row), row.hosts, row.conditional) == ((False, False, False, False, True), ["a", "b"], True)


def test_logs_elsewhere_and_switched_off(parse: Parse) -> None:
    config = parse("access_log off; server { access_log syslog:server=10.0.0.1,tag=x combined; }")

    assert {log: row.is_file for log, row in logs(config).items()} == {"syslog:server=10.0.0.1": False}


def test_an_unknown_format_says_nothing(parse: Parse) -> None:
    assert facts(logs(parse("access_log /l no_such; server { }"))["/l"]) == (None,) * 5


def test_a_real_line_has_what_the_format_promises(good: servers.Nginx) -> None:
    httpx.get(f"http://127.0.0.1:{good.http_port}/a-path")
    rows, _ = read(config=str(good.config))
    [row] = rows["access_log"]
    line = (good.folder / "access.log").read_text().splitlines()[-1]
    stores = {Path(store.log).name: store for store in rows["log_store"]}

    assert (facts(row), row.in_force) == ((True,) * 5, True)
    assert "127.0.0.1" in line
    assert '"GET /a-path HTTP/1.1" 301' in line
    assert {name: store.log_class for name, store in stores.items()} == {
        "access.log": "access",
        "error.log": "application",
    }
    assert stores["access.log"].newest_record_at is not None


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with logrotate and a rule for nginx's logs."""
    root = tmp_path / "machine"
    for path, text in {
        "etc/logrotate.conf": "weekly\nrotate 4\ninclude /etc/logrotate.d\n",
        "etc/logrotate.d/nginx": "/srv/log/*.log {\n daily\n rotate 400\n}\n",
        "usr/sbin/logrotate": "",
        "proc/self/mountinfo": "22 1 0:1 / / rw - ext4 /dev/a rw\n23 22 0:2 / /run rw - tmpfs t rw\n",
        "srv/log/a.log": "x\n",
        "srv/log/a.log.1": "y\n",
        "run/b.log": "z\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    os.utime(root / "srv/log/a.log.1", (1_700_000_000, 1_700_000_000))
    (root / "srv/log/a.log").chmod(0o640)
    (root / "srv/log/a.log.1").chmod(0o640)
    (root / "run/b.log").chmod(0o644)
    return Machine(root=root)


def test_rotation_and_permissions(parse: Parse, machine: Machine) -> None:
    config = parse("access_log /srv/log/a.log; error_log /run/b.log; server { access_log /srv/log/c.log; } server { }")
    rows = {row.log: row for row in rows_log_stores(config, machine, "m", None)}
    a, b, c = rows["/srv/log/a.log"], rows["/run/b.log"], rows["/srv/log/c.log"]

    assert (a.rotated, a.retention_days, a.world_readable, a.persistent) == (True, 400, False, True)
    assert a.last_rotated_at.timestamp() == 1_700_000_000
    assert (b.rotated, b.persistent, b.world_readable, b.last_rotated_at) == (False, False, True, None)
    assert (c.rotated, c.newest_record_at, c.world_readable) == (True, None, None)  # not there yet


@pytest.mark.parametrize(
    ("log", "told"), [("logs/a.log", True), ("/var/log/$host.log", True), ("syslog:server=h", False)]
)
def test_a_log_whose_place_is_not_known_stays_in_the_population(
    parse: Parse, machine: Machine, log: str, told: bool
) -> None:
    config = parse(f"server {{ access_log {log}; location / {{ proxy_pass http://x; }} }}")
    rows = [row for row in rows_log_stores(config, machine, "m", None) if row.log == log]

    assert [(row.log_class, row.retention_days, row.world_readable) for row in rows] == [("access", None, None)] * told
