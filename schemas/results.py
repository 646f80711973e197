"""What an evaluation found, in one shape for reports, gates and the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from compliance.schemas.catalogue import Control, Framework, PlannedControl, Requirement, Severity, Text
from compliance.schemas.kinds.engine import Outcome

if TYPE_CHECKING:
    from compliance.schemas.period import PeriodView


class UnknownReason(StrEnum):
    """Why a verdict could not be reached."""

    ERROR = "error"  # a needed collection failed, or the control itself broke an assertion
    NO_EVIDENCE = "no_evidence"  # nothing configured answers for a needed kind, or the population is empty
    STALE = "stale"  # the newest complete collection is too old
    UNREADABLE = "unreadable"  # a resource's row lacks what decides
    OVERDUE = "overdue"  # manual evidence is missing or past its date
    NO_COLLECTOR = "no_collector"  # planned: no collector of ours reads it yet


class Completeness(StrEnum):
    """How much of the needed evidence was there."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Coverage:
    """One source × kind: what was expected of it and what was had."""

    source: str
    collector: str
    kind: str
    outcome: str  # complete, a Gap cause, or "never"
    message: str | None = None
    remedy: str | None = None
    attempted_at: datetime | None = None
    completed_at: datetime | None = None  # newest complete collection at the moment judged
    entry: int | None = None  # collection entry of the newest attempt
    complete_entry: int | None = None  # collection entry of the newest complete one
    base_entry: int | None = None  # collection that holds the full set
    rows: int | None = None
    previous_rows: int | None = None
    independent_count: int | None = None
    added: int | None = None  # rows that were not in the set before
    removed: int | None = None  # rows that are gone since
    attempts: int = 0  # in the newest run
    requests: tuple[Mapping[str, Any], ...] = ()
    snapshot_sha256: str | None = None
    removed_from_configuration: bool = False
    controls: tuple[str, ...] = ()  # controls that read it


@dataclass(frozen=True, slots=True)
class WaiverView:
    """A waiver as it stands at the moment judged."""

    waiver: str
    control: str
    source: str | None
    resource: str | None
    reason: str
    compensating_control: str | None
    requested_by: str
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    expires_at: datetime | None
    state: str  # requested, in_force, expired, revoked, refused
    why_not: str | None  # why it is not in force, when it is not
    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AttestationView:
    """A piece of manual evidence as it stands at the moment judged."""

    attestation: str
    form: str
    control: str | None
    requirements: tuple[str, ...]
    statement: str
    by_person: str
    reviewed_by: str | None
    occurred_at: datetime
    expires_at: datetime
    document_sha256: str | None
    in_date: bool
    entry: int
    resources: tuple[str, ...] = ()  # of its control, as findings name them
    document_bytes: int | None = None  # size of the copy kept beside the ledger; None: none was kept
    of_kind: str | None = None  # kind kept in the register that a return speaks of
    of_source: str | None = None  # source whose register it is; None: every one that the person owns
    entries: int | None = None  # entries that the register holds, as stated


@dataclass(frozen=True, slots=True)
class ApplicabilityView:
    """What the statement of applicability says of one control, as it stands at the moment judged."""

    control: str  # A.5.1 to A.8.34, as the statement writes it
    included: bool | None
    justification: str | None
    implementation: str | None
    version: str | None
    approved_by: str | None
    approved_at: datetime | None
    next_review_at: datetime | None
    source: str
    entry: int
    problem: str | None  # why it does not count: unread, stale, unclear, unjustified, unapproved, versions_mixed,
    # not_yet, overdue

    @property
    def excludes(self) -> bool:
        """It leaves its control out, and counts."""
        return self.included is False and self.problem is None


@dataclass(frozen=True, slots=True)
class Brought:
    """One thing that a person brings for a requirement, and whether it is there."""

    form: str
    state: str  # there, overdue, unreviewed, without_document, missing
    second_person: bool  # it counts only when another person reviewed it
    attestation: str | None = None  # the one that counts, or the newest of this form that does not
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Loosened:
    """A parameter of a direct control that lies outside the framework's bound."""

    control: str
    parameter: str
    said: str  # how it lies outside, in words
    clause: str


@dataclass(frozen=True, slots=True)
class FlagView:
    """A profile flag as declared."""

    flag: str
    value: bool
    declared_by: str
    declared_at: datetime
    in_date: bool  # declarations count for 366 days
    entry: int | None


