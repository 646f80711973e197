"""Killed anywhere while months are sealed or dropped, the ledger holds, and the next run goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from compliance.ledger import sealing
from compliance.verify import verify_segments
from tests.ledger.months import MONTHS, checked, copied, cut, seal, segments_of
from tests.ledger.places import Place
from tests.ledger.test_crash import environment

KILLED = """
import os, signal, sys
from pathlib import Path
from tests.ledger.months import cut, seal
from tests.ledger.places import Place

step, count = int(sys.argv[2]), 0

def trace(frame, event, arg):
    global count
    name = frame.f_code.co_filename
    if event in ("call", "return", "c_call") and name.endswith(("sealing.py", "rewrite.py")):
        count += 1
        if count == step:
            os.kill(os.getpid(), signal.SIGKILL)

place = Place(Path(sys.argv[1]))
sys.setprofile(trace)
if sys.argv[3] == "seal":
    with place.open() as ledger:
        seal(ledger, place)
else:
    cut(place, "2026-10")
sys.setprofile(None)
print(count)
"""


def run(place: Place, step: int, what: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(place.folder), str(step), what],
        capture_output=True, text=True, env=environment(), check=False,
    )  # fmt: skip


def steps_of(grown: Place, tmp_path: Path, what: str) -> int:
    """How many steps a run takes that is not killed."""
    (tmp_path / "whole").mkdir()
    return int(run(copied(grown, tmp_path / "whole"), -1, what).stdout)


def test_a_kill_while_sealing_leaves_no_segment_or_a_whole_one(grown: Place, tmp_path: Path) -> None:
    steps = steps_of(grown, tmp_path, "seal")
    place = copied(grown, tmp_path)
    seen = set()
    for kill in range(9):  # each goes on where the one before was killed
        done = run(place, 1 + kill * steps // 27, "seal")
        assert done.returncode in (-signal.SIGKILL, 0), done.stderr
        seen.add(done.returncode)
        whole = list(segments_of(place).glob("2*")) if segments_of(place).exists() else []
        assert all(verify_segments(path).ok for path in whole)
        assert checked(place).ok
    assert -signal.SIGKILL in seen

    with place.open() as ledger:
        seal(ledger, place)
        months = sealing.months(ledger)
        assert [(month.month, len(month.seals)) for month in months] == [(month, 1) for month in MONTHS]
    assert sorted(path.name for path in segments_of(place).iterdir()) == list(MONTHS)
    assert verify_segments(segments_of(place)).ok


@pytest.mark.parametrize("part", range(1, 6))
def test_a_kill_while_dropping_leaves_the_old_file_or_the_new(grown: Place, tmp_path: Path, part: int) -> None:
    place = copied(grown, tmp_path)
    with place.open() as ledger:
        seal(ledger, place)
        size = ledger.size
    steps = steps_of(place, tmp_path, "drop")

    done = run(place, steps * part // 5 - (part == 5) * 3, "drop")  # the last one comes after the new name

    assert done.returncode == -signal.SIGKILL, done.stderr
    assert checked(place).ok
    cut(place, "2026-10")
    with place.open() as ledger:
        assert ledger._store.start == ledger._store.cut.dropped[-1].hi if ledger._store.cut else False
        assert [m.dropped for m in sealing.months(ledger)] == [True, True, False]
        assert ledger.size == size + 2  # each drop is recorded once
    assert checked(place).ok
