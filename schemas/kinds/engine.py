"""What the engine itself records: its own runs, results, and what people declare and decide."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from compliance.schemas.evidence import Event, Instant, State, always, column

ENGINE = "engine"  # the source name under which the engine records


class Source(State):
    """A system that the configuration names. What leaves the configuration leaves this set, visibly."""

    kind: ClassVar[str] = "source"
    key: ClassVar[tuple[str, ...]] = ("name",)

    name: str = always("Name under which it is configured.")
    collector: str = always("Collector that reads it.")
    kinds: list[str] = always("Kinds the collector promises to answer for.")
    enabled: bool = always("It is to be collected.")
    environment: str | None = column("Declared environment.")
    owner: str | None = column("Declared owner: a team or role.")
    data_class: str | None = column("Declared class of data.")
    in_pci_scope: bool | None = column("Declared to be in PCI scope.")
    settings_sha256: str | None = column("Digest of its settings, secrets replaced by their references.")


class Collection(Event):
    """One attempt to read one kind from one source. Its rows, when it stores any, follow it directly.

    A state is stored as change: `base` names the collection that holds the full set of this chain, and the rows that
    follow are only what differs since the chain's previous link. A collection that saw nothing new stores no rows.
    """

    kind: ClassVar[str] = "collection"
    key: ClassVar[tuple[str, ...]] = ("run", "of_source", "of_kind", "attempt", "part")

    run: str = always("Run it belongs to.")
    of_source: str = always("Source that was read.")
    of_kind: str = always("Kind that was asked for.")
    collector: str = always("Collector and version.")
    attempt: int = always("1 for the first attempt in this run.")
    part: int = always("0, or the number of the batch for events stored in several.")
    started_at: Instant = always("Start, by our clock.")
    outcome: str = always(
        "complete, or the cause of the gap: denied, unreachable, timeout, rate_limited, absent, disabled, malformed, truncated; partial for a batch of events with more to come."
    )
    message: str | None = column("What happened, when it was not complete.")
    remedy: str | None = column("What would mend it.")
    rows: int | None = column("Rows seen (for a state: the size of the set).")
    independent_count: int | None = column("The source's own count, obtained another way.")
    stored: int = always("Entries that follow this one and belong to it.")
    base: int | None = column(
        "Entry of the collection that holds the full set of this chain; its own number when it is that one."
    )
    previous: int | None = column("Entry of the chain's previous link.")
    snapshot_sha256: str | None = column(
        "Digest of the set without personal content: SHA-256 over `key NUL row LF`, sorted by key."
    )
    cursor: str | None = column("Position reached (events).")
    requests: list[dict[str, Any]] | None = column("What was asked: method, text, digest of the answer.")


class ProfileFlag(State):
    """A declared fact about the organisation that decides what applies to it."""

    kind: ClassVar[str] = "profile_flag"
    key: ClassVar[tuple[str, ...]] = ("flag",)

    flag: str = always(
        "processes_payments, education_records, eu_subjects, mx_subjects, sharding, pci_stored_data, service_provider_pci, or a framework's own condition."
    )
    value: bool = always("True: it is so.")
    declared_by: str = always("Role or person who declares it.", personal=False)
    declared_at: Instant = always("Day of the declaration.")
    reason: str | None = column("Why.")


class Attestation(Event):
    """A statement or document by a named person: manual evidence. `occurred_at` is the day of the activity."""

    kind: ClassVar[str] = "attestation"
    key: ClassVar[tuple[str, ...]] = ("attestation",)
    subject_column: ClassVar[str | None] = "by_person"

    attestation: str = always("Identifier.")
    form: str = always("document, attestation, contract, external_report, sample, interview, retest or nil_return.")
    control: str | None = column("Control it bears on.")
    requirements: list[str] | None = column("Requirements it bears on, as framework:id.")
    resources: list[str] | None = column("Resources it speaks of, each as the control's findings name it.")
    statement: str = always("What is stated.")
    by_person: str = always("Who states it.", personal=True)
    reviewed_by: str | None = column("Second person who reviewed it.", personal=True)
    expires_at: Instant = always("From when on it no longer counts.")
    document_sha256: str | None = column("Digest of the attached document.")
    document_name: str | None = column("Its file name.")
    document_bytes: int | None = column("Size of the copy that was kept beside the ledger; NULL when none was kept.")
    revokes: str | None = column("Attestation that this one takes back.")
    of_kind: str | None = column("Kind kept in the register that a return speaks of.")
    of_source: str | None = column("Source whose register it is; NULL: every one that the person owns.")
    entries: int | None = column("Entries that the register holds, as stated; 0 is a nil return.")


class Waiver(Event):
    """One step in the life of a waiver: requested, approved, or revoked. `occurred_at` is the time of the step."""

    kind: ClassVar[str] = "waiver"
    key: ClassVar[tuple[str, ...]] = ("waiver", "step")
    subject_column: ClassVar[str | None] = "by_person"

    waiver: str = always("Identifier, the same in every step.")
    step: str = always("request, approve or revoke.")
    by_person: str = always("Who took the step.", personal=True)
    control: str | None = column("Control whose failing finding is accepted (request).")
    of_source: str | None = column("Source it is limited to (request).")
    resource: str | None = column(
        "Resource it is limited to, exactly as the finding names it (request).", personal=True
    )
    reason: str | None = column("Why it is accepted.", personal=True)
    compensating_control: str | None = column("What protects meanwhile.")
    expires_at: Instant | None = column("Last moment it holds (request).")
    by_alias: str | None = column(
        "Random alias of the person, so that two steps by one person can be seen after erasure."
    )


class LedgerCheck(State):
    """The engine's own check of its ledger before it evaluates."""

    kind: ClassVar[str] = "ledger_check"
    key: ClassVar[tuple[str, ...]] = ("ledger",)

    ledger: str = always("Origin of the ledger.")
    checked_at: Instant = always("When.")
    from_seq: int = always("First entry recomputed.")
    to_seq: int = always("Last entry recomputed.")
    chain_ok: bool = always("Every line, leaf, tile, root and signature agreed.")
    write_locked: bool | None = column("Nobody but the engine's account may write the file.")
    delete_denied: bool | None = column("A removal inside the file was tried on a copy and found by verification.")
    readers_outside: int | None = column("Accounts other than the engine's that may read or write the file.")
    lock_store_ok: bool | None = column("The lock store outside the file agrees.")
    anchored_at: Instant | None = column(
        "Newest anchor outside this machine that agrees; NULL when none is configured."
    )
    signing_key_mode_ok: bool | None = column("The private key is readable by its owner only.")


