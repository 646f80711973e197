"""What an audit over a period found, per control: when it held, when not, what was not seen, and of how many.

Times are aware UTC. A period runs from its first moment to its last one, both included; days are days of UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import Completeness, UnknownReason


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time through which a control had one verdict. `reason` is that of its beginning."""

    start: datetime
    end: datetime  # the beginning of the next one, or the last moment judged
    verdict: Outcome
    unknown_reason: UnknownReason | None
    completeness: Completeness
    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which one kind of one source was not completely read though a control needed it."""

    source: str  # empty when no configured source answers for the kind
    kind: str
    start: datetime  # the last complete reading before, or when it was first due
    end: datetime  # the next complete reading, or the last moment judged
    cause: str  # not_begun, stopped (nothing was tried), failed, nobody (no source answers), removed (taken out of
    # the configuration and put back later)
    attempts: Mapping[str, int]  # outcome → attempts that failed meanwhile
    entries: tuple[int, ...] = ()  # of those attempts, the first 20

    @property
    def lasted(self) -> timedelta:
        """From the last complete reading to the next."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Exceptional:
    """A time in which one resource failed one control."""

    number: int
    source: str | None
    resource: str
    subject: str | None  # alias of the person the row is about
    code: str
    reason: str
    entries: tuple[int, ...]  # what it rests on, when first seen
    start: datetime  # first seen failing
    not_before: datetime | None  # last seen otherwise; None: it failed already at the first look
    end: datetime | None  # first seen otherwise; None: it fails at the last look
    ended: str  # mended, undecided (it could no longer be told, or its source was taken out of the configuration),
    # gone (the resource is no more), open,
    # redefined (another definition judged from then on)
    waiver: str | None = None  # in force through all of it

    def lasted(self, until: datetime) -> timedelta:
        """From when it was first seen to when it was first seen otherwise, or to `until`."""
        return (self.end or until) - self.start


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the period (a day, a week, …) that the rule wants something of and did not get."""

    start: datetime
    end: datetime
    state: str  # fails: it was looked, and did not hold; unseen: nothing complete and fresh tells


@dataclass(frozen=True, slots=True)
class Occurrences:
    """What the period rule expects and what was observed."""

    unit: str  # day, week, month, quarter, half, year, window
    expected: int
    needed: int  # how many of them the rule wants
    observed: int  # looked at, on complete and fresh evidence
    conforming: int  # observed, and it held
    missing: tuple[Block, ...]
    longest_gap: timedelta | None = None  # between conforming looks, the edges of the period included
    gap_allowed: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Population:
    """Everything that was judged at any time in the period. `opening + added - removed = closing`; a resource that
    goes and comes back counts each time."""

    opening: int
    added: int
    removed: int
    closing: int
    members: int  # different resources in all
    sha256: str  # over `source NUL resource LF` of every member, sorted by bytes

    @property
    def adds_up(self) -> bool:
        """The roll-forward holds."""
        return self.opening + self.added - self.removed == self.closing


@dataclass(frozen=True, slots=True)
class DefinitionOfDay:
    """A definition under which a control was judged, and from when on."""

    since: datetime
    version: int
    sha256: str
    parameters: Mapping[str, Any]
    audit: str | None  # that recorded it; None for the definition at hand


@dataclass(frozen=True, slots=True)
class ControlPeriod:
    """One control over the period."""

    control: str
    rule: str
    verdict: Outcome
    unknown_reason: UnknownReason | None
    completeness: Completeness
    reason: str
    timeline: tuple[Stretch, ...] = ()
    exceptions: tuple[Exceptional, ...] = ()
    gaps: tuple[Gap, ...] = ()
    occurrences: Occurrences | None = None
    population: Population | None = None
    definitions: tuple[DefinitionOfDay, ...] = ()  # more than one: it changed inside the period
    evaluations: int = 0  # moments at which its query ran; between them nothing it reads changed


@dataclass(frozen=True, slots=True)
class PeriodView:
    """An audit over a period."""

    start: datetime
    end: datetime  # as asked for
    until: datetime  # the last moment judged: `end`, or now while the period goes on
    definitions: str  # now, or then: of the day
    moments: int  # at which anything was recorded, or a day ended
    first_evidence: datetime | None  # first collection recorded at all
    controls: Mapping[str, ControlPeriod] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()

    @property
    def over(self) -> bool:
        """The period has ended."""
        return self.until >= self.end
