"""A place for a ledger."""

import shutil
from pathlib import Path

import pytest

from tests.ledger.places import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def copy(sealed: Place, tmp_path: Path) -> Path:
    """A copy of the ledger that a test module keeps, to be damaged."""
    target = tmp_path / "ledger.duckdb"
    shutil.copy(sealed.path, target)
    return target
