"""A ledger to attack, built once for each module, and a copy of it for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.victim import Victim, build, copied


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Victim:
    return build(tmp_path_factory.mktemp("victim"))


@pytest.fixture
def victim(untouched: Victim, tmp_path: Path) -> Victim:
    return copied(untouched, tmp_path / "victim")
