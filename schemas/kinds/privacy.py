"""Registers of the privacy desk: requests, erasures, blocked records, breaches, processing, transfers."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from compliance.schemas.evidence import Instant, State, always, column


class RequestRegime(StrEnum):
    """The law somebody relies on in a request about their data."""

    GDPR = "gdpr"
    ARCO = "arco"  # LFPDPPP: access, rectification, cancellation, objection
    FERPA = "ferpa"
    OTHER = "other"  # another law or rule, or none: a reset of a credential


class RightKind(StrEnum):
    """What somebody asks for."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"  # GDPR article 17
    CANCELLATION = "cancellation"  # LFPDPPP: block, then delete
    OBJECTION = "objection"
    RESTRICTION = "restriction"
    PORTABILITY = "portability"
    AUTOMATED_DECISION = "automated_decision"
    INSPECT = "inspect"  # FERPA: see an education record
    AMEND = "amend"  # FERPA: correct an education record
    CREDENTIAL_RESET = "credential_reset"


class RequestOutcome(StrEnum):
    """How a request ended."""

    GRANTED = "granted"
    PARTLY_GRANTED = "partly_granted"
    REFUSED = "refused"
    NO_DATA_HELD = "no_data_held"
    WITHDRAWN = "withdrawn"  # by the person
    NOT_COMPLETED = "not_completed"  # what was missing was asked for and never came


class CaseStatus(StrEnum):
    """Whether work on a case still goes on."""

    OPEN = "open"
    CLOSED = "closed"


class DataRequest(State):
    """A request by somebody about their own data, or to have a credential reset. One line for each request and law."""

    kind: ClassVar[str] = "data_request"
    key: ClassVar[tuple[str, ...]] = ("request",)
    subject_column: ClassVar[str | None] = "person"
    kept: ClassVar[bool] = True

    request: str = always("Number of the request; a request under two laws has two lines with two numbers.")
    regime: RequestRegime | None = column("Law it is made under: gdpr, arco (LFPDPPP), ferpa, or other.")
    right_kind: RightKind | None = column(
        "What is asked for: access, rectification, erasure, cancellation, objection, restriction, portability, "
        "automated_decision, inspect, amend or credential_reset."
    )
    person: str | None = column(
        "Whose data it is about: the organisation's own identifier of that person, not the name.", personal=True
    )
    channel: str | None = column("How it came in (web form, e-mail, letter, in person).")
    status: CaseStatus | None = column("open while anything is still to be done, closed after that.")
    received_at: Instant | None = column("When it arrived, with time and zone.")
    acknowledged_at: Instant | None = column("When the person was given a receipt that shows the date of arrival.")
    information_asked_at: Instant | None = column(
        "When the person was asked, the one time that is allowed, for what was missing; empty when nothing was missing."
    )
    information_given_at: Instant | None = column("When the person gave what was missing.")
    identity_verified_at: Instant | None = column(
        "When it was made sure that the requester is that person or may act for them."
    )
    identity_method: str | None = column("How that was made sure (signed in, official document, power of attorney).")
    extension_notified_at: Instant | None = column("When the person was told that the answer will take longer.")
    extension_reason: str | None = column("The reasons for it that the person was told.")
    answered_at: Instant | None = column("When the decision was told to the person.")
    outcome: RequestOutcome | None = column(
        "granted, partly_granted, refused, no_data_held, withdrawn or not_completed; empty while it is undecided."
    )
    refusal_ground: str | None = column("Legal ground of a refusal, also of a partial one, as told to the person.")
    remedy_told: bool | None = column(
        "The answer told which remedies there are: complaint to the authority, court, or hearing."
    )
    execution_extension_notified_at: Instant | None = column(
        "When the person was told that carrying out the decision will take longer."
    )
    execution_extension_reason: str | None = column("The reasons for that which the person was told.")
    executed_at: Instant | None = column(
        "When the decision was carried out: data handed over, corrected, blocked, erased, use stopped, credential reset."
    )
    detail: dict[str, Any] | None = column("What only this register says.")


class ErasureAction(StrEnum):
    """What is done to the data of a person in one system."""

    CORRECT = "correct"
    ERASE = "erase"
    BLOCK = "block"
    ANONYMISE = "anonymise"


class ErasurePlace(StrEnum):
    """Where the copy lies."""

    LIVE = "live"
    DERIVED = "derived"  # search index, cache, error tracker, analytics, export
    LOG = "log"
    BACKUP = "backup"
    PROCESSOR = "processor"  # a system of somebody who works for us


class JobStatus(StrEnum):
    """How far a job has come."""

    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    NOT_NEEDED = "not_needed"  # looked, and the system holds nothing of that person


