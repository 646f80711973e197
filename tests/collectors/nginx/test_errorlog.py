"""What the error log tells of members: a dead one, one that hangs, none left; and when it tells nothing."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from compliance.collectors.nginx import Nginx
from compliance.collectors.nginx.errorlog import ErrorLogs, rows_failures
from tests.collectors.nginx.test_collector import context, read
from tests.servers import nginx as servers

NOW = dt.datetime.now(dt.UTC)


@contextmanager
def site(members: str, error_log: str = "", before: str = "") -> Iterator[servers.Plain]:
    folder = Path(tempfile.mkdtemp(prefix="nginx-log-"))
    text = error_log.replace("@D@", str(folder))
    server = servers.plain(
        folder,
        f"{text} location / {{ proxy_pass http://app; proxy_read_timeout 1s; proxy_next_upstream off; }}",
        http=f"upstream app {{ {members} }}",
        before=before,
    )
    try:
        yield server
    finally:
        server.stop()


def ask(server: servers.Plain, times: int) -> None:
    for _ in range(times):
        assert httpx.get(f"http://127.0.0.1:{server.port}/?q=planted-query").status_code >= 500


def rows(server: servers.Plain, kind: str = "upstream_server", **settings: Any) -> list[Any]:
    return read(config=str(server.folder / "nginx.conf"), **settings)[0][kind]


def test_a_member_that_hangs_accepts_and_fails() -> None:
    with servers.silent_port() as port, site(f"server 127.0.0.1:{port};") as server:
        before = rows(server)[0]
        ask(server, 2)
        after = rows(server)[0]

    assert (before.healthy, before.failures_recent) == (True, 0)
    assert (after.healthy, after.failures_recent) == (True, 2)


def test_a_dead_member_and_none_left() -> None:
    dead = [servers.free_port(), servers.free_port()]
    members = " ".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=60s;" for port in dead)
    with site(members) as server:
        ask(server, 3)
        seen, [pool] = rows(server), rows(server, "upstream_pool")

    assert [(row.healthy, row.failures_recent) for row in seen] == [(False, 1), (False, 1)]
    assert pool.none_left_recent == 1


def test_neither_client_nor_request_is_told() -> None:
    with site(f"server 127.0.0.1:{servers.free_port()};") as server:
        ask(server, 1)
        said = repr(list(Nginx().collect(context(config=str(server.folder / "nginx.conf")))))

    assert "failures_recent=1" in said
    assert "planted-query" not in said


def test_an_unreadable_log_tells_nothing() -> None:
    with site(f"server 127.0.0.1:{servers.free_port()};") as server:
        ask(server, 1)
        (server.folder / "error.log").chmod(0)
        if os.geteuid() == 0:
            os.chown(server.folder / "error.log", 0, 0)

        def told() -> str:
            [row] = rows(server, probe_upstreams=False)
            [access] = [a for a in Nginx().check(context(config=row.server)) if a.kind == "upstream_server"]
            return f"{row.failures_recent} {access.readable} {access.message}"

        assert servers.as_nobody(told).startswith("None True readable; failures_recent stays NULL")


@pytest.mark.parametrize("error_log", ["error_log @D@/e.log crit;", "error_log stderr;", "error_log /dev/null;"])
def test_a_log_that_hears_no_failures_tells_nothing(error_log: str) -> None:
    with site(f"server 127.0.0.1:{servers.free_port()};", error_log) as server:
        assert rows(server, probe_upstreams=False)[0].failures_recent is None


def test_a_member_by_name_is_not_looked_for() -> None:
    with site("server localhost:9;") as server:
        assert rows(server, probe_upstreams=False)[0].failures_recent is None


def line(at: dt.datetime, member: str = "10.0.0.1:80") -> str:
    told = at.astimezone().strftime("%Y/%m/%d %H:%M:%S")
    what = "connect() failed (111: Connection refused) while connecting to upstream"
    return f'{told} [error] 7#7: *1 {what}, client: c, upstream: "http://{member}/a", host: "h"\n'


def logs(path: Path) -> list[Any] | None:
    return ErrorLogs(NOW - dt.timedelta(minutes=10)).failures([str(path)])


def test_only_the_last_minutes_count(tmp_path: Path) -> None:
    (tmp_path / "e").write_text(line(NOW - dt.timedelta(minutes=11)) + line(NOW - dt.timedelta(minutes=9)))

    assert len(logs(tmp_path / "e") or []) == 1


def test_a_log_that_was_just_rotated_is_read_on_into_the_older_one(tmp_path: Path) -> None:
    (tmp_path / "e").write_text(line(NOW - dt.timedelta(minutes=1)))
    (tmp_path / "e.1").write_text(line(NOW - dt.timedelta(minutes=20)) + line(NOW - dt.timedelta(minutes=2)))

    assert len(logs(tmp_path / "e") or []) == 2


def test_an_empty_log_after_a_rotation_too(tmp_path: Path) -> None:
    (tmp_path / "e").write_text("")
    (tmp_path / "e.1").write_text(line(NOW - dt.timedelta(minutes=2)))

    assert len(logs(tmp_path / "e") or []) == 1


def test_a_log_too_large_for_the_time_asked_for_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "e").write_text(line(NOW) * 40_000)

    assert logs(tmp_path / "e") is None
    (tmp_path / "e").write_text(line(NOW - dt.timedelta(hours=1)) * 40_000 + line(NOW))
    assert len(logs(tmp_path / "e") or []) == 1


@pytest.mark.parametrize(
    ("upstream", "member"),
    [
        ("http://127.0.0.1:81/x", "127.0.0.1:81"),
        ("https://[::1]:81/x", "[::1]:81"),
        ("http://unix:/run/a.sock:/x?y=http://z", "unix:/run/a.sock"),
        ("fastcgi://127.0.0.1:9000", "127.0.0.1:9000"),
        ("127.0.0.1:5432", "127.0.0.1:5432"),
        ("http://app/x", "app"),
    ],
)
def test_the_member_in_a_line(upstream: str, member: str) -> None:
    text = (
        f'2026/01/02 03:04:05 [error] 1#1: *1 upstream timed out, client: c, request: "GET /", upstream: "{upstream}"'
    )

    assert [f.member for f in rows_failures(text)] == [member]


def test_other_lines_are_no_failures() -> None:
    text = (
        '2026/01/02 03:04:05 [notice] 1#1: start\n2026/01/02 03:04:05 [error] 1#1: *1 open() "/x" failed\nnot a line\n'
    )

    assert rows_failures(text) == []
