"""A ledger filled day by day through the public interface, at times a test chooses, and audits of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from compliance.app import audit, integrity, period, verdicts
from compliance.app.config import Config, load
from compliance.app.workspace import Workspace, places_of
from compliance.controls import catalogue as catalogues
from compliance.controls.catalogue import Catalogue
from compliance.ledger import CollectionFields, Ledger, StoredCollection
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.engine import ENGINE, ProfileFlag, Source
from compliance.schemas.messages import Record
from compliance.schemas.period import ControlPeriod
from compliance.schemas.results import AuditResult

ORIGIN = "example.org/evidence/year"
DAY = timedelta(days=1)


@dataclass
class Year:
    """An open ledger under a clock that a test sets."""

    workspace: Workspace
    now: list[datetime]
    runs: list[int] = field(default_factory=lambda: [0])

    @property
    def ledger(self) -> Ledger:
        return self.workspace.ledger

    def at(self, moment: datetime) -> Year:
        """Go on to a moment."""
        self.now[0] = moment
        return self

    def declare(self, **kinds: Sequence[str]) -> None:
        """The sources that are configured from now on, and what they promise."""
        rows = [Source(name=name, collector="host", kinds=list(some), enabled=True) for name, some in kinds.items()]
        self._state(ENGINE, "source", rows)

    def profile(self, **flags: bool) -> None:
        """The facts that are declared from now on."""
        rows = [
            ProfileFlag(flag=name, value=value, declared_by="ana", declared_at=self.now[0])
            for name, value in flags.items()
        ]
        self._state(ENGINE, "profile_flag", rows)

    def read(self, kind: str, rows: Sequence[Evidence], source: str = "web") -> StoredCollection:
        """A complete reading, now."""
        return self._state(source, kind, rows)

    def read_all(self, rows: Mapping[str, Sequence[Evidence]], source: str = "web") -> None:
        """Complete readings of several states, now, in one transaction."""
        states = [(self._fields(source, kind), [Record(row) for row in some]) for kind, some in rows.items()]
        self.ledger.record_states(states)

    def events(self, kind: str, rows: Sequence[Record], source: str = "web") -> StoredCollection:
        """A complete reading of events, now."""
        return self.ledger.record_events(self._fields(source, kind), rows, str(self.ledger.size), final=True)

    def fail(self, kind: str, outcome: str = "unreachable", source: str = "web") -> None:
        """A reading that did not succeed."""
        fields = self._fields(source, kind, outcome=outcome, message="no", remedy="mend it")
        self.ledger.record_gap(fields)

    def _state(self, source: str, kind: str, rows: Sequence[Evidence]) -> StoredCollection:
        return self.ledger.record_state(self._fields(source, kind), [Record(row) for row in rows])

    def _fields(self, source: str, kind: str, **more: str) -> CollectionFields:
        self.runs[0] += 1
        return CollectionFields(f"r{self.runs[0]}", source, kind, "host 1", 1, self.now[0], **more)  # type: ignore[arg-type]

    def over(self, text: str, catalogue: Catalogue, **more: str | Sequence[str]) -> AuditResult:
        """An audit over a period, now; nothing is recorded."""
        wanted = period.asked(text, **more)
        asks = audit.Wanted(wanted.frameworks, None, wanted.known, collect=False, definitions=wanted.definitions)
        window = period.Window.of_days(wanted.first, wanted.last, self.now[0])
        plan, said = audit.of_day(self.workspace, audit.Plan(asks, catalogue), window.until)
        checked, anchors = integrity.check_ledger(self.workspace)
        closing = audit.evaluate_at(
            self.workspace, plan, window.until, checked, anchors, tuple(said), lambda _: None, window.start
        )
        return period.over(self.workspace, plan, wanted, window, closing, lambda _: None)

    def judge(self, catalogue: Catalogue, **parameters: dict[str, object]) -> AuditResult:
        """An audit of this moment without collecting, recorded as one by the command is."""
        given = {name.replace("__", "."): values for name, values in parameters.items()}
        plan = audit.Plan(audit.Wanted(collect=False), catalogue, given)
        checked, anchors = integrity.check_ledger(self.workspace)
        result = audit.evaluate_at(self.workspace, plan, self.now[0], checked, anchors, (), lambda _: None)
        verdicts.record(self.workspace, result)
        return result

    def control(self, text: str, catalogue: Catalogue, name: str, **more: str) -> ControlPeriod:
        """The same, of one control."""
        view = self.over(text, catalogue, **more).period
        assert view is not None
        return view.controls[name]


def opened(folder: Path, begin: datetime) -> Year:
    """An empty ledger in `folder`, made at `begin`; close `year.ledger` after use."""
    (folder / "compliance.toml").write_text(
        f'[organisation]\nname = "Example School"\n[ledger]\npath = "ledger.duckdb"\nkeys = "{folder}/keys"\n'
        f'lock_store = "{folder}/lock"\nkeystore = "{folder}/subjects/keys.sqlite"\n'
    )
    config: Config = load(folder / "compliance.toml")
    where = places_of(config, folder / "ledger.duckdb", ORIGIN)
    now = [begin]
    ledger = Ledger.open(
        where.path,
        origin=ORIGIN,
        keys=where.keys,
        lock_store=where.lock_store,
        keystore=where.keystore,
        segments=where.segments,
        clock=lambda: now[0],
        wait_s=0.0,
    )
    return Year(Workspace(config, where, ledger, lambda: now[0]), now)


def only(*names: str) -> Catalogue:
    """The catalogue with these controls alone."""
    whole = catalogues.load()
    return Catalogue({name: whole.controls[name] for name in names}, {}, whole.frameworks)


def utc(year: int, month: int, day: int, hour: int = 3, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)
