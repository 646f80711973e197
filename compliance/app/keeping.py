"""Definitions in the ledger: what verdicts were given under, kept so that they can be given again years later."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from compliance.app.workspace import Workspace
from compliance.controls import catalogue as catalogues
from compliance.controls.catalogue import Catalogue, LoadedControl
from compliance.ledger import Draft
from compliance.schemas.errors import ControlError
from compliance.schemas.kinds.engine import ControlDefinition, ControlVerdict
from compliance.schemas.results import ControlResult


def drafts(workspace: Workspace, results: Iterable[ControlResult]) -> list[Draft]:
    """The definitions behind `results` that the ledger does not hold yet, for the append that records the verdicts."""
    known = {
        (entry.record["control"], entry.record["sha256"]) for entry in workspace.ledger.entries(ControlDefinition.kind)
    }
    return [
        Draft(ControlDefinition.kind, _definition(workspace, result))
        for result in results
        if result.control is not None and (result.id, result.sha256) not in known
    ]


def _definition(workspace: Workspace, result: ControlResult) -> ControlDefinition:
    if hashlib.sha256(result.yaml + b"\0" + result.sql.encode()).hexdigest() != result.sha256:
        raise ControlError(f"the definition of {result.id} at hand is not the one its digest is of")
    return ControlDefinition(
        occurred_at=workspace.clock(),
        control=result.id,
        version=result.version,
        sha256=result.sha256,
        yaml=result.yaml.decode(),
        sql=result.sql,
    )


def of_day(workspace: Workspace, catalogue: Catalogue, at: datetime) -> tuple[Catalogue, list[str]]:
    """`catalogue` with the definitions that were newest in the ledger at `at`, and which controls have none from then:
    those keep the definition at hand.

    Raises ControlError: a definition of then cannot be read by this version of the engine.
    """
    kept: dict[str, Mapping[str, Any]] = {}
    definitions = {
        (entry.record["control"], entry.record["sha256"]): entry.record
        for entry in workspace.ledger.entries(ControlDefinition.kind)
        if entry.at <= at
    }
    for entry in workspace.ledger.entries(ControlVerdict.kind):
        key = (entry.record["control"], entry.record["control_sha256"])
        if entry.at <= at and key in definitions:
            kept[key[0]] = definitions[key]
    controls = dict(catalogue.controls)
    with tempfile.TemporaryDirectory() as folder:
        for name, record in kept.items():
            if name not in controls or controls[name].sha256 != record["sha256"]:
                controls[name] = _loaded(Path(folder), name, record)
    missing = sorted(set(catalogue.controls) - set(kept))
    return replace(catalogue, controls=dict(sorted(controls.items()))), missing


def parameters_of_day(workspace: Workspace, at: datetime) -> dict[str, dict[str, Any]]:
    """The parameters by which the newest verdicts at `at` were given, by control."""
    return {
        entry.record["control"]: dict(entry.record["parameters"] or {})
        for entry in workspace.ledger.entries(ControlVerdict.kind)
        if entry.at <= at
    }


def _loaded(folder: Path, name: str, record: Mapping[str, Any]) -> LoadedControl:
    domain, _, rest = name.partition(".")
    path = folder / "checks" / domain / f"{rest}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(record["yaml"].encode())
    path.with_suffix(".sql").write_bytes(record["sql"].encode())
    return catalogues.load_control(path)
