"""What the ledger holds, for people who look."""

from __future__ import annotations

from datetime import UTC
from typing import Any, NoReturn

import orjson

from compliance.app import evidence, workspace
from compliance.app.config import Config
from compliance.app.where import nearest
from compliance.app.workspace import Say
from compliance.schemas.errors import ConfigError, EvidenceError
from compliance.schemas.evidence import Event, Evidence, all_kinds, kind_named
from compliance.schemas.kinds import engine
from compliance.schemas.kinds.engine import ENGINE


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


def kind_called(name: str) -> type[Evidence]:
    """The kind of that name. Raises ConfigError for an unknown one, with the nearest."""
    try:
        return kind_named(name)
    except EvidenceError as error:
        raise ConfigError(error.message, remedy=error.remedy) from error


def rows(config: Config, kind: str, source: str | None, say: Say) -> list[dict[str, Any]]:
    """The newest rows of one kind as objects, each with its entry number. What could not be read the last time is
    said, never left out in silence.

    Raises:
        ConfigError: an unknown kind or source, or one that was never read.
    """
    cls = kind_called(kind)
    with workspace.opened(config, say, must_exist=True) as opened:
        ledger = opened.ledger
        newest = {c.of_source: c for c in ledger.collections() if c.of_kind == kind and source in (None, c.of_source)}
        for name, last in newest.items():
            if last.outcome != "complete":
                say(f"{name}: the newest attempt ended {last.outcome} ({last.message}); older rows are shown")
        complete = evidence.newest_states(ledger.collections(), opened.clock(), kind)
        answered = [item for item in complete if source in (None, item.of_source)]
        if not answered and not _written_by_engine(kind, source):
            _never_read(config, kind, source)
        if issubclass(cls, Event):
            found = [ledger.events(kind, source=source)]
        else:
            found = [ledger.state(item.seq) for item in answered]
        return [
            {
                "entry": row["entry"],
                "source": row["source"],
                "observed_at": row["observed_at"].replace(tzinfo=UTC) if row["observed_at"] else None,
                **orjson.loads(row["record"]),
            }
            for table in found
            for row in table.to_pylist()
        ]


def _written_by_engine(kind: str, source: str | None) -> bool:
    """Decisions, results and the ledger's own events: written when they happen, so that none is an answer too."""
    return (
        source in (None, ENGINE)
        and kind_named(kind).__module__ == engine.__name__
        and issubclass(kind_named(kind), Event)
    )


def _never_read(config: Config, kind: str, source: str | None) -> NoReturn:
    known = {item.name for item in config.sources}
    if source is not None and source not in known:
        raise ConfigError(
            f"no source is called {source!r}{nearest(source, known)}", remedy="`compliance sources list` shows them"
        )
    of = f" of source {source}" if source else ""
    raise ConfigError(f"the ledger holds no complete collection of {kind}{of}", remedy="compliance collect")


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
