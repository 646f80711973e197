"""What the ledger holds, for people who look."""

from __future__ import annotations

from typing import Any

import orjson

from compliance.app import evidence, workspace
from compliance.app.config import Config
from compliance.app.workspace import Say
from compliance.schemas.errors import ConfigError
from compliance.schemas.evidence import Event, all_kinds, kind_named


def kinds(config: Config, say: Say) -> list[dict[str, Any]]:
    """Every kind with the sources that answered for it, rows now, and the newest complete collection."""
    held: dict[str, dict[str, tuple[int | None, str]]] = {}
    if workspace.places(config).path.exists():
        with workspace.opened(config, say, must_exist=True) as opened:
            for item in opened.ledger.collections():
                if item.outcome == "complete":
                    held.setdefault(item.of_kind, {})[item.of_source] = (item.rows, f"{item.at:%Y-%m-%dT%H:%M:%SZ}")
    return [
        {
            "kind": name,
            "shape": "event" if issubclass(cls, Event) else "state",
            "sources": sorted(held.get(name, {})),
            "rows": sum(rows or 0 for rows, _ in held.get(name, {}).values()) if name in held else None,
            "completed_at": max((at for _, at in held[name].values()), default=None) if name in held else None,
            "summary": (cls.__doc__ or "").partition("\n")[0],
        }
        for name, cls in all_kinds().items()
    ]


def rows(config: Config, kind: str, source: str | None, say: Say) -> list[dict[str, Any]]:
    """The newest rows of one kind as objects, each with its entry number. Raises ConfigError when none was read."""
    cls = kind_named(kind)
    with workspace.opened(config, say, must_exist=True) as opened:
        ledger = opened.ledger
        if issubclass(cls, Event):
            found = [ledger.events(kind, source=source)]
        else:
            newest = evidence.newest_states(ledger.collections(), opened.clock(), kind)
            found = [ledger.state(item.seq) for item in newest if source in (None, item.of_source)]
        if not found:
            raise ConfigError(f"the ledger holds no complete collection of {kind}", remedy="compliance collect")
        return [
            {
                "entry": row["entry"],
                "source": row["source"],
                "observed_at": row["observed_at"],
                **orjson.loads(row["record"]),
            }
            for table in found
            for row in table.to_pylist()
        ]


def entry(config: Config, number: int, say: Say) -> dict[str, Any]:
    """One entry with its line to the letter. Raises ConfigError when the ledger has fewer entries."""
    with workspace.opened(config, say, must_exist=True) as opened:
        ledger = opened.ledger
        if number >= ledger.size:
            raise ConfigError(
                f"the ledger has {ledger.size} entries, numbered from 0", remedy="compliance ledger status"
            )
        found = ledger.entry(number)
        return {
            "entry": number,
            "line": found.line,
            "leaf_sha256": ledger.leaf(number).hex(),
            "record": found.record,
            "checkpoint": ledger.checkpoint,
        }