@dataclass(frozen=True, slots=True)
class FindingResult:
    """The verdict about one resource."""

    number: int
    source: str | None
    resource: str
    verdict: Outcome
    code: str
    reason: str
    entries: tuple[int, ...]
    subject: str | None = None  # alias of the person the row is about
    waiver: str | None = None  # id of the waiver in force
    fingerprint: str = ""  # stable over runs: control, its version, source, resource, code


@dataclass(frozen=True, slots=True)
class ControlResult:
    """The verdict of one control, with what is needed to recompute it."""

    id: str
    title: Text
    severity: Severity
    verdict: Outcome
    unknown_reason: UnknownReason | None
    completeness: Completeness
    reason: str  # why, in a sentence, English
    findings: tuple[FindingResult, ...] = ()
    waived: bool = False  # every failing finding is under a waiver in force
    control: Control | None = None  # None for a planned control
    planned: PlannedControl | None = None
    sha256: str = ""  # digest of YAML and SQL
    sql: str = ""
    yaml: bytes = b""  # the file, as it stands
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    gaps: tuple[Coverage, ...] = ()  # coverage rows that kept it from a pass
    duration_us: int = 0

    @property
    def version(self) -> int:
        """Version of the definition, 0 for a planned control."""
        return self.control.version if self.control else 0

    def count(self, verdict: Outcome) -> int:
        """Findings with this verdict."""
        return sum(1 for finding in self.findings if finding.verdict is verdict)


@dataclass(frozen=True, slots=True)
class RequirementResult:
    """The verdict of one requirement."""

    requirement: Requirement
    group: str
    verdict: Outcome
    code: str  # controls_pass, control_fails, control_unknown, parameter_loosened, manual_missing, manual_overdue,
    # manual_in_date, controls_and_manual, no_control, not_applicable_declared, controls_not_applicable, not_in_force,
    # not_in_questionnaire, excluded_by_statement
    reason: str
    waived: bool = False
    direct: tuple[str, ...] = ()  # control ids
    supporting: tuple[str, ...] = ()
    attestations: tuple[str, ...] = ()
    brought: tuple[Brought, ...] = ()  # one for each form that is needed
    loosened: tuple[Loosened, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameworkResult:
    """All requirements of one framework."""

    framework: Framework
    requirements: tuple[RequirementResult, ...]
    remarks: tuple[str, ...] = ()  # codes: what the reader must know of the profile this was judged by

    def count(self, verdict: Outcome) -> int:
        """Requirements with this verdict."""
        return sum(1 for r in self.requirements if r.verdict is verdict)


@dataclass(frozen=True, slots=True)
class AnchorView:
    """What one place outside the ledger says of it. `state`: ok, empty, unreachable, unreadable, lost (it no longer has
    what was put there), ahead (it knows more entries than the ledger), differs (it knows another history)."""

    name: str
    type: str
    where: str
    state: str
    size: int  # largest size that a copy there names
    agreed: int  # largest size whose root agrees
    at: datetime | None  # when that copy was made, by the anchor's own word
    tail: int  # entries after it
    shared: str | None = None  # why it does not count as outside this machine
    message: str | None = None
    remedy: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What the evaluation rests on, and how far an outsider can check it."""

    origin: str
    size: int  # entries the evaluation could see
    root: str  # hexadecimal, over those entries
    checkpoint: str  # signed note for that size
    vkey: str  # public key in C2SP form
    verified: bool  # everything was recomputed before evaluating
    lock_store: str  # ok, missing
    anchors: tuple[AnchorView, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditResult:
    """One audit: everything a report, a gate or a diff needs."""

    audit: str
    organisation: str
    engine_version: str
    as_of: datetime
    known: str  # then or now
    generated_at: datetime
    ledger: LedgerState
    coverage: tuple[Coverage, ...]
    controls: Mapping[str, ControlResult]  # all of them, planned ones included, by id
    frameworks: tuple[FrameworkResult, ...]
    profile: tuple[FlagView, ...]
    waivers: tuple[WaiverView, ...]
    attestations: tuple[AttestationView, ...]
    applicability: tuple[ApplicabilityView, ...] = ()  # the statement of applicability, row by row
    notes: tuple[str, ...] = ()  # things the reader must know (interrupted collection, unverified tail, …)
    period: PeriodView | None = None  # of an audit over a period; `as_of` is then the last moment judged
    definitions: str = "now"  # then: judged by the controls and parameters of the day
