"""A bit of memory flips while an entry is written: it is refused before it is signed, or that copy was of no use.

The injecting is done by a program of its own, tests/crash/flips.py; `make crash` has it flip every copy at every stop.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from compliance.ledger import Draft
from compliance.schemas.errors import IntegrityError, LedgerError
from compliance.verify import verify
from tests.crash.flips import SIGNED, TAKEN, WHOLE
from tests.crash.test_kills import strace as strace_fixture
from tests.ledger.places import Place, verdict

ROOT = Path(__file__).parents[2]
strace = strace_fixture


@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize(
    ("stop", "refused"), [("between hash and commit", TAKEN), ("between commit and reading back", WHOLE)]
)
def test_flipped_while_it_is_written(stop: str, refused: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.flips", "--stops", stop, "--of", "line"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"line: {refused}" in done.stdout
    assert re.search(r"^\d+ flips, 0 signed or left as they must not be$", done.stdout, re.MULTILINE)
    assert set(re.findall(r"line: (.*?)\s+\d+$", done.stdout, re.MULTILINE)) <= {SIGNED, TAKEN, WHOLE}


def test_flipped_while_nothing_is_written(place: Place) -> None:
    """In the tree that a writer holds: the next entry would be signed with a root that the file does not give."""
    with place.open() as ledger:
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(5)])
        signed, hashes = ledger.checkpoint, ledger._edge.levels[0][2]
        byte = ctypes.c_ubyte.from_address(id(hashes) + bytes.__basicsize__ - 1 + 7)
        byte.value ^= 1

        with pytest.raises(IntegrityError, match="what memory holds of its 6 entries") as caught:
            ledger.append([Draft("control_verdict", verdict(6))])
        assert "nothing was added" in caught.value.message
        with pytest.raises(LedgerError, match="outcome unknown"):
            ledger.append([Draft("control_verdict", verdict(6))])

    with place.open() as ledger:
        assert (ledger.size, ledger.checkpoint) == (6, signed)
        ledger.append([Draft("control_verdict", verdict(6))])
    assert verify(place.path, lock_store=place.lock).ok
