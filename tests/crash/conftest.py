"""A place for a ledger."""

from pathlib import Path

import pytest

from tests.ledger.places import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
