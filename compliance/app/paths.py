"""Where things lie: the ledger in the working folder, keys and the lock store outside it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_config_path, user_data_path, user_state_path

APP = "compliance"


@dataclass(frozen=True, slots=True)
class LedgerPlaces:
    """The places a ledger needs. Only `path` may be copied to others; the rest stays with its owner."""

    origin: str  # the log's name, signed into every checkpoint
    path: Path  # the DuckDB file
    keys: Path  # folder of the signing key
    lock_store: Path  # folder of the newest checkpoint: what shows a rolled-back file
    keystore: Path  # file with the keys of personal content
    anchors: Path  # folder of what is remembered of the anchors
    segments: Path  # folder of sealed months; those that were dropped from the file are read from it
    attachments: Path  # folder of the documents that manual evidence rests on, each named by its digest


def ledger_places(
    path: Path,
    origin: str,
    *,
    keys: Path | None = None,
    lock_store: Path | None = None,
    keystore: Path | None = None,
    segments: Path | None = None,
    attachments: Path | None = None,
) -> LedgerPlaces:
    """Places for the ledger at `path`; those not given are per log below the user's own folders.

    The folder name is a digest of the origin: one log, one key, one lock store (C2SP: a key belongs to one log).
    """
    name = hashlib.sha256(origin.encode()).hexdigest()[:16]
    return LedgerPlaces(
        origin=origin,
        path=path,
        keys=keys or user_config_path(APP) / "keys" / name,
        lock_store=lock_store or user_state_path(APP) / "locks" / name,
        keystore=keystore or user_data_path(APP) / "subjects" / f"{name}.sqlite",
        anchors=user_state_path(APP) / "anchors" / name,
        segments=segments or path.with_name("compliance-segments"),
        attachments=attachments or path.with_name("compliance-attachments"),
    )
