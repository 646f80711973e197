"""Whether the running server has read the files: changed, linked elsewhere, added, reloaded, stopped."""

from __future__ import annotations

import datetime as dt
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compliance.collectors.nginx.service import Process, _loaded, fetch_process
from tests.collectors.nginx.test_collector import read
from tests.servers import nginx as servers

JUDGED = ("virtual_host", "upstream_pool", "cache_rule", "waf_policy")


@pytest.fixture
def site() -> Iterator[servers.Plain]:
    """A small server with an include folder, a linked file and a rule file."""
    folder = Path(tempfile.mkdtemp(prefix="nginx-force-"))
    (folder / "more").mkdir()
    (folder / "real.conf").write_text("server_tokens off;\n")
    (folder / "link.conf").symlink_to(folder / "real.conf")
    (folder / "rules.conf").write_text("SecRuleEngine On\n")
    locations = (
        f"modsecurity on; modsecurity_rules_file {folder}/rules.conf; include {folder}/more/*.conf; "
        f"include {folder}/link.conf; location / {{ proxy_pass http://127.0.0.1:{servers.free_port()}; }}"
    )
    server = servers.plain(folder, locations, before=f"load_module {servers.MODSECURITY};")
    until(server, lambda loaded: loaded is not None)  # the socket is open before there are workers
    yield server
    server.stop()


def in_force(server: servers.Plain) -> dict[str, Any]:
    rows, _ = read(config=str(server.folder / "nginx.conf"), probe_upstreams=False)
    return {kind: rows[kind][0].in_force for kind in JUDGED}


def same(value: bool | None) -> dict[str, Any]:
    return dict.fromkeys(JUDGED, value)


def reload(server: servers.Plain) -> None:
    """Makes it read its files again, and waits for the workers that did."""
    before = fetch_process(str(server.folder / "nginx.conf"), "").loaded_at
    assert before is not None
    server.process.send_signal(signal.SIGHUP)
    until(server, lambda loaded: loaded is not None and (loaded - before).total_seconds() > 0.02)


def until(server: servers.Plain, holds: Callable[[dt.datetime | None], bool]) -> None:
    for _ in range(1000):
        if holds(fetch_process(str(server.folder / "nginx.conf"), "").loaded_at):
            return
        time.sleep(0.01)
    raise RuntimeError("nginx did not start new workers")


def rewrite(folder: Path) -> None:
    path = folder / "nginx.conf"
    path.write_text(path.read_text() + "# changed\n")


def relink(folder: Path) -> None:
    shutil.copy2(folder / "real.conf", folder / "other.conf")
    (folder / "link.conf").unlink()
    (folder / "link.conf").symlink_to(folder / "other.conf")


def take_back(folder: Path) -> None:
    """A file that is there no longer leaves a trace in its folder alone."""
    (folder / "more/gone.conf").write_text("server_tokens on;\n")
    (folder / "more/gone.conf").unlink()


def test_a_fresh_server_has_read_its_files(site: servers.Plain) -> None:
    assert in_force(site) == same(True)


@pytest.mark.parametrize("change", [rewrite, relink, take_back])
def test_a_change_is_not_in_force_until_it_is_read(site: servers.Plain, change: Callable[[Path], None]) -> None:
    change(site.folder)
    changed = in_force(site)
    reload(site)

    assert changed == same(False)
    assert in_force(site) == same(True)


def test_a_worker_that_still_serves_by_the_old_files_does_not_count() -> None:
    folder = Path(tempfile.mkdtemp(prefix="nginx-force-"))
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        port = upstream.getsockname()[1]
        server = servers.plain(folder, f"location / {{ proxy_pass http://127.0.0.1:{port}; }}")
        try:
            until(server, lambda loaded: loaded is not None)
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                with upstream.accept()[0]:  # the worker waits for its answer
                    rewrite(folder)
                    time.sleep(0.05)  # a start is told in hundredths of a second, and rounded down
                    reload(server)
                    titles = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if own(p, server)]
                    rows, _ = read(config=str(folder / "nginx.conf"), probe_upstreams=False)
        finally:
            server.stop()

    assert any(b"shutting down" in title for title in titles)
    assert rows["virtual_host"][0].in_force is True


def own(cmdline: Path, server: servers.Plain) -> bool:
    try:
        fields = (cmdline.parent / "stat").read_text().rpartition(")")[2].split()
        return int(fields[1]) == server.process.pid and bool(cmdline.read_bytes())
    except OSError:
        return False


def test_a_changed_rule_file_concerns_the_firewall(site: servers.Plain) -> None:
    (site.folder / "rules.conf").write_text("SecRuleEngine On\n# new\n")

    assert in_force(site) == {**same(True), "waf_policy": False}


def test_links_of_a_file_that_is_not_in_force_are_not_told(site: servers.Plain) -> None:
    def links() -> list[tuple[bool | None, bool | None]]:
        rows, _ = read(config=str(site.folder / "nginx.conf"), probe_upstreams=False)
        return [(row.tls_enabled, row.tls_verified) for row in rows["internal_link"]]

    before = links()
    rewrite(site.folder)

    assert (before, links()) == ([(False, False)], [(None, None)])


def test_a_stopped_server_has_nothing_in_force(site: servers.Plain) -> None:
    site.process.terminate()
    site.process.wait(10)

    assert in_force(site) == same(None)


def test_needs_no_rights(site: servers.Plain) -> None:
    assert servers.as_nobody(lambda: str(in_force(site) == same(True))) == "True"


@pytest.mark.root
def test_a_server_in_a_container_is_another_one(tmp_path: Path) -> None:
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/e;\nevents {{}}\n"
        f"http {{ access_log off; server {{ listen unix:{tmp_path}/s; }} }}\n"
    )
    boxed = subprocess.Popen(["unshare", "-pf", "--kill-child", servers.nginx_binary(), "-c", str(config)])
    try:
        until_titled(str(config))
        found = fetch_process(str(config), "")
    finally:
        boxed.kill()
        boxed.wait()

    assert found == Process(None)


def until_titled(config: str) -> None:
    for _ in range(1000):
        if fetch_process(config, "") != Process(False):
            return
        time.sleep(0.01)
    raise RuntimeError("nginx did not start")


def test_workers_that_did_not_start_together_tell_nothing() -> None:
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert _loaded([at, at + dt.timedelta(seconds=1)], at) == at
    assert _loaded([at, at + dt.timedelta(hours=1)], at) is None
    assert _loaded([], at) is None
    assert _loaded([at], at) == at
    assert _loaded([at + dt.timedelta(hours=1)], at) is None, "it may have been replaced alone"


def test_where_processes_are_hidden_nothing_is_told(tmp_path: Path) -> None:
    assert fetch_process("/etc/nginx/nginx.conf", "/etc/nginx/nginx.conf", tmp_path) == Process(None)
