"""Definitions in the ledger: what verdicts were given under, kept so that they can be given again years later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from compliance.app.workspace import Workspace
from compliance.ledger import Draft
from compliance.schemas.errors import ControlError
from compliance.schemas.kinds.engine import ControlDefinition
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
