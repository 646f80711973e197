"""Disks that are full or read-only, with the steps of docs/recovery.md: tests/crash/disk.py has the cases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
OWN = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--map-root-user", "--mount")
UNKNOWN = "with its outcome unknown"


@pytest.fixture
def case(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """What the case that the test is named for printed."""
    if subprocess.run([*OWN, "true"], capture_output=True, check=False).returncode:
        pytest.skip("lacks the right to mount a small file system: neither root nor user namespaces")
    name = request.node.name.removeprefix("test_")
    done = subprocess.run(
        [*OWN, sys.executable, "-m", "tests.crash.disk", name, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["ok"]
    assert found["opened"] >= found["acknowledged"]
    return found


def test_ledger_full(case: dict[str, Any], tmp_path: Path) -> None:
    assert case["first"]["error"] == "StorageFull"
    assert f"ledger {tmp_path}/data/ledger.duckdb cannot be written" in case["first"]["message"]
    assert case["first"]["remedy"].startswith(f"free space in {tmp_path}/data")
    assert UNKNOWN in case["again"]["message"]
    assert case["acknowledged"] > 1


def test_lock_store_full(case: dict[str, Any], tmp_path: Path) -> None:
    assert case["first"]["error"] == "StorageFull"
    assert f"lock store {tmp_path}/lock cannot be written" in case["first"]["message"]
    assert case["first"]["remedy"].endswith("nothing was added")
    assert UNKNOWN in case["again"]["message"]
    assert case["opened"] == case["acknowledged"]


def test_lock_store_read_only(case: dict[str, Any]) -> None:
    assert "Read-only file system" in case["first"]["message"]
    assert case["first"]["remedy"].endswith("nothing was added")
    assert UNKNOWN in case["again"]["message"]
    assert case["opened"] == case["acknowledged"]


def test_key_store_full(case: dict[str, Any], tmp_path: Path) -> None:
    assert case["first"]["error"] == "StorageFull"
    assert f"key store {tmp_path}/subjects/keys.sqlite cannot be used" in case["first"]["message"]
    assert case["kept"] == case["acknowledged"], "no entry whose key was not kept"


def test_key_store_full_while_erasing(case: dict[str, Any]) -> None:
    assert case["first"]["error"] == "StorageFull", "nobody was told that the key is destroyed"
    assert case["opening"]["error"] == "StorageFull", "a ledger with an erasure to finish waits for room"
    assert case["erased"] == [True, None]


def test_ledger_read_only(case: dict[str, Any]) -> None:
    assert "Read-only file system" in case["first"]["message"]
    assert case["first"]["remedy"].startswith("free space in ")
    assert case["verified"]


def test_commit_in_doubt(case: dict[str, Any]) -> None:
    """What is in doubt is never tried again: it was committed, a retry would have doubled it."""
    assert "COMMIT succeeded" in case["first"]["message"]
    assert "open the ledger again" in case["first"]["remedy"]
    assert UNKNOWN in case["again"]["message"]
    assert case["opened"] == case["acknowledged"] + 1
