"""The ledger as it was signed: recomputed, compared with its anchors, and that recorded."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

from compliance.app import anchoring, check, collect, keys, outside
from compliance.app.workspace import Workspace
from compliance.ledger import CollectionFields
from compliance.schemas.errors import IntegrityError
from compliance.schemas.kinds.engine import ENGINE, LedgerCheck
from compliance.schemas.messages import Record
from compliance.schemas.results import AnchorView
from compliance.verify import Verification, verify_connection


def check_ledger(workspace: Workspace) -> tuple[LedgerCheck, tuple[AnchorView, ...]]:
    """Recompute the whole ledger, compare it with its anchors, and record that it was done.

    Raises IntegrityError naming the first bad entry, or the anchor that contradicts.
    """
    ledger, places = workspace.ledger, workspace.places
    readings = read_outside(workspace)
    found = sound(workspace, readings)
    anchors = outside.views(readings, found.anchors, found.size, places.path)
    seen = LedgerCheck(
        ledger=ledger.origin,
        checked_at=workspace.clock(),
        from_seq=0,
        to_seq=max(found.size - 1, 0),
        chain_ok=True,
        write_locked=_owner_only_write(places.path),
        delete_denied=check.removal_is_found(ledger.connection, ledger.vkey),
        readers_outside=_others(places.path),
        lock_store_ok=found.lock_store_ok,
        anchored_at=outside.anchored_at(anchors),
        signing_key_mode_ok=keys.readable_by_owner_only(workspace.config, places),
    )
    fields = CollectionFields(
        run=collect.run_id(workspace.clock()),
        of_source=ENGINE,
        of_kind=LedgerCheck.kind,
        collector=ENGINE,
        attempt=1,
        started_at=seen.checked_at,
        outcome="complete",
        message=None,
        remedy=None,
        independent_count=1,
        requests=[
            {"method": "library", "text": "recompute every line, leaf, tile, root and signature", "digest": None}
        ],
    )
    ledger.record_state(fields, [Record(seen)])
    return seen, anchors


def read_outside(workspace: Workspace) -> tuple[outside.Reading, ...]:
    return outside.read(anchoring.configured(workspace.config, workspace.places))


def sound(workspace: Workspace, readings: Sequence[outside.Reading]) -> Verification:
    ledger = workspace.ledger
    found = verify_connection(
        ledger.connection,
        vkey=ledger.vkey,
        lock_store=workspace.places.lock_store,
        segments=workspace.places.segments,
        outside=outside.notes(readings),
        key_of=ledger.keystore.key,
    )
    if not found.ok:
        first = found.problems[0]
        raise IntegrityError(
            f"the ledger is not what was signed: {first}",
            seq=first.seq,
            remedy="keep a copy of the file as it is, then run `compliance verify` for the full list",
        )
    return found


def _owner_only_write(path: Path) -> bool | None:
    try:
        return not stat.S_IMODE(path.stat().st_mode) & (stat.S_IWGRP | stat.S_IWOTH)
    except OSError:
        return None


def _others(path: Path) -> int | None:
    """How many classes of accounts beside the owner (group, others) may read or write the file."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
    return sum(1 for bits in (stat.S_IRGRP | stat.S_IWGRP, stat.S_IROTH | stat.S_IWOTH) if mode & bits)
