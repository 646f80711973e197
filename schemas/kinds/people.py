"""Registers of people, what they promised and learnt, their roles, and the reviews of their accounts."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from compliance.schemas.evidence import Instant, State, always, column


class PersonStatus(StrEnum):
    """Where a person stands with the organisation."""

    EXPECTED = "expected"  # signed, work has not begun
    ACTIVE = "active"
    ON_LEAVE = "on_leave"
    LEFT = "left"


class Person(State):
    """Somebody who works for the organisation, employed or contracted, or did. The staff register. A system of human
    resources could tell it."""

    kind: ClassVar[str] = "person"
    key: ClassVar[tuple[str, ...]] = ("person",)
    subject_column: ClassVar[str | None] = "person"
    kept: ClassVar[bool] = True

    person: str = always(
        "The organisation's own identifier of the person; accounts name it as `person`.", personal=True
    )
    name: str | None = column("Full name.", personal=True)
    email: str | None = column("Work e-mail address.", personal=True)
    status: PersonStatus | None = column("expected, active, on_leave or left.")
    is_contractor: bool | None = column("Contracted, or sent by an outside company; FALSE for employees.")
    starts_at: Instant | None = column("When the work begins.")
    ends_at: Instant | None = column(
        "Moment the work ends, also a future one; empty while none is known. A day without a time is its first moment: "
        "write the day after the last day of work."
    )
    job: str | None = column("Present job or position.", personal=True)
    job_changed_at: Instant | None = column("When the person took that job; empty when it is the first one here.")
    is_developer: bool | None = column("Writes, reviews or configures software as part of the job.")
    manager: str | None = column("Person who leads this one, by the same identifier.", personal=True)


class CommitmentKind(StrEnum):
    """What a person signed."""

    CONFIDENTIALITY = "confidentiality"
    POLICY_ACKNOWLEDGEMENT = "policy_acknowledgement"


class PersonCommitment(State):
    """A person signed something: to keep secrets, or to have read and accepted the policies."""

    kind: ClassVar[str] = "person_commitment"
    key: ClassVar[tuple[str, ...]] = ("commitment",)
    subject_column: ClassVar[str | None] = "person"
    kept: ClassVar[bool] = True

    commitment: str = always("Number of it in the register.")
    person: str | None = column("Who signed, by the identifier of the staff register.", personal=True)
    commitment_kind: CommitmentKind | None = column("confidentiality or policy_acknowledgement.")
    signed_at: Instant | None = column("When it was signed.")
    outlives_work: bool | None = column("It goes on to bind after the work has ended.")
    document: str | None = column("Document and version that was signed.")


class TrainingRecord(State):
    """A person took a course. A training platform could tell it."""

    kind: ClassVar[str] = "training_record"
    key: ClassVar[tuple[str, ...]] = ("training",)
    subject_column: ClassVar[str | None] = "person"
    kept: ClassVar[bool] = True

    training: str = always("Number of the record in the register.")
    person: str | None = column("Who took it, by the identifier of the staff register.", personal=True)
    course: str | None = column("security, privacy, secure_coding, incident_response, or the organisation's own word.")
    completed_at: Instant | None = column("When it was completed.")
    passed: bool | None = column("The test at its end was passed; TRUE also where the course has none.")


class RoleAssignment(State):
    """A function of security, privacy or response is somebody's."""

    kind: ClassVar[str] = "role_assignment"
    key: ClassVar[tuple[str, ...]] = ("assignment",)
    subject_column: ClassVar[str | None] = "person"
    kept: ClassVar[bool] = True

    assignment: str = always("Number of the assignment in the register.")
    function: str | None = column(
        "security_officer, dpo, mx_data_department, incident_commander, isms_owner, pci_owner, or the organisation's own word."
    )
    person: str | None = column("Who holds it, by the identifier of the staff register.", personal=True)
    department: str | None = column("Department that holds it, where a department does.")
    assigned_at: Instant | None = column("From when on.")
    ends_at: Instant | None = column("Until when; empty while no end is set.")
    document: str | None = column("Where the appointment is written down.")


class ReviewScope(StrEnum):
    """Which accounts of a system a campaign reviews."""

    ALL = "all"
    PRIVILEGED = "privileged"
    SERVICE = "service"


class AccessReviewCampaign(State):
    """One review of the accounts of one system and their rights, from the frozen list to the signed result."""

    kind: ClassVar[str] = "access_review_campaign"
    key: ClassVar[tuple[str, ...]] = ("campaign",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    campaign: str = always("Number or name of the campaign.")
    account_source: str | None = column("Source whose accounts are reviewed, as the configuration names it.")
    scope: ReviewScope | None = column("all, privileged or service: which accounts are reviewed.")
    owner: str | None = column("Who runs it, by the identifier of the staff register.", personal=True)
    opened_at: Instant | None = column("When it was opened.")
    due_at: Instant | None = column("When it must be closed.")
    closed_at: Instant | None = column("When it was closed; empty while it runs.")
    population_taken_at: Instant | None = column("When the list of accounts and rights was frozen.")
    population_query: str | None = column("How the list was drawn from the system.")
    population_count: int | None = column("Lines of the frozen list: one per account and right.")
    population_sha256: str | None = column("SHA-256 of the frozen list, hexadecimal.")
    signed_off_by: str | None = column(
        "Who acknowledged the result for management, by the identifier of the staff register.", personal=True
    )
    signed_off_at: Instant | None = column("When it was acknowledged.")
    report_sha256: str | None = column("SHA-256 of the signed report, hexadecimal.")


class ReviewDecision(StrEnum):
    """What a reviewer decides about a right."""

    KEEP = "keep"
    CHANGE = "change"
    REVOKE = "revoke"


class AccessReviewItem(State):
    """One account and one of its rights in one campaign, and what was decided. A correction is a new item."""

    kind: ClassVar[str] = "access_review_item"
    key: ClassVar[tuple[str, ...]] = ("campaign", "item")
    subject_column: ClassVar[str | None] = "account"
    kept: ClassVar[bool] = True

    campaign: str = always("Campaign it belongs to.")
    item: str = always("Number of the item in the campaign.")
    account: str | None = column("Account as the system knows it.", personal=True)
    role: str | None = column("Role, group or right as the system knows it; '*' for the account with all its rights.")
    scope: str | None = column("Where the right holds, as the system knows it; '*' for everywhere.")
    person: str | None = column(
        "Person the account belongs to, by the identifier of the staff register.", personal=True
    )
    reviewer: str | None = column("Who decided, by the identifier of the staff register.", personal=True)
    decision: ReviewDecision | None = column("keep, change or revoke; empty while undecided.")
    decided_at: Instant | None = column("When it was decided.")
    justification: str | None = column("Why.", personal=True)
    remediated_at: Instant | None = column("When the right was changed or removed, as the register says.")
    remediation_ref: str | None = column("Ticket or change of the removal.")
