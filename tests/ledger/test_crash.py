"""Killed at any moment, nothing acknowledged is lost; full and read-only disks are named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from compliance.ledger import Draft, Ledger
from compliance.schemas.errors import LedgerError, StorageFull
from compliance.verify import verify
from tests.ledger.places import Place, verdict

_CHILD = """
import sys
from pathlib import Path
from compliance.ledger import Draft
from compliance.schemas.messages import Record
from tests.ledger.places import Place, account, given, verdict
place = Place(Path(sys.argv[1]))
with place.open() as ledger:
    place.now = max(place.now, ledger.entry(ledger.size - 1).at)
    for n in range(100_000):
        done = int(ledger.cursor("ci", "control_verdict") or 0)
        fields = given(kind="control_verdict", source="ci", run=f"r{done}")
        ledger.record_events(fields, [Record(verdict(done))], str(done + 1), final=True)
        ledger.record_state(given(), [account(f"u{done % 5}"), account("x"), account("y")])
        print(done + 1, ledger.size, flush=True)
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.mark.parametrize("round_", range(3))
def test_killed_while_appending(place: Place, round_: int) -> None:
    place.open().close()
    acknowledged, cursor = 0, 0
    for kill in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(place.folder)], stdout=subprocess.PIPE, text=True, env=environment()
        )
        assert child.stdout is not None
        for _ in range(2 + kill):
            cursor, acknowledged = map(int, child.stdout.readline().split())
        time.sleep(0.003 * (round_ + 3 * kill))  # anywhere within the appends that follow
        child.send_signal(signal.SIGKILL)
        for line in child.stdout:
            if line.endswith("\n"):
                cursor, acknowledged = map(int, line.split())
        child.wait()
        child.stdout.close()

        with place.open() as ledger:
            assert ledger.size >= acknowledged
            controls = [e.record["control"] for e in ledger.entries("control_verdict")]
            assert controls == [f"c{n}" for n in range(len(controls))], "every event exactly once"
            assert len(controls) == int(ledger.cursor("ci", "control_verdict") or 0) >= cursor
        assert verify(place.path, lock_store=place.lock).ok


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A file system of 6 MiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("a small file system to fill needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small file system to fill needs the right to mount: {mounted.stderr.decode().strip()}")
    return folder


def fill(ledger: Ledger, drafts: list[Draft], sizes: list[int]) -> None:
    while True:
        sizes.append(ledger.append(drafts).size)


def test_a_full_disk_is_named_and_loses_nothing(tmp_path: Path, tiny: Path) -> None:
    place = Place(tmp_path)
    settings = {"keys": tmp_path / "keys", "lock_store": tmp_path / "lock"}
    place.path.parent.symlink_to(tiny)
    sizes: list[int] = []
    try:
        ledger = place.open(**settings)
        noise = [os.urandom(16_000).hex() for _ in range(16)]
        drafts = [Draft("control_verdict", verdict(1, text)) for text in noise]
        with pytest.raises(StorageFull, match="cannot be written") as caught:
            fill(ledger, drafts, sizes)
        assert "free space" in str(caught.value.remedy)
        with pytest.raises(LedgerError, match="outcome unknown"):
            ledger.append(drafts)
        with suppress(StorageFull):
            ledger.close()
        subprocess.run(["mount", "-o", "remount,size=64m", str(tiny)], check=True)

        with place.open(**settings) as again:
            assert again.size >= sizes[-1] > 1
            again.append([Draft("control_verdict", verdict(1))])
        assert verify(place.path, lock_store=place.lock).ok
    finally:
        subprocess.run(["umount", str(tiny)], check=True)


_AS_NOBODY = """
import difflib, os, sys
from pathlib import Path
import compliance.schemas.kinds
from compliance.schemas.errors import StorageFull
from tests.ledger.places import Place
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
place = Place(Path(sys.argv[1]))
try:
    place.open()
except StorageFull as error:
    print(error.message, "|", error.remedy)
"""


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that every account can reach: those of pytest are closed to others, again at each new session."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("closed", ["data", "lock", "subjects", "keys"])
def test_a_folder_that_may_not_be_written_is_named(reachable: Path, closed: str) -> None:
    folder = reachable / "ledger"
    folder.mkdir()
    folder.chmod(0o777)
    for name in ("data", "lock", "subjects", "keys"):
        (folder / name).mkdir()
        (folder / name).chmod(0o555 if name == closed else 0o777)

    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(folder)], capture_output=True, text=True, env=environment(), check=False
    )

    assert str(folder / closed) in done.stdout, done.stderr
    assert "None" not in done.stdout