class ErasureJob(State):
    """The correction or deletion of one person's data in one system, because of a request. One line for every system
    that holds, or could hold, the data: backups and processors too."""

    kind: ClassVar[str] = "erasure_job"
    key: ClassVar[tuple[str, ...]] = ("request", "system")
    subject_column: ClassVar[str | None] = "executed_by"
    kept: ClassVar[bool] = True

    request: str = always("Number of the request, as in data_request.")
    system: str = always("System, store or processor, as in inventory_store where it is one.")
    place: ErasurePlace | None = column("Sort of copy: live, derived, log, backup or processor.")
    action: ErasureAction | None = column("What is to be done: correct, erase, block or anonymise.")
    status: JobStatus | None = column("planned, running, done, failed, or not_needed when it holds nothing of them.")
    due_at: Instant | None = column("When it has to be done.")
    executed_at: Instant | None = column("When it was done.")
    executed_by: str | None = column("Who, or which program, did it.", personal=True)
    verified_at: Instant | None = column("When somebody looked whether the data is really gone or right.")
    verified_by: str | None = column("Who looked; not the one who did it.", personal=True)
    on_restore_list: bool | None = column(
        "For backup: the person is on the list of erasures that is carried out again after every restore."
    )
    backup_gone_at: Instant | None = column("For backup: when the last backup that still holds the data runs out.")
    data_was_shared: bool | None = column("The data in this system had been passed on to others.")
    recipients_told_at: Instant | None = column("When those others were told of the correction or deletion.")
    recipients_not_told_reason: str | None = column("Why telling them is impossible or out of all proportion.")
    hold_reference: str | None = column("Reference of the legal hold that stops it; empty when there is none.")
    detail: dict[str, Any] | None = column("What only this register says.")


class BlockedRecord(State):
    """Data of a person that is blocked under the Mexican law: kept apart for liability only, until its term ends."""

    kind: ClassVar[str] = "blocked_record"
    key: ClassVar[tuple[str, ...]] = ("block",)
    subject_column: ClassVar[str | None] = "person"
    kept: ClassVar[bool] = True

    block: str = always("Number of the blocking.")
    person: str | None = column(
        "Whose data is blocked: the organisation's own identifier, not the name.", personal=True
    )
    request: str | None = column("Number of the cancellation request; empty when the purpose had simply ended.")
    reason: str | None = column("Why it was blocked (cancellation, purpose ended).")
    store: str | None = column("Where it is kept apart.")
    access_restricted: bool | None = column("No application and no ordinary user can reach it there.")
    blocked_at: Instant | None = column("When it was blocked.")
    expires_at: Instant | None = column("When the block ends, worked out when it began.")
    limitation_basis: str | None = column("The limitation period that gives the end: law and article.")
    period_told_at: Instant | None = column("When the person was told how long the block lasts.")
    processed_while_blocked: int | None = column(
        "How often it was used for anything but liability while blocked; 0 when the log of reads shows none."
    )
    suppressed_at: Instant | None = column("When it was deleted after the block.")
    person_told_at: Instant | None = column("When the person was told of the deletion.")
    hold_reference: str | None = column("Reference of the legal hold that keeps it longer; empty when there is none.")
    detail: dict[str, Any] | None = column("What only this register says.")


class BreachRole(StrEnum):
    """On whose behalf the data was processed that a breach hit."""

    CONTROLLER = "controller"
    PROCESSOR = "processor"


class BreachRisk(StrEnum):
    """Risk of a breach for the rights of people, as assessed."""

    UNLIKELY = "unlikely"
    RISK = "risk"
    HIGH = "high"


