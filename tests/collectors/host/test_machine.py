"""The door to the machine: each refusal becomes its own cause, and nothing becomes an empty answer."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from compliance.collectors.host.machine import Machine, run_command
from compliance.schemas.errors import Absent, Denied, Malformed, TimedOut


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a shell script first in PATH."""

    def put(name: str, body: str) -> None:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return put


def test_missing_program_is_absent():
    with pytest.raises(Absent, match="no-such-program is not installed"):
        Machine().run("no-such-program", "-x")


def test_hanging_program_times_out_and_takes_its_children_along(program, tmp_path):
    program("slow", f"sleep 300 & echo $! > {tmp_path}/child; wait")
    with pytest.raises(TimedOut, match="slow did not answer"):
        Machine(timeout_s=0.5).run("slow")
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        try:
            state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child of the hanging program is still running")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("echo 'Operation not permitted (you must be root)' >&2; exit 1", Denied),
        ("echo 'tool: cannot open /x: Permission denied' >&2; exit 3", Denied),
        ("echo 'unknown option' >&2; exit 2", Malformed),
    ],
)
def test_failing_program_names_its_cause(program, body, error):
    program("tool", body)
    with pytest.raises(error, match="ended with status"):
        Machine().run("tool")


def test_answers_are_shared_and_every_kind_notes_its_own_requests(program, tmp_path):
    program("count", f"echo x >> {tmp_path}/calls; echo answer")
    calls = []
    first = Machine(throttle=lambda: calls.append(1)).for_kind()
    second = first.for_kind()
    assert first.run("count") == second.run("count") == "answer\n"
    assert (tmp_path / "calls").read_text() == "x\n"
    assert len(calls) == 1
    assert first.requests == second.requests
    assert first.requests[0].method == "command"
    assert first.requests[0].digest is not None


def test_command_runs_in_the_c_locale_without_a_shell():
    assert run_command(("printenv", "LC_ALL"), 5).out == "C\n"
    assert run_command(("printf", "%s", "$(id); `id`"), 5).out == "$(id); `id`"


def test_files(tmp_path):
    (tmp_path / "a").write_text("text")
    (tmp_path / "b").symlink_to("/dev/null")
    machine = Machine(root=tmp_path)
    assert machine.read("/a") == "text"
    assert machine.read_optional("/missing") is None
    assert machine.names("/missing") == []
    assert machine.files("/") == ["/a"]
    assert machine.link("/b") == "/dev/null"
    assert machine.link("/a") is None
    with pytest.raises(Absent, match="/missing does not exist"):
        machine.read("/missing")
