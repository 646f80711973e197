"""Registers in a folder, and settings that read them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from compliance.collectors.registers import Registers
from compliance.schemas.messages import Context
from tests.collectors.said import Said

KIND = "register_return"
HEADER = "of_kind,of_source,returned_at,by_person,covers_until,entries,reviewed_by,expires_at"
GOOD = f"""{HEADER}
incident,*,2026-11-03T09:00-06:00,Ana Ruiz,2026-11-01,0,Luis Mora,
breach,desk,2026-11-03,Eva Sol,,2,,2026-12-01
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good register."""
    place = tmp_path / "registers"
    place.mkdir()
    (place / f"{KIND}.csv").write_text(GOOD)
    return place


@pytest.fixture
def told(folder: Path) -> Callable[..., Said]:
    """Runs the collector over the folder; `about` goes into the settings of the register, the rest beside it."""

    def run(about: dict[str, Any] | None = None, **beside: Any) -> Said:
        return Said(Registers, context(folder, about, **beside))

    return run


def context(folder: Path, about: dict[str, Any] | None = None, **beside: Any) -> Context[Any]:
    """A context that asks for everything that the settings promise."""
    given = {"folder": str(folder), "time_zone": "UTC", "registers": {KIND: about or {}}, **beside}
    settings = Registers.Settings.model_validate(given)
    kinds = frozenset(kind.kind for kind in Registers().promises(settings))  # type: ignore[arg-type]
    return Context("desk", settings, lambda: datetime.now(UTC), kinds, timeout_s=10.0)
