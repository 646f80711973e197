"""The ledger of the demonstration, open under a clock that the story sets.

Sources are not read: what they would have answered is written, through the interface that collecting uses. The
verdicts that follow are the engine's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from compliance.app.config import load
from compliance.app.workspace import Workspace, places_of
from compliance.ledger import CollectionFields, Ledger
from compliance.schemas.evidence import Event, all_kinds
from compliance.schemas.kinds.engine import ENGINE
from compliance.schemas.messages import Record

ORIGIN = "colegio-norte.example/evidence/demo-year"
Rows = Sequence[Mapping[str, Any]]
Pair = tuple[str, str]  # source and kind


@dataclass
class Story:
    """An open ledger and what time it is in it."""

    workspace: Workspace
    _now: list[datetime]
    _run: int = 0

    @property
    def now(self) -> datetime:
        """What time it is."""
        return self._now[0]

    def go_to(self, moment: datetime) -> None:
        """Let time pass; what is written from now on is one run. Raises ValueError for a moment that is over."""
        if moment < self.now:
            raise ValueError(f"it is {self.now:%Y-%m-%d %H:%M} already: {moment:%Y-%m-%d %H:%M} is over")
        self._now[0] = moment
        self._run += 1

    def declare(self, sources: Mapping[str, Mapping[str, Any]]) -> None:
        """Record which sources are configured, and what each promises to answer for."""
        rows = [{"name": name, "enabled": True, **given} for name, given in sources.items()]
        self.read({(ENGINE, "source"): rows})

    def read(self, answers: Mapping[Pair, Rows]) -> None:
        """Record complete answers of one run, by source and kind: whole sets of states, and new events."""
        states = []
        for (source, kind), rows in answers.items():
            records = [Record(all_kinds()[kind](**row), observed_at=row.get("occurred_at")) for row in rows]
            fields = self._fields(source, kind)
            if issubclass(all_kinds()[kind], Event):
                self.workspace.ledger.record_events(fields, records, str(self.workspace.ledger.size), final=True)
            else:
                states.append((fields, records))
        if states:
            self.workspace.ledger.record_states(states)

    def fail(self, source: str, kind: str) -> None:
        """Record an attempt that got no answer."""
        said = {"outcome": "unreachable", "message": "connection refused", "remedy": "start the server"}
        self.workspace.ledger.record_gap(self._fields(source, kind, **said))

    def _fields(self, source: str, kind: str, **more: Any) -> CollectionFields:
        return CollectionFields(f"demo-{self._run:04d}", source, kind, "demo_year 1", 1, self.now, **more)


@contextmanager
def story(folder: Path, begin: datetime) -> Iterator[Story]:
    """The ledger that `compliance.toml` in `folder` names, new, at the moment `begin`."""
    config = load(folder / "compliance.toml")
    places = places_of(config, config.resolve(config.ledger.path), ORIGIN)
    now = [begin]
    with Ledger.open(
        places.path,
        origin=ORIGIN,
        keys=places.keys,
        lock_store=places.lock_store,
        keystore=places.keystore,
        segments=places.segments,
        clock=lambda: now[0],
        wait_s=0.0,
    ) as ledger:
        yield Story(Workspace(config, places, ledger, lambda: now[0]), now)
