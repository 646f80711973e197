"""`compliance anchor`: write now, show age and state, list every copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from compliance.anchors import head
from compliance.app import anchoring, outside, workspace
from compliance.app.anchoring import Memory, Pushed
from compliance.app.config import Config
from compliance.app.workspace import Say
from compliance.schemas.errors import ConfigError, SourceError
from compliance.schemas.results import AnchorView

ALONE = f"anchors: {outside.ALONE}"


class Copy(NamedTuple):
    """One copy."""

    anchor: str
    size: int
    root: str
    at: datetime | None
    where: str


class Missed(NamedTuple):
    """Something in an anchor, or the whole of it, that could not be read."""

    anchor: str
    where: str
    cause: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Status:
    """One anchor as it stands, and the last attempt to write to it."""

    view: AnchorView
    memory: Memory

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        last = {key: value for key, value in asdict(self.memory).items() if key not in ("where", "root")}
        return {**asdict(self.view), "last": last}

    def cells(self) -> tuple[object, ...]:
        """For a table."""
        view, memory = self.view, self.memory
        failed = f"not written {memory.attempts} times: {memory.message}" if memory.attempts else None
        said = "; ".join(filter(None, (view.message, failed, view.shared, *view.remarks)))
        at = f"{view.at:%Y-%m-%d %H:%M}" if view.at else None
        remedy = view.remedy or (memory.remedy if memory.attempts else None)
        return (
            view.name, view.type, view.state, view.size, at, view.tail, "no" if view.shared else "yes", said, remedy,
        )  # fmt: skip


def push(config: Config, say: Say) -> tuple[Pushed, ...]:
    """Write the newest checkpoint to every anchor.

    Raises:
        ConfigError: none is configured.
        LedgerError: there is no ledger, or it cannot be opened.
    """
    if not config.anchors:
        raise ConfigError("no anchors are configured", remedy="add [anchors.NAME] to compliance.toml: docs/anchors.md")
    with workspace.opened(config, say, must_exist=True) as opened:
        work = anchoring.due(config, opened.places, opened.ledger, opened.clock(), force=True)
        places = opened.places
    return anchoring.write(places, work, workspace.now())


def status(config: Config, say: Say) -> list[Status]:
    """Every anchor against the open ledger. Raises LedgerError."""
    items = anchoring.configured(config, workspace.places(config))
    readings = outside.read(items)
    with workspace.opened(config, say, must_exist=True) as opened:
        seen = outside.glance(readings, opened.ledger.size, opened.ledger.root_at)
        found = outside.views(readings, seen, opened.ledger.size, opened.places.path)
    return [Status(view, item.memory) for view, item in zip(found, items, strict=True)]


def exit_code(states: Sequence[str]) -> int:
    """4 when an anchor contradicts, 3 when one could not be checked, else 0."""
    if any(state in ("ahead", "differs") for state in states):
        return 4
    return 0 if all(state == "ok" for state in states) else 3


def any_configured(config: Config) -> bool:
    """Whether there is an anchor at all."""
    return bool(config.anchors)


def copies(config: Config) -> tuple[list[Copy], list[Missed]]:
    """Every copy in every anchor, by size, and what could not be read."""
    found: list[Copy] = []
    missed: list[Missed] = []
    for item in outside.read(anchoring.configured(config, workspace.places(config))):
        if item.held is None:
            error = item.error
            cause = error.cause if isinstance(error, SourceError) else "config"
            missed.append(Missed(item.name, item.where, cause, str(error), (error.remedy if error else "") or ""))
            continue
        for kept in item.held.kept:
            said = head(kept.note)
            found.append(Copy(item.name, said.size, said.root.hex(), kept.at, kept.where))
        missed += [Missed(item.name, bad.where, bad.cause, bad.message, bad.remedy) for bad in item.held.unread]
    return sorted(found, key=lambda copy: (copy.size, copy.anchor)), missed
