"""A place for a ledger."""

from pathlib import Path

import pytest

from tests.ledger.months import cut, several
from tests.ledger.places import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A ledger of four months, nothing sealed; copy it, never change it."""
    place = Place(tmp_path_factory.mktemp("grown"))
    several(place).close()
    return place


@pytest.fixture(scope="session")
def shortened(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A ledger of four months, three of them sealed, two dropped; copy it, never change it."""
    place = Place(tmp_path_factory.mktemp("shortened"))
    several(place).close()
    cut(place, "2026-10")
    return place
