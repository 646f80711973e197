"""The collector against real servers: good, bad, changed, replaced, stopped, hidden; and against impostors."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compliance.collectors.gunicorn import Gunicorn
from compliance.collectors.testing import Conformance
from compliance.schemas.messages import Discovery
from tests.collectors.gunicorn.conftest import (
    ALL,
    CAP_DAC_READ_SEARCH,
    CAP_SYS_PTRACE,
    NOBODY,
    OTHER,
    as_account,
    outcomes,
    pool,
    read,
)
from tests.servers.gunicorn import GOOD, SECRET, GunicornServer, free_port


class TestConformance(Conformance):
    collector = Gunicorn
    planted = (SECRET,)

    @pytest.fixture(autouse=True)
    def _server(self, good: GunicornServer) -> None:
        self.unreachable = {"bind": f"127.0.0.1:{free_port()}"}
        self.settings = {"bind": good.address, "config": str(good.path), "samples": 2, "interval_s": 0.05}


def test_good_pool(good: GunicornServer) -> None:
    said = read(bind=good.address)
    [row] = said["worker_pool"]["rows"]
    [file] = said["config_file"]["rows"]

    assert outcomes(said) == {"complete"}
    assert (row["workers_configured"], row["workers_running"], row["masters"]) == (3, 3, 1)
    assert (row["worker_class"], row["threads"], row["timeout_s"], row["max_requests"]) == ("sync", 1, 30, 1000)
    assert (row["bind_configured"], row["listens_on"]) == ([good.address], [good.address])
    assert (row["access_log"], row["statsd"], row["reloads_on_change"]) == (True, False, False)
    assert (row["control_socket"], row["control_socket_open"]) == (str(good.folder / "ctl"), False)
    assert (row["config_path"], row["config_changed"]) == (str(good.path), False)
    assert (file["path"], len(file["sha256"])) == (str(good.path), 64)


def test_the_processes_are_those_that_the_kernel_says_the_master_started(good: GunicornServer) -> None:
    rows = read(bind=good.address)["worker_process"]["rows"]

    assert {r["pid"] for r in rows if r["role"] == "worker"} == set(good.children())
    assert [r["pid"] for r in rows if r["role"] == "master"] == [good.pid]
    assert {r["as_root"] for r in rows} == {os.geteuid() == 0 and rows[0]["account"] == "root"}


def test_several_readings(good: GunicornServer) -> None:
    rows = read(bind=good.address, samples=3)["worker_sample"]["rows"]

    assert [(r["workers"], r["masters"], r["replaced"]) for r in rows] == [(3, 1, None), (3, 1, 0), (3, 1, 0)]
    assert all(r["interval_ms"] >= 50 for r in rows[1:])


@pytest.mark.parametrize("asked", [True, False])
def test_a_worker_taken_away_at_run_time_shows(asked: bool) -> None:
    with GunicornServer() as server:
        os.kill(server.pid, signal.SIGTTOU)
        server.until(lambda: len(server.children()) == 2)

        row = pool(bind=server.address, ask_master=asked)

    assert (row["workers_configured"], row["workers_running"]) == (3, 2)
    assert row["detail"].get("workers_target") == (2 if asked else None)


def test_a_halted_worker_serves_nobody() -> None:
    with GunicornServer() as server:
        halted = server.children()[0]
        os.kill(halted, signal.SIGSTOP)
        server.until(lambda: Path(f"/proc/{halted}/stat").read_text().rpartition(")")[2].split()[0] == "T")

        row = pool(bind=server.address)
        os.kill(halted, signal.SIGCONT)

    assert (row["workers_running"], row["detail"]["workers_halted"]) == (2, 1)


def test_replaced_workers_are_seen_between_two_readings() -> None:
    dying = GOOD.replace("timeout = 30", "import os, threading\ndef post_fork(server, worker):\n    "
                         "threading.Timer(0.3, os._exit, (0,)).start()\n")  # fmt: skip
    with GunicornServer(dying) as server:
        said = read(bind=server.address, samples=12, interval_s=0.3)["worker_sample"]
        rows = said["rows"]

    assert said["outcome"] == "complete", said  # also in the moments when all of them are dead
    assert [row["masters"] for row in rows] == [1] * 12
    assert sum(row["replaced"] or 0 for row in rows) > 3


def test_two_workers_configured() -> None:
    with GunicornServer(GOOD.replace("workers = 3", "workers = 2"), workers=2) as server:
        row = pool(bind=server.address)

    assert (row["workers_configured"], row["workers_running"]) == (2, 2)


@pytest.mark.root
def test_workers_as_root() -> None:
    with GunicornServer(as_root=True) as server:
        row = pool(bind=server.address)
        samples = read(bind=server.address)["worker_sample"]["rows"]
    with GunicornServer(GOOD + 'user = "nobody"\n', as_root=True) as server:
        dropped = pool(bind=server.address)

    assert (row["workers_as_root"], row["master_as_root"], row["account"]) == (True, True, "root")
    assert {s["workers_as_root"] for s in samples} == {3}
    assert (dropped["workers_as_root"], dropped["master_as_root"], dropped["account"]) == (False, True, "nobody")


def test_a_changed_file_leaves_open_what_the_master_holds_unless_it_says_so() -> None:
    with GunicornServer() as server:
        server.path.write_text(server.path.read_text().replace("workers = 3", "workers = 5"))

        silent, asked = pool(bind=server.address, ask_master=False), pool(bind=server.address)

    assert (silent["workers_configured"], silent["config_changed"]) == (None, True)
    assert (asked["workers_configured"], asked["config_changed"]) == (3, True)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("", (True, False, True, True, True)),  # what stands before it on this machine is no client
        ("access_log_format = '%({X-Forwarded-For}i)s %(u)s %(t)s %(m)s %(U)s %(s)s'", (True,) * 5),
        ("access_log_format = '%(h)s %({Cookie}i)s %(m)s %(u)s %(T)s'", (False, False, True, False, False)),
        ("access_log_format = '%(h)' + str(1)", (None,) * 5),
    ],
)
def test_what_a_line_of_its_log_says(setting: str, said: tuple[bool | None, ...]) -> None:
    with GunicornServer(GOOD + setting + "\n") as server:
        [row] = read(bind=server.address)["access_log"]["rows"]

    names = ("says_when", "says_from_where", "says_who", "says_what", "says_result")
    assert tuple(row[name] for name in names) == said
    assert row["sensitive"] == (["{cookie}i"] if "Cookie" in setting else None if said[0] is None else [])
    assert row["log"] == f"{server.folder}/access.log"


@pytest.mark.parametrize(
    ("setting", "outcome"),
    [("", "complete"), ("logconfig_dict = {'version': 1}", "absent"), ("syslog = True", "absent")],
)
def test_no_access_log_is_certain_or_a_gap(setting: str, outcome: str) -> None:
    with GunicornServer(GOOD.replace('accesslog = "@D@/access.log"', setting)) as server:
        said = read(bind=server.address)

    assert (said["access_log"]["outcome"], said["access_log"]["rows"]) == (outcome, [])
    assert said["worker_pool"]["rows"][0]["access_log"] is (False if outcome == "complete" else None)


def test_a_link_to_another_file_is_a_change_too() -> None:
    with GunicornServer() as server:
        other = server.folder / "other.py"
        os.rename(server.path, other)
        server.path.symlink_to(other)

        row = pool(bind=server.address, ask_master=False)

    assert (row["workers_configured"], row["config_changed"]) == (None, True)


@pytest.mark.parametrize(
    ("config", "arguments", "environment", "configured"),
    [
        (GOOD, ("--workers", "2"), {}, 2),
        (GOOD, ("-w2",), {}, 2),
        (GOOD, ("--work=2",), {}, None),  # ambiguous: gunicorn itself refuses it
        (GOOD, (), {"GUNICORN_CMD_ARGS": "--workers 2"}, 2),
        (GOOD.replace("workers = 3", ""), (), {"WEB_CONCURRENCY": "2"}, 2),
        (GOOD.replace("workers = 3", ""), (), {}, 1),
        (GOOD.replace("workers = 3", "workers = len('ab')"), (), {}, None),
        (None, ("-b", "127.0.0.1:@PORT@", "--no-control-socket", "--workers", "2"), {}, 2),
    ],
)
def test_the_setting_in_force_is_the_one_gunicorn_takes(
    config: str | None, arguments: tuple[str, ...], environment: dict[str, str], configured: int | None
) -> None:
    if arguments == ("--work=2",):
        with pytest.raises(RuntimeError, match="ambiguous"), GunicornServer(config, *arguments):
            pass
        return
    running = 2 if configured is None else configured
    with GunicornServer(config, *arguments, environment=environment, workers=running) as server:
        row = pool(bind=server.address, ask_master=False)

    assert (row["workers_configured"], row["workers_running"]) == (configured, running)
    if config is None:
        assert (row["config_path"], row["control_socket"]) == ("", "")


def test_a_file_that_the_master_does_not_read_is_refused(good: GunicornServer) -> None:
    other = good.folder / "unused.py"
    other.write_text("workers = 3\n")

    said = read(bind=good.address, config=str(other))

    assert outcomes(said) == {"malformed"}
    assert "conf.py" in said["worker_pool"]["message"]


def test_a_new_master_beside_the_old_one() -> None:
    with GunicornServer(GOOD + 'pidfile = "@D@/pid"\n') as server:
        os.kill(server.pid, signal.SIGUSR2)
        server.until(lambda: (server.folder / "pid.2").exists() and server.log().count("Booting") == 6)
        new = int((server.folder / "pid.2").read_text())

        row = pool(bind=server.address)
        os.kill(new, signal.SIGTERM)
        server.until(lambda: len(server.children()) == 3)

    assert (row["masters"], row["workers_running"]) == (2, 6)


def test_processes_that_the_application_starts_are_no_workers() -> None:
    forking = GOOD.replace("timeout = 30", "import os, signal\ndef post_worker_init(worker):\n    "
                           "if os.fork() == 0:\n        signal.pause()\n")  # fmt: skip
    with GunicornServer(forking) as server:
        row = pool(bind=server.address)
        for worker in server.children():
            for child in Path(f"/proc/{worker}/task/{worker}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)

    assert (row["masters"], row["workers_running"]) == (1, 3)


def test_stopped_with_its_file() -> None:
    with GunicornServer() as server:
        server.stop()

        said = read(bind=server.address, config=str(server.path))

    [row] = said["worker_pool"]["rows"]
    assert {kind for kind, told in said.items() if told["outcome"] != "complete"} == {"access_log"}
    assert (row["running"], row["workers_running"], row["workers_configured"]) == (False, 0, None)
    assert [(s["masters"], s["workers"]) for s in said["worker_sample"]["rows"]] == [(0, 0), (0, 0)]
    assert said["service_status"]["rows"][0]["running"] is False


def test_nothing_there_without_a_file_is_no_stopped_server(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    (tmp_path / "conf.py").write_text("bind = '127.0.0.1:1'\n")

    assert outcomes(read(bind=address)) == {"absent"}
    assert outcomes(read(bind=address, config=str(tmp_path / "conf.py"))) == {"malformed"}
    assert outcomes(read(bind=address, config=str(tmp_path / "none.py"))) == {"absent"}


def test_dead_workers_and_a_dead_master_are_not_counted() -> None:
    with GunicornServer() as server:
        workers = server.children()
        os.kill(server.pid, signal.SIGSTOP)  # so that it replaces nobody
        for worker in workers[:2]:
            os.kill(worker, signal.SIGKILL)
        server.until(
            lambda: all(Path(f"/proc/{w}/stat").read_text().rpartition(")")[2].split()[0] == "Z" for w in workers[:2])
        )
        row = pool(bind=server.address, ask_master=False)

    assert row["workers_running"] == 1


@contextmanager
def impostor(port: int, script: str, title: str) -> Iterator[None]:
    """A Python program that calls itself `title` and listens."""
    listening = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); {script}"
    process = subprocess.Popen([title, "-c", listening], executable=sys.executable, start_new_session=True)
    try:
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.01)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_program_that_calls_itself_gunicorn_is_none() -> None:
    port = free_port()
    with impostor(port, "time.sleep(60)", "gunicorn: worker [app:app]"):
        said = read(bind=f"127.0.0.1:{port}")

    assert outcomes(said) == {"malformed"}
    assert "no gunicorn" in said["worker_pool"]["message"]


def test_a_master_by_title_with_children_that_share_its_socket_is_none() -> None:
    port = free_port()
    with impostor(port, "import os; os.fork() and os.fork(); time.sleep(60)", "gunicorn: master [app:app]"):
        said = read(bind=f"127.0.0.1:{port}")

    assert outcomes(said) == {"malformed"}


def test_sees_through_a_wildcard_address() -> None:
    with GunicornServer(GOOD.replace("127.0.0.1:@PORT@", "0.0.0.0:@PORT@")) as server:
        row = pool(bind=server.address)

    assert (row["workers_running"], row["listens_on"]) == (3, [f"0.0.0.0:{server.port}"])


def test_a_unix_socket() -> None:
    with GunicornServer(GOOD.replace("127.0.0.1:@PORT@", "unix:@D@/app.sock")) as server:
        address = f"unix:{server.folder}/app.sock"
        row = pool(bind=address)

    assert (row["workers_running"], row["listens_on"]) == (3, [address])
    assert row["control_socket"] == f"{server.folder}/ctl"


@pytest.mark.root
def test_its_own_account_is_enough(good: GunicornServer) -> None:
    said = as_account(NOBODY, lambda: read(bind=good.address))

    assert outcomes(said) == {"complete"}
    assert said["worker_pool"]["rows"][0]["workers_configured"] == 3
    assert set(said) == ALL


@pytest.mark.root
@pytest.mark.parametrize("hidden", [False, True])
def test_another_account_with_the_documented_capabilities_is_enough(good: GunicornServer, hidden: bool) -> None:
    granted = (CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE)
    said = as_account(
        OTHER, lambda: read(bind=good.address, config=str(good.path)), capabilities=granted, hidden=hidden
    )
    page = (Path(sys.modules[Gunicorn.__module__].__file__ or "").parent / "README.md").read_text()

    assert outcomes(said) == {"complete"}, said
    [row] = said["worker_pool"]["rows"]
    assert (row["workers_configured"], row["workers_running"]) == (3, 3)
    assert set(row["detail"]["settings_from"].values()) == {"file", "default"}  # the control socket is its owner's
    assert "AmbientCapabilities=CAP_DAC_READ_SEARCH CAP_SYS_PTRACE" in page


@pytest.mark.root
@pytest.mark.parametrize("only", [CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE])
def test_each_capability_is_needed(good: GunicornServer, only: int) -> None:
    said = as_account(OTHER, lambda: read(bind=good.address), capabilities=(only,))

    assert outcomes(said) == {"denied"}


@pytest.mark.root
@pytest.mark.parametrize("hidden", [False, True])
def test_another_account_without_it_is_denied(good: GunicornServer, hidden: bool) -> None:
    said = as_account(OTHER, lambda: read(bind=good.address, config=str(good.path)), hidden=hidden)

    assert outcomes(said) == {"denied"}
    assert not any(kind["rows"] for kind in said.values())


@pytest.mark.root
@pytest.mark.parametrize("hidden", [False, True])
def test_one_worker_that_may_not_be_looked_into_is_a_gap_and_not_one_less(hidden: bool) -> None:
    """It left the rights of its account (as after a change of account), so that even its own account may not."""
    leaving = GOOD.replace("timeout = 30", "import ctypes\ndef post_fork(server, worker):\n    "
                           "worker.age == 2 and ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n")  # fmt: skip
    with GunicornServer(leaving) as server:
        said = as_account(NOBODY, lambda: read(bind=server.address), hidden=hidden)

    assert outcomes(said) == {"denied"}
    assert "1 of the processes" in said["worker_pool"]["message"]


@pytest.mark.root
def test_a_file_that_may_not_be_read_leaves_its_settings_open(good: GunicornServer) -> None:
    with GunicornServer() as server:
        os.chown(server.path, 0, 0)
        server.path.chmod(0o600)
        said = as_account(NOBODY, lambda: read(bind=server.address, ask_master=False))

    [row] = said["worker_pool"]["rows"]
    assert said["config_file"]["outcome"] == "denied"
    assert (row["workers_configured"], row["workers_running"]) == (None, 3)
    assert any("may not be read" in note for note in row["detail"]["notes"])


def test_discover_proposes_what_runs(good: GunicornServer, tmp_path: Path) -> None:
    found = [f for f in Gunicorn().discover(Discovery(Path("/"), tmp_path)) if f.settings["bind"] == good.address]

    assert [f.settings for f in found] == [{"bind": good.address, "config": str(good.path)}]
    assert list(Gunicorn().discover(Discovery(tmp_path, tmp_path))) == []
