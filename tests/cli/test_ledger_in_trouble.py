"""A ledger that cannot be used now: another writer, a newer format, a full disk, a folder that may not be written."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.helpers import Place, filled, place_below

HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("SELECT 1")
print("held", flush=True)
sys.stdin.read()
"""


def wait_1s(place: Place) -> Place:
    text = (place.folder / "compliance.toml").read_text()
    return place.configure(text + "\n[ledger]\nwait_s = 1\n")


def test_a_second_writer_waits_with_a_message_then_gives_up(copy: Place) -> None:
    wait_1s(copy)
    entries = copy.run("ledger", "status", "--json").json["entries"]
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(copy.ledger)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    try:
        assert holder.stdout.readline() == "held\n"
        done = copy.run("collect")
        assert done.code == 2
        assert "wait" in done.err
        assert f"process {holder.pid}" in done.err
        assert done.out == ""
    finally:
        holder.communicate("")
    assert copy.run("ledger", "status", "--json").json["entries"] == entries
    assert copy.run("collect").code == 0


def test_a_ledger_of_a_newer_format_is_refused_in_words(copy: Place) -> None:
    copy.sql("UPDATE meta SET value = '3' WHERE name = 'format'")
    for command in (("collect",), ("ledger", "status")):
        done = copy.run(*command)
        assert done.code == 2
        assert "newer" in done.err
        assert "upgrade" in done.err


def test_what_is_no_ledger_is_said_so(place: Place) -> None:
    place.ledger.write_text("not a database\n" * 500)
    done = place.configure("").run("ledger", "status")
    assert done.code == 4
    assert "cannot be read" in done.err
    assert place.ledger.read_text() == "not a database\n" * 500


@pytest.mark.root
def test_a_full_disk_loses_nothing_acknowledged(copy: Place, little: Path) -> None:
    shutil.move(copy.ledger, little / "compliance.duckdb")
    copy.configure((copy.folder / "compliance.toml").read_text() + f'\n[ledger]\npath = "{little}/compliance.duckdb"\n')
    entries = copy.run("ledger", "status", "--json").json["entries"]
    rest = filled(little)
    done = copy.run("collect")
    assert done.code == 2, done.words
    assert "cannot be written" in done.err
    assert "free space" in done.err
    rest.unlink()
    assert copy.run("verify", "--quiet").code == 0
    assert copy.run("ledger", "status", "--json").json["entries"] >= entries
    assert copy.run("collect").code == 0
    assert copy.run("verify", "--quiet").code == 0


@pytest.mark.root
def test_a_full_disk_leaves_no_half_written_reports(copy: Place, little: Path) -> None:
    filled(little)
    done = copy.run("audit", "--no-collect", "--format", "json", "-o", str(little / "out"))
    assert done.code == 2
    assert "reports cannot be written" in done.err
    assert "--no-collect" in done.err
    assert [path for path in (little / "out").rglob("*") if path.is_file()] == []
    assert copy.run("verify", "--quiet").code == 0


def without_override(place: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as an account that permissions bind: root without passing over them, or an ordinary user."""
    bound = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    return subprocess.run(
        [*bound, sys.executable, "-m", "compliance", *arguments], cwd=place.folder, env=place.environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every account may pass through, as pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="compliance-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for path in folder.rglob("*"):
            path.chmod(0o755)


def test_a_folder_that_may_not_be_written(public: Path) -> None:
    place = place_below(public)
    place.folder.chmod(0o555)
    done = without_override(place, "audit", "--format", "json")
    assert done.returncode == 2, done.stderr
    assert "compliance.toml cannot be written" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert place.names() == set()


def test_a_ledger_that_may_not_be_written(copy: Place, public: Path) -> None:
    place = Place(public / "work")
    shutil.copytree(copy.folder, place.folder)
    shutil.copytree(copy.home, place.home)
    place.ledger.chmod(0o444)
    place.folder.chmod(0o555)
    before = place.ledger.read_bytes()
    done = without_override(place, "collect")
    assert done.returncode == 2, done.stderr
    assert str(place.ledger) in done.stderr
    assert "cannot be" in done.stderr
    assert "Traceback" not in done.stderr
    assert place.ledger.read_bytes() == before


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            try:
                while True:
                    held.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in held:
            connection.close()


def test_an_interruption_keeps_what_was_complete(copy: Place, silent: int) -> None:
    text = (copy.folder / "compliance.toml").read_text()
    copy.configure(text + f'\n[sources.mute]\ncollector = "redis"\nhost = "127.0.0.1"\nport = {silent}\n')
    collect = copy.start("collect", "--json")
    time.sleep(0.5)
    while collect.poll() is None and not complete_in_two_runs(copy):
        time.sleep(0.3)
    collect.send_signal(signal.SIGINT)
    out, err = collect.communicate(timeout=60)
    assert collect.returncode == 130, err
    assert "Traceback" not in err
    assert copy.run("verify", "--quiet").code == 0

    rows = copy.run("evidence", "show", "collection").json
    last = max(row["run"] for row in rows)
    outcomes = {
        (row["of_source"], row["outcome"]) for row in rows if row["run"] == last and row["of_source"] != "engine"
    }
    assert ("code", "complete") in outcomes
    assert {outcome for source, outcome in outcomes if source == "mute"} == {"timeout"}
    assert any(row["message"] == "interrupted" for row in rows if row["of_source"] == "mute")
    assert '"interrupted": true' in out

    copy.configure(text)
    assert copy.run("collect").code == 0


def complete_in_two_runs(place: Place) -> bool:
    """The ledger's bytes tell that the clone was read a second time: the writer holds it, nobody else can ask."""
    wal = place.ledger.with_name(place.ledger.name + ".wal")
    return wal.exists() and wal.read_bytes().count(b'"of_kind":"component_inventory"') >= 1
