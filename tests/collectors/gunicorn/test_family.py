"""Who is a master and who a worker, on tables as other releases and worse moments would show them."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime
from pathlib import Path

from compliance.collectors.files import changed_at
from compliance.collectors.gunicorn.family import rows_family
from compliance.collectors.gunicorn.proc import Process, Table

LISTENING = 7
COMMAND = ("/usr/bin/python3", "/usr/bin/gunicorn", "app:app", "")
HANDLED = 1 << 0 | 1 << 16 | 1 << 20 | 1 << 21  # HUP, CHLD, TTIN, TTOU
WORKERS = 1 << 14 | 1 << 20 | 1 << 21  # TERM, and what it inherited
MASTER = Process(
    10, 1, "S", 100, 1000, False, "/usr/bin/python3.11", COMMAND, frozenset({LISTENING}), frozenset(), HANDLED
)


def process(pid: int, parent: int, *beats: str, ticks: int | None = None) -> Process:
    files = frozenset(f"/tmp/wgunicorn-{beat} (deleted)" for beat in beats)
    catches = HANDLED if pid == MASTER.pid else WORKERS
    return dataclasses.replace(MASTER, pid=pid, parent=parent, ticks=ticks or 100 + pid, files=files, catches=catches)


def seen(*processes: Process) -> tuple[list[int], list[int]]:
    masters, workers = rows_family(Table({p.pid: p for p in processes}, {}), frozenset({LISTENING}))
    return [p.pid for p in masters], [p.pid for p in workers]


def test_workers_that_kept_the_files_of_older_ones_count_once() -> None:
    family = (process(10, 1, "a", "b"), process(11, 10, "a"), process(12, 10, "a", "b"))

    assert seen(*family) == ([10], [11, 12])


def test_another_child_that_inherited_every_file_is_no_worker() -> None:
    family = (process(10, 1, "a", "b"), process(11, 10, "a"), process(12, 10, "b"), process(13, 10, "a", "b"))

    assert seen(*family) == ([10], [11, 12])


def test_a_child_of_a_dead_worker_is_none() -> None:
    assert seen(process(10, 1, "a"), process(21, 1, "a")) == ([10], [])


def test_workers_of_a_dead_master_are_none() -> None:
    assert seen(process(11, 1, "a"), process(12, 1, "b")) == ([], [])


def test_a_master_without_workers() -> None:
    assert seen(process(10, 1)) == ([10], [])
    assert seen(process(10, 1, "a")) == ([10], [])  # its worker died a moment ago


def test_a_program_that_only_calls_itself_a_master_is_none() -> None:
    titled = dataclasses.replace(MASTER, command=("gunicorn: master [app]", ""), catches=1 << 1)

    assert seen(titled) == ([], [])


def test_who_does_not_hold_the_socket_is_neither() -> None:
    other = dataclasses.replace(process(11, 10, "a"), sockets=frozenset({8}))

    assert seen(process(10, 1, "a"), other) == ([10], [])


def test_an_older_file_behind_a_new_link_changed_with_the_link(tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text("workers = 3\n")
    before = changed_at(str(tmp_path / "conf.py"))
    time.sleep(0.05)
    between = datetime.now(UTC)
    time.sleep(0.05)
    (tmp_path / "current").symlink_to(tmp_path)

    assert before < between
    assert changed_at(str(tmp_path / "conf.py")) == before
    assert changed_at(str(tmp_path / "current/conf.py")) > between