class Outcome(StrEnum):
    """The verdict of a resource, control or requirement."""

    PASS = "pass"  # noqa: S105 -- a verdict, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


class Audit(Event):
    """One evaluation of frameworks at a moment."""

    kind: ClassVar[str] = "audit"
    key: ClassVar[tuple[str, ...]] = ("audit",)

    audit: str = always("Identifier.")
    frameworks: list[str] = always("Frameworks evaluated.")
    as_of: Instant = always("Moment judged; over a period, the last one.")
    period_start: Instant | None = column("First moment of the period, for an audit over one.")
    period_end: Instant | None = column("Its last moment as asked for; after `as_of` while it went on.")
    known: str = always("then: only what was recorded by that moment; now: everything recorded so far.")
    ledger_size: int = always("Entries the evaluation rests on.")
    ledger_root: str = always("Root over them, hexadecimal.")
    engine_version: str = always("Version of the engine.")
    time_zone: str | None = column(
        "Time zone whose local days terms of law were counted in; NULL before that was recorded."
    )
    profile: dict[str, Any] | None = column("Flags in force and their dates.")
    counts: dict[str, Any] | None = column("Controls by verdict.")
    reports: list[dict[str, Any]] | None = column("Files written: name, SHA-256.")


class ControlDefinition(Event):
    """The definition of a control under which verdicts were given: recorded once for each digest, by the first audit
    that uses it, so that they can be given again when the definition at hand is another."""

    kind: ClassVar[str] = "control_definition"
    key: ClassVar[tuple[str, ...]] = ("control", "sha256")

    control: str = always("Control.")
    version: int = always("Its version.")
    sha256: str = always("SHA-256 over the bytes of `yaml`, a NUL and those of `sql`, hexadecimal.")
    yaml: str = always("The YAML file, as it stands.")
    sql: str = always("The SQL file, as it stands.")


class SampleDraw(Event):
    """A sample drawn from a frozen population by a seed that the auditor names. The draw can be repeated elsewhere: the
    members in the order of SHA-256 over seed, NUL, source, NUL and resource; the first `size` of them are the sample."""

    kind: ClassVar[str] = "sample_draw"
    key: ClassVar[tuple[str, ...]] = ("sample",)
    subject_column: ClassVar[str | None] = "by_person"

    sample: str = always("Identifier.")
    audit: str = always("Audit whose population it is.")
    control: str = always("Control whose population it is.")
    population: int = always("Members of the population.")
    population_sha256: str = always("SHA-256 over `source NUL resource LF` of every member, sorted by bytes.")
    seed: str = always("The auditor's seed.")
    size: int = always("Members drawn.")
    items: list[int] = always("Numbers of the findings of audit and control that were drawn, in the order drawn.")
    items_sha256: str = always("SHA-256 over `source NUL resource LF` of the members drawn, in that order.")
    by_person: str = always("Who drew it.", personal=True)