class Breach(State):
    """A breach of personal data, whether or not anybody must be told. One line for each role, where both are held."""

    kind: ClassVar[str] = "breach"
    key: ClassVar[tuple[str, ...]] = ("breach",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    breach: str = always("Number of the breach.")
    incident: str | None = column("Number of the incident it comes from, as in incident.")
    role: BreachRole | None = column("controller or processor of the data that was hit.")
    laws: list[str] | None = column("Laws it falls under: gdpr, lfpdppp, ferpa.")
    status: CaseStatus | None = column("open or closed.")
    owner: str | None = column("Who answers for the case.", personal=True)
    occurred_at: Instant | None = column("When it happened, as far as known.")
    aware_at: Instant | None = column("When the organisation had reasonable certainty that personal data was hit.")
    confirmed_at: Instant | None = column("When it was confirmed.")
    registered_at: Instant | None = column("When this line was first written.")
    risk: BreachRisk | None = column("Risk to people under the GDPR: unlikely, risk or high.")
    significant_mx: bool | None = column(
        "It significantly affects property or moral rights of people (LFPDPPP article 19)."
    )
    people_affected: int | None = column("How many people, as far as known.")
    data_categories: str | None = column("Which sorts of data.")
    authority_notified_at: Instant | None = column("When the supervisory authority was notified first.")
    authority_content_complete: bool | None = column(
        "What the authority was told, all in all, has everything required."
    )
    delay_reason: str | None = column("Reasons for a notification after the term, as told to the authority.")
    controller_notified_at: Instant | None = column("When the controller was told; only where the role is processor.")
    people_notified_at: Instant | None = column("When the people affected were told; the last of them where in turns.")
    people_content_complete: bool | None = column("What they were told has everything required.")
    people_not_told_reason: str | None = column(
        "Why they need not be told under the GDPR (data unreadable, risk removed, public notice instead)."
    )
    facts: str | None = column("What happened. No names of people.")
    effects: str | None = column("What it led to. No names of people.")
    remedial_action: str | None = column("What was done about it.")
    cause_analysis: str | None = column("What the review found to be the cause.")
    measures_updated_at: Instant | None = column("When security measures were changed, or found fit, because of it.")
    detail: dict[str, Any] | None = column("What only this register says.")


class ProcessingRole(StrEnum):
    """In which role data is processed."""

    CONTROLLER = "controller"
    PROCESSOR = "processor"


class RopaEntry(State):
    """One activity in the record of processing. Write "none" where there is none; empty means not filled in."""

    kind: ClassVar[str] = "ropa_entry"
    key: ClassVar[tuple[str, ...]] = ("activity",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    activity: str = always("Number or short name of the activity.")
    role: ProcessingRole | None = column("controller, or processor for somebody else.")
    is_active: bool | None = column("Still done.")
    owner: str | None = column("Who answers for the activity.", personal=True)
    contact: str | None = column("Whom to write to: the organisation, its representative, its data-protection officer.")
    on_behalf_of: str | None = column("For a processor: the controllers it works for, or the group of them.")
    purposes: str | None = column("For a controller: purposes of the processing.")
    subject_categories: str | None = column("For a controller: groups of people.")
    data_categories: str | None = column("For a controller: sorts of data.")
    recipients: str | None = column("For a controller: groups of recipients.")
    processing_categories: str | None = column("For a processor: sorts of processing done for each controller.")
    third_countries: str | None = column("Transfers to other countries, with the safeguards; or none.")
    retention: str | None = column("For a controller: time limits for erasure.")
    security_measures: str | None = column("Security measures, in general words.")
    legal_basis: str | None = column("Legal basis.")
    started_at: Instant | None = column("When the processing began.")
    reviewed_at: Instant | None = column("When the entry was last checked against what is really done.")
    reviewed_by: str | None = column("Who checked it.", personal=True)
    detail: dict[str, Any] | None = column("What only this register says.")


class Dpia(State):
    """The screening of one processing activity for high risk, and its impact assessment where it needs one."""

    kind: ClassVar[str] = "dpia"
    key: ClassVar[tuple[str, ...]] = ("activity",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    activity: str = always("Activity, as in ropa_entry.")
    owner: str | None = column("Who answers for the assessment.", personal=True)
    screened_at: Instant | None = column("When it was decided whether an assessment is needed.")
    needs_dpia: bool | None = column("The screening found that one is needed.")
    screening_reason: str | None = column("Why it is, or is not, needed.")
    processing_started_at: Instant | None = column("When the processing began, or is to begin.")
    approved_at: Instant | None = column("When the assessment was approved.")
    approved_by: str | None = column("Who approved it.", personal=True)
    officer_advice: str | None = column("Advice of the data-protection officer, or where it is written.")
    officer_advised_at: Instant | None = column("When that advice was given.")
    missing_parts: int | None = column(
        "How many required parts are missing: description, need and proportion, risks, measures; 0 when none."
    )
    residual_risk_high: bool | None = column("A high risk remains after the measures.")
    authority_consulted_at: Instant | None = column("When the authority was consulted because of that.")
    next_review_at: Instant | None = column("When it has to be reviewed again.")
    detail: dict[str, Any] | None = column("What only this register says.")


class TransferRegime(StrEnum):
    """The law a transfer is judged under."""

    GDPR = "gdpr"
    LFPDPPP = "lfpdppp"


class Transfer(State):
    """Personal data that goes to another country or to a third party, under one law."""

    kind: ClassVar[str] = "transfer"
    key: ClassVar[tuple[str, ...]] = ("transfer", "regime")
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    transfer: str = always("Number or short name of the transfer.")
    regime: TransferRegime = always("Law: gdpr or lfpdppp; one line for each that applies.")
    is_active: bool | None = column("Still done.")
    recipient: str | None = column("Who receives the data.")
    destination: str | None = column("Country of the recipient.")
    owner: str | None = column("Who answers for it.", personal=True)
    mechanism: str | None = column(
        "What allows it. gdpr: adequacy, standard_clauses, binding_rules, code_of_conduct, certification, "
        "public_instrument, approved_clauses, derogation. lfpdppp: consent, law_or_treaty, medical, group_company, "
        "contract_in_their_interest, public_interest, judicial_right, legal_relation."
    )
    evidence_ref: str | None = column("Where that is written: contract, decision, record of consent.")
    notice_clause: str | None = column("Clause of the privacy notice that tells of it, with the notice's version.")
    mechanism_expires_at: Instant | None = column("When what allows it ends; empty when it has no end.")
    started_at: Instant | None = column("When the transfer began.")
    reviewed_at: Instant | None = column("When it was last checked.")
    detail: dict[str, Any] | None = column("What only this register says.")
