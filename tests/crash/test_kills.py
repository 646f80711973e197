"""The writer is killed at random and at every call that changes the disk; `make crash` does it a thousand times.

The killing is done by a program of its own, tests/crash/run.py: a process that forks must not have threads.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.operations import OPERATIONS

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> str:
    """What the program prints; it must come to its end with nothing lost."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.run", *arguments],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "acknowledged entries lost: 0" in done.stdout
    print(done.stdout)
    return done.stdout


@pytest.mark.parametrize("half", [0, 1])
def test_killed_at_random(half: int) -> None:
    names = list(OPERATIONS)[half::2]
    out = run("--kills", "25", *(word for name in names for word in ("--only", name)))
    assert "\n25 interruptions in " in out
    assert all(f"\n{name} " in out for name in names)


@pytest.fixture
def strace() -> None:
    if not shutil.which("strace"):
        pytest.skip("strace is not installed: apt-get install strace")


@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize(
    ("operation", "outcomes"),
    [
        (
            "append",
            [
                "not committed, nothing remains of it",
                "committed, signed at the next start",
                "signed, checkpoint row put at the next start",
                "complete, only the acknowledgement was lost",
            ],
        ),
        (
            "erase",
            [
                "not committed, nothing remains of it",
                "erasure recorded, key destroyed at the next start",
                "complete, only the acknowledgement was lost",
            ],
        ),
        ("open", ["committed, signed at the next start", "nothing was in flight"]),
    ],
)
def test_killed_at_every_call(operation: str, outcomes: list[str]) -> None:
    out = run("--exact", "--only", operation)
    for outcome in outcomes:
        assert outcome in out
