"""Notes to anchor, and a place for adapters."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from compliance.anchors import Place
from compliance.ledger import Keys

Notes = Callable[[int], str]


@pytest.fixture(scope="session")
def note(tmp_path_factory: pytest.TempPathFactory) -> Notes:
    """A signed note of a size."""
    keys = Keys.open(tmp_path_factory.mktemp("keys"), "example.org/evidence/test")
    return lambda size: keys.sign(size, size.to_bytes(32, "big"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An adapter's own folder."""
    return Place(tmp_path / "state", tmp_path)


@pytest.fixture
def mount() -> Iterator[Path]:
    """A folder on another file system (a tmpfs) than the tests' own."""
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev:
        pytest.skip("/dev/shm is no file system of its own here")
    folder = Path(tempfile.mkdtemp(prefix="anchor-", dir=other))
    yield folder
    for entry in folder.rglob("*"):
        if entry.is_dir():
            entry.chmod(0o700)
    os.chmod(folder, 0o700)
    shutil.rmtree(folder)
