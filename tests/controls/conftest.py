"""Writes, loads and feeds the small control of `given.py`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from compliance.controls.catalogue import LoadedControl, load_control
from compliance.controls.evidence_base import EvidenceBase
from compliance.schemas.results import Coverage
from tests.controls.given import CONTROL, SQL, complete, rows

WriteControl = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> WriteControl:
    """Writes the small control with changed keys and SQL below `tmp_path`; gives the path of its YAML."""

    def write(sql: str = SQL, folder: Path = tmp_path, without: Iterable[str] = (), **changed: Any) -> Path:
        values = copy.deepcopy(CONTROL) | changed
        for key in without:
            del values[key]
        domain, _, name = str(values["id"]).partition(".")
        path = folder / "checks" / domain / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
        path.with_suffix(".sql").write_text(sql, encoding="utf-8")
        return path

    return write


@pytest.fixture
def load(write: WriteControl) -> Callable[..., LoadedControl]:
    """The same, loaded."""
    return lambda *args, **kwargs: load_control(write(*args, **kwargs))


@pytest.fixture
def base() -> Iterable[Callable[..., EvidenceBase]]:
    """Builds evidence bases and closes them: `base([{row}, …], coverage=[…])` for assets."""
    built: list[EvidenceBase] = []

    def build(
        assets: Iterable[Mapping[str, Any]] = (), coverage: Iterable[Coverage] | None = None, **tables: Any
    ) -> EvidenceBase:
        given = {
            "asset": rows(assets),
            **{name: rows(table, 1000 * n) for n, (name, table) in enumerate(tables.items(), 1)},
        }
        covered = [complete()] if coverage is None else list(coverage)
        built.append(EvidenceBase.build(given, covered, threads=1))
        return built[-1]

    yield build
    for one in built:
        one.close()
