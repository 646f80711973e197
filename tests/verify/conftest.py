"""A place for a ledger, and one of several months."""

import shutil
from pathlib import Path

import pytest

from tests.ledger.conftest import place, shortened
from tests.ledger.places import Place

__all__ = ["place", "shortened"]


@pytest.fixture
def copy(sealed: Place, tmp_path: Path) -> Path:
    """A copy of the ledger that a test module keeps, to be damaged."""
    target = tmp_path / "ledger.duckdb"
    shutil.copy(sealed.path, target)
    return target
