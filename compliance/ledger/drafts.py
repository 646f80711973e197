"""Drafts: what others ask to be recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from compliance.ledger.keystore import KeyStore
from compliance.ledger.line import Personal, Row, check_source, owner, split
from compliance.schemas import canonical
from compliance.schemas.canonical import instant
from compliance.schemas.errors import EvidenceError
from compliance.schemas.evidence import Evidence, kind_named


@dataclass(frozen=True, slots=True)
class Draft:
    """One entry to be. `alias` names an existing subject that its personal columns are about, where the kind has no
    column for that. Rows of a collection are recorded with their collection, never as drafts."""

    kind: str
    record: Evidence | Mapping[str, Any]
    source: str = "engine"
    observed_at: datetime | None = None
    alias: str | None = None


def draft_row(draft: Draft, keystore: KeyStore) -> Row:
    """The entry of a draft. Raises EvidenceError when it does not fit its kind."""
    kind = kind_named(draft.kind)
    row = validated(kind, draft.record).row()
    source = check_source(draft.source)
    parts = split(kind, source, row, keystore, named=draft.alias is not None)
    personal = None
    if parts.values is not None:
        personal = Personal(owner(kind, source, row, keystore, draft.alias), parts.values)
    observed = instant(draft.observed_at) if draft.observed_at else None
    record = canonical.encode(parts.record).decode()
    return Row(draft.kind, source, None, parts.key, False, observed, personal, record)


def validated(kind: type[Evidence], record: Evidence | Mapping[str, Any]) -> Evidence:
    """The record as an instance of its kind. The error names columns, never their values: they may be personal."""
    if isinstance(record, Evidence):
        if type(record) is not kind:
            raise EvidenceError(f"a {record.kind} was given as {kind.kind}")
        return record
    try:
        return kind.model_validate(dict(record))
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in details)
        raise EvidenceError(f"a record does not fit {kind.kind}: {wrong}") from None
