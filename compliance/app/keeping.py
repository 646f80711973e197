"""Definitions in the ledger: what verdicts were given under, kept so that they can be given again years later."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from compliance.app.workspace import Workspace
from compliance.controls import catalogue as catalogues
from compliance.controls.catalogue import Catalogue, LoadedControl
from compliance.ledger import Draft, Entry
from compliance.schemas.errors import ControlError
from compliance.schemas.kinds.engine import ControlDefinition, ControlVerdict
from compliance.schemas.results import ControlResult


@dataclass(frozen=True, slots=True)
class Used:
    """A definition under which verdicts were given, and when."""

    first: datetime  # the first verdict under it
    last: datetime  # the last one before another took its place
    audit: str  # that gave the first
    loaded: LoadedControl
    parameters: Mapping[str, Any]


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


def of_day(
    workspace: Workspace, catalogue: Catalogue, at: datetime
) -> tuple[Catalogue, dict[str, Mapping[str, Any]], list[str]]:
    """`catalogue` with the definitions under which the newest verdicts at `at` were given, their parameters by control,
    and which controls have none from then: those keep the definition at hand.

    Raises ControlError: a definition of then cannot be read by this version of the engine.
    """
    newest = {name: uses[-1] for name, uses in used(workspace, catalogue, at).items()}
    controls = {**catalogue.controls, **{name: use.loaded for name, use in newest.items()}}
    missing = sorted(set(catalogue.controls) - set(newest))
    parameters = {name: use.parameters for name, use in newest.items()}
    return replace(catalogue, controls=dict(sorted(controls.items()))), parameters, missing


def used(workspace: Workspace, catalogue: Catalogue, until: datetime) -> dict[str, list[Used]]:
    """For each control the definitions and parameters under which verdicts were given up to `until`, in order. A
    control of which the ledger keeps no definition from then has none here.

    Raises ControlError: a definition of then cannot be read by this version of the engine.
    """
    kept = {
        (entry.record["control"], entry.record["sha256"]): entry.record
        for entry in workspace.ledger.entries(ControlDefinition.kind)
        if entry.at <= until
    }
    read: dict[tuple[str, str], LoadedControl] = {
        (name, loaded.sha256): loaded for name, loaded in catalogue.controls.items()
    }
    found: dict[str, list[Used]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for entry in _verdicts(workspace, until):
            key = (entry.record["control"], entry.record["control_sha256"])
            if key not in kept:
                continue
            if key not in read:
                read[key] = _loaded(Path(folder), key[0], kept[key])
            parameters = dict(entry.record["parameters"] or {})
            uses = found.setdefault(key[0], [])
            if uses and (uses[-1].loaded.sha256, uses[-1].parameters) == (key[1], parameters):
                uses[-1] = replace(uses[-1], last=entry.at)
            else:
                uses.append(Used(entry.at, entry.at, entry.record["audit"], read[key], parameters))
    return found


def _verdicts(workspace: Workspace, until: datetime) -> Iterator[Entry]:
    """The verdicts given up to `until` under what was at hand then; not those that looked back."""
    for entry in workspace.ledger.entries(ControlVerdict.kind):
        if entry.at <= until and entry.record.get("definitions") != "then":
            yield entry


def _loaded(folder: Path, name: str, record: Mapping[str, Any]) -> LoadedControl:
    domain, _, rest = name.partition(".")
    path = folder / "checks" / domain / f"{rest}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(record["yaml"].encode())
    catalogues.sql_path_of(path).write_bytes(record["sql"].encode())
    return catalogues.load_control(path)