class ControlVerdict(Event):
    """The verdict of one control in one audit, with all that is needed to recompute it."""

    kind: ClassVar[str] = "control_verdict"
    key: ClassVar[tuple[str, ...]] = ("audit", "control")

    audit: str = always("Audit.")
    control: str = always("Control.")
    control_version: int = always("Its version.")
    control_sha256: str = always("Digest of its YAML and SQL.")
    verdict: Outcome = always("pass, fail, unknown or not_applicable.")
    unknown_reason: str | None = column("error, no_evidence, stale, unreadable or overdue.")
    completeness: str = always("complete, partial or none.")
    waived: bool = always("Every failing finding is under a waiver in force.")
    reason: str = always("Why, in a sentence without personal content.")
    parameters: dict[str, Any] | None = column("Parameters in force.")
    counts: dict[str, Any] | None = column("Findings by verdict.")
    duration_us: int | None = column("Time the query took.")
    period: dict[str, Any] | None = column(
        "Over a period: rule, occurrences, exceptions, gaps, population with its digest."
    )
    definitions: str | None = column("`then`: judged by the definition of that day, not by the one at hand.")


class Finding(Event):
    """The verdict about one resource in one audit."""

    kind: ClassVar[str] = "finding"
    key: ClassVar[tuple[str, ...]] = ("audit", "control", "number")
    subject_column: ClassVar[str | None] = None  # takes the alias of the entry it rests on

    audit: str = always("Audit.")
    control: str = always("Control.")
    number: int = always("Number of the finding within control and audit, in the order of resources.")
    of_source: str | None = column("Source of the resource.")
    resource: str = always("The resource.", personal=True)
    verdict: Outcome = always("pass, fail, unknown or not_applicable.")
    code: str = always("Reason code.")
    reason: str = always("Reason.", personal=True)
    rests_on: list[int] = always("Entries it rests on.")
    waiver: str | None = column("Waiver in force, for a failing finding.")


class Genesis(Event):
    """Entry 0 of every ledger: what it is, in which format, and under which key. `occurred_at` is its creation."""

    kind: ClassVar[str] = "genesis"
    key: ClassVar[tuple[str, ...]] = ("origin",)

    origin: str = always("Name of the ledger, as it stands in every checkpoint.")
    format: int = always("Version of the ledger format (schemas/ledger.md).")
    leaf: str = always("Form of leaf and tree: rfc6962-sha256-chained.")
    vkey: str = always("First public key, as name+id+key (C2SP signed note).")
    random: str = always("32 random bytes, hexadecimal: no two ledgers have the same root.")
    engine_version: str | None = column("Version of the engine that created it.")


class ClockStep(Event):
    """The writer's clock went back. Entries keep the last time recorded until the clock has passed it again."""

    kind: ClassVar[str] = "clock_step"
    key: ClassVar[tuple[str, ...]] = ("occurred_at",)

    clock_at: Instant = always("What the clock says now; `occurred_at` is what it, or the last entry, said before.")
    back_us: int = always("How far it went back, in microseconds.")


class KeyEvent(Event):
    """A change of the ledger's signing key (rotate: both keys sign; replace: the old one is lost), the erasure of a subject's key, or a new lock store."""

    kind: ClassVar[str] = "key_event"
    key: ClassVar[tuple[str, ...]] = ("event",)
    subject_column: ClassVar[str | None] = "by_person"

    event: str = always("Identifier.")
    action: str = always("rotate, replace, erase_subject or adopt_lock_store.")
    key_name: str | None = column("Name and id of the key (vkey) or alias of the subject.")
    old_key_name: str | None = column("Key it replaces.")
    reason: str | None = column("Why.")
    by_person: str | None = column("Who ordered it.", personal=True)


class SegmentEvent(Event):
    """A closed month was sealed as a segment outside the ledger file, or its entries left the file (ledger.md §14)."""

    kind: ClassVar[str] = "segment_event"
    key: ClassVar[tuple[str, ...]] = ("event",)
    subject_column: ClassVar[str | None] = "by_person"

    event: str = always("Identifier.")
    action: str = always("seal: the segment was written and verified; drop: its entries leave the ledger file.")
    month: str = always("The month, as 2026-11.")
    lo: int = always("Number of its first entry.")
    hi: int = always("Number of the entry after its last.")
    manifest_sha256: str = always("SHA-256 of its manifest.json, hexadecimal.")
    locked_copy: str | None = column("Where a copy lies that nobody can delete, and until when.")
    reason: str | None = column("Why, when a person ordered it.")
    by_person: str | None = column("Who ordered it.", personal=True)
