"""Registers of policies, risks, audits and their findings, certificates, measures and keys."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from compliance.schemas.evidence import Instant, State, always, column
from compliance.schemas.kinds.scans import FindingSeverity


class TargetedRiskAnalysis(State):
    """Why a control is done as often as it is, where a requirement leaves the frequency to the organisation."""

    kind: ClassVar[str] = "targeted_risk_analysis"
    key: ClassVar[tuple[str, ...]] = ("analysis",)
    subject_column: ClassVar[str | None] = "approved_by"
    kept: ClassVar[bool] = True

    analysis: str = always("Number of the analysis in the register.")
    requirement: str | None = column("Requirement of PCI DSS it is for, as 7.2.5.1.")
    frequency_days: int | None = column("Most days between two occurrences that it comes to.")
    approved_by: str | None = column("Who approved it, by the identifier of the staff register.", personal=True)
    approved_at: Instant | None = column("When it was approved.")
    reviewed_at: Instant | None = column("When it was last reviewed; the first time it was written counts.")
    document: str | None = column("Where it is written down.")


class PolicyDocument(State):
    """A policy, plan or procedure that people follow. One row per document in its newest approved version."""

    kind: ClassVar[str] = "policy_document"
    key: ClassVar[tuple[str, ...]] = ("document",)
    subject_column: ClassVar[str | None] = "approved_by"
    kept: ClassVar[bool] = True

    document: str = always("Number or short name of the document.")
    document_kind: str | None = column(
        "information_security, access_control, cryptography, backup, incident_playbook, continuity, change_management, "
        "vulnerability, logging_and_retention, privacy, supplier, acceptable_use, secure_development, or the "
        "organisation's own word."
    )
    title: str | None = column("Title.")
    version: str | None = column("Version in force.")
    owner: str | None = column("Who keeps it up to date, by the identifier of the staff register.", personal=True)
    approved_by: str | None = column(
        "Who approved that version, by the identifier of the staff register.", personal=True
    )
    approved_at: Instant | None = column("When that version was approved, or approved again unchanged.")
    published_at: Instant | None = column("When it was made known to those it binds.")
    next_review_at: Instant | None = column("When it must be reviewed next.")
    withdrawn_at: Instant | None = column("When it stopped being in force; empty while it is.")
    covers: list[str] | None = column(
        "Subjects it deals with: monitoring_alerts, personal_data, card_data, impact_analysis, or own words."
    )
    sha256: str | None = column("SHA-256 of the approved file, hexadecimal.")


class ContinuityExercise(State):
    """The plan to keep or restore the service was tried out."""

    kind: ClassVar[str] = "continuity_exercise"
    key: ClassVar[tuple[str, ...]] = ("exercise",)
    subject_column: ClassVar[str | None] = "led_by"
    kept: ClassVar[bool] = True

    exercise: str = always("Number of the exercise.")
    exercise_kind: str | None = column("tabletop, technical, full, or the organisation's own word.")
    plan: str | None = column("Document that was exercised, by its number among the policy documents.")
    held_at: Instant | None = column("When it was held; a future date for one that is planned.")
    passed: bool | None = column("Its goals were met.")
    report_ref: str | None = column("Where the report is.")
    led_by: str | None = column("Who led it, by the identifier of the staff register.", personal=True)


class RiskTreatment(StrEnum):
    """What is done about a risk."""

    MITIGATE = "mitigate"
    TRANSFER = "transfer"
    AVOID = "avoid"
    ACCEPT = "accept"


class RiskStatus(StrEnum):
    """Where the treatment of a risk stands."""

    OPEN = "open"  # its treatment is not done
    TREATED = "treated"  # done; what remains is watched
    ACCEPTED = "accepted"
    CLOSED = "closed"  # it exists no more


class Risk(State):
    """A risk and what is done about it: the risk register."""

    kind: ClassVar[str] = "risk"
    key: ClassVar[tuple[str, ...]] = ("risk",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    risk: str = always("Number of the risk.")
    title: str | None = column("The risk in a sentence.")
    owner: str | None = column("Who answers for it, by the identifier of the staff register.", personal=True)
    status: RiskStatus | None = column("open, treated, accepted or closed.")
    level: str | None = column("Level that remains, in the organisation's own scale.")
    identified_at: Instant | None = column("When it was first written down.")
    reviewed_at: Instant | None = column("When it was last assessed.")
    treatment: RiskTreatment | None = column("mitigate, transfer, avoid or accept.")
    plan: str | None = column("What is to be done, or where that is written.")
    due_at: Instant | None = column("When the treatment must be done, as first agreed.")
    extended_to: Instant | None = column("Later date that was approved; empty when none was.")
    extension_approved_at: Instant | None = column("When the later date was approved.")
    extension_approved_by: str | None = column(
        "Who approved it, by the identifier of the staff register.", personal=True
    )
    accepted_at: Instant | None = column("When it was accepted.")
    accepted_by: str | None = column("Who accepted it, by the identifier of the staff register.", personal=True)


class IsmsDocument(State):
    """A document that a management system for information security must have."""

    kind: ClassVar[str] = "isms_document"
    key: ClassVar[tuple[str, ...]] = ("document",)
    subject_column: ClassVar[str | None] = "approved_by"
    kept: ClassVar[bool] = True

    document: str = always("Number or short name of the document.")
    document_kind: str | None = column(
        "scope, context, interested_parties, objectives, statement_of_applicability, or the organisation's own word."
    )
    version: str | None = column("Version in force.")
    approved_by: str | None = column(
        "Who approved that version, by the identifier of the staff register.", personal=True
    )
    approved_at: Instant | None = column("When that version was approved.")
    next_review_at: Instant | None = column("When it must be reviewed next.")
    withdrawn_at: Instant | None = column("When it stopped being in force; empty while it is.")
    answers_climate: bool | None = column("Of the context: it says whether climate change is a relevant issue.")
    sha256: str | None = column("SHA-256 of the approved file, hexadecimal.")


class SoaEntry(State):
    """One control of ISO/IEC 27001 Annex A in the organisation's statement of applicability."""

    kind: ClassVar[str] = "soa_entry"
    key: ClassVar[tuple[str, ...]] = ("control",)
    subject_column: ClassVar[str | None] = "approved_by"
    kept: ClassVar[bool] = True

    control: str = always("Control of Annex A: A.5.1 to A.8.34.")
    is_included: bool | None = column("It applies to the organisation.")
    justification: str | None = column("Why it is included, or why it is excluded.")
    implementation: str | None = column("How far it is in place, in the organisation's own words.")
    version: str | None = column("Version of the statement that says so.")
    approved_by: str | None = column(
        "Who approved that version, by the identifier of the staff register.", personal=True
    )
    approved_at: Instant | None = column("When that version was approved; an approval counts for 366 days.")
    next_review_at: Instant | None = column("When it must be reviewed next, if sooner.")


class Objective(State):
    """A goal of information security, and when it was last measured."""

    kind: ClassVar[str] = "objective"
    key: ClassVar[tuple[str, ...]] = ("objective",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    objective: str = always("Number or short name of the objective.")
    title: str | None = column("What is to be reached.")
    metric: str | None = column("How it is measured.")
    target: str | None = column("Value to be reached.")
    owner: str | None = column("Who answers for it, by the identifier of the staff register.", personal=True)
    set_at: Instant | None = column("When it was set.")
    ended_at: Instant | None = column("When it was reached or given up; empty while it is pursued.")
    measured_at: Instant | None = column("When it was last measured.")
    result: str | None = column("What was measured.")


class ManagementReview(State):
    """Top management reviewed the management system."""

    kind: ClassVar[str] = "management_review"
    key: ClassVar[tuple[str, ...]] = ("review",)
    subject_column: ClassVar[str | None] = "chaired_by"
    kept: ClassVar[bool] = True

    review: str = always("Number of the review.")
    held_at: Instant | None = column("When it was held; a future date for one that is planned.")
    chaired_by: str | None = column(
        "Who of top management led it, by the identifier of the staff register.", personal=True
    )
    inputs_complete: bool | None = column("Everything that must be looked at was.")
    decisions_recorded: bool | None = column("What was decided is written down.")
    minutes_ref: str | None = column("Where the minutes are.")


class CertificateKind(StrEnum):
    """What an outside body certifies or reports."""

    SOC2_TYPE2 = "soc2_type2"
    ISO27001_2022 = "iso27001_2022"
    PCI_SAQ = "pci_saq"
    PCI_ROC = "pci_roc"


class Certificate(State):
    """A certificate, report or validation of the organisation as a whole, by an outside body or before one."""

    kind: ClassVar[str] = "certificate"
    key: ClassVar[tuple[str, ...]] = ("certificate",)
    kept: ClassVar[bool] = True

    certificate: str = always("Number of the certificate or report.")
    certificate_kind: CertificateKind | None = column("soc2_type2, iso27001_2022, pci_saq or pci_roc.")
    issuer: str | None = column("Body that issued it; for a self-assessment whom it was given to.")
    scope: str | None = column("What it speaks of.")
    period_start: Instant | None = column("Start of the period it covers (reports over a period).")
    period_end: Instant | None = column("End of that period: its last day.")
    issued_at: Instant | None = column("When it was issued or signed.")
    expires_at: Instant | None = column("When it stops being valid.")
    last_audit_at: Instant | None = column(
        "When the issuer last audited for it: certification, surveillance or recertification."
    )
    is_qualified: bool | None = column("The opinion is qualified, adverse or disclaimed (reports over a period).")
    withdrawn_at: Instant | None = column("When it was withdrawn or suspended; empty while it stands.")
    sha256: str | None = column("SHA-256 of the file, hexadecimal.")


class AuditEngagement(State):
    """An audit or assessment of the organisation, inside or outside."""

    kind: ClassVar[str] = "audit_engagement"
    key: ClassVar[tuple[str, ...]] = ("engagement",)
    kept: ClassVar[bool] = True

    engagement: str = always("Number of the engagement; findings name it.")
    engagement_kind: str | None = column(
        "internal_audit, security_audit, ferpa_review, or the organisation's own word."
    )
    scope: str | None = column("What was audited.")
    covers_isms: bool | None = column("The whole management system for information security is in its scope.")
    is_independent: bool | None = column("Nobody in it audited own work.")
    firm: str | None = column("Firm or department that did it.")
    started_at: Instant | None = column("When it began.")
    report_at: Instant | None = column("Date of its report; empty while there is none.")
    report_ref: str | None = column("Where the report is.")
    findings: int | None = column("How many findings the report has; 0 when none.")


class FindingStatus(StrEnum):
    """Where a finding of an audit stands."""

    OPEN = "open"
    CLOSED = "closed"


class AuditFinding(State):
    """Something an audit, test or assessment found, until it is mended. (`finding` is a verdict of this engine.)"""

    kind: ClassVar[str] = "audit_finding"
    key: ClassVar[tuple[str, ...]] = ("audit_finding",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    audit_finding: str = always("Number of the finding.")
    engagement: str | None = column("Engagement that found it, by its number.")
    origin: str | None = column(
        "Where it comes from: soc2, iso27001, pci_dss, internal_audit, security_audit, ferpa_review, pentest, control, "
        "or the organisation's own word."
    )
    title: str | None = column("The finding in a sentence.")
    severity: FindingSeverity | None = column("critical, high, medium or low.")
    owner: str | None = column("Who must mend it, by the identifier of the staff register.", personal=True)
    status: FindingStatus | None = column("open or closed.")
    opened_at: Instant | None = column("When it was found.")
    due_at: Instant | None = column("When it must be closed, as first agreed.")
    extended_to: Instant | None = column("Later date that was approved; empty when none was.")
    extension_approved_at: Instant | None = column("When the later date was approved.")
    extension_approved_by: str | None = column(
        "Who approved it, by the identifier of the staff register.", personal=True
    )
    closed_at: Instant | None = column("When it was closed; empty while it is open.")
    closed_by: str | None = column(
        "Who found that it is mended, by the identifier of the staff register.", personal=True
    )


class ControlFailure(State):
    """A security control stopped working: a firewall, a log, a scanner. Monitoring could tell when it was noticed."""

    kind: ClassVar[str] = "control_failure"
    key: ClassVar[tuple[str, ...]] = ("failure",)
    subject_column: ClassVar[str | None] = "handled_by"
    kept: ClassVar[bool] = True

    failure: str = always("Number of the failure.")
    control_system: str | None = column(
        "What failed: firewall, waf, intrusion_detection, file_integrity, anti_malware, access_control, audit_log, "
        "log_review, segmentation, scanning, or the organisation's own word."
    )
    is_over: bool | None = column("The control works again.")
    started_at: Instant | None = column("When it stopped working.")
    detected_at: Instant | None = column("When that was noticed.")
    alerted_at: Instant | None = column("When somebody who can act was alerted.")
    ended_at: Instant | None = column("When it worked again; empty while it does not.")
    cause: str | None = column("Why it failed.")
    cause_recorded_at: Instant | None = column("When the cause was written down.")
    remedy: str | None = column("What was done, also so that it does not happen again.")
    remedy_recorded_at: Instant | None = column("When that was written down.")
    handled_by: str | None = column("Who dealt with it, by the identifier of the staff register.", personal=True)


class MeasureRegister(State):
    """One issue of the list of security measures for personal data: those in place, what is missing, and the plan."""

    kind: ClassVar[str] = "measure_register"
    key: ClassVar[tuple[str, ...]] = ("issue",)
    subject_column: ClassVar[str | None] = "approved_by"
    kept: ClassVar[bool] = True

    issue: str = always("Number of the issue.")
    issued_at: Instant | None = column("When it was drawn up.")
    measures_total: int | None = column("Measures that are needed.")
    measures_in_place: int | None = column("Those of them that are in place.")
    gaps: int | None = column("Those of them that are missing or partial.")
    gaps_with_plan: int | None = column("Gaps for which the plan says who closes them and when.")
    sensitive_data: bool | None = column("The processing it covers includes sensitive data.")
    last_change_at: Instant | None = column(
        "Newest event that calls for a new issue, as known today: measures or processing changed, or a breach happened."
    )
    approved_by: str | None = column("Who approved it, by the identifier of the staff register.", personal=True)
    approved_at: Instant | None = column("When it was approved.")


class CryptoKey(State):
    """A key for encryption or signing that is kept for production. A key manager could tell it."""

    kind: ClassVar[str] = "crypto_key"
    key: ClassVar[tuple[str, ...]] = ("key_manager", "crypto_key")
    kept: ClassVar[bool] = True

    key_manager: str = always("Key manager or place that holds it; 'none' for a key outside any.")
    crypto_key: str = always("Identifier of the key, never the key.")
    purpose: str | None = column("What it encrypts or signs.")
    environment: str | None = column("Environment it is used in (production, staging, …).")
    algorithm: str | None = column("Algorithm and size (AES-256, RSA-3072, Ed25519).")
    in_key_manager: bool | None = column("A key manager or hardware module holds it, not a file or a setting.")
    is_exportable: bool | None = column("The key itself can be taken out.")
    custodians: int | None = column("People who can use or administer it.")
    created_at: Instant | None = column("When it was made.")
    rotated_at: Instant | None = column("When it was last replaced; the day it was made when never.")
    rotation_days: int | None = column("Most days between two replacements, as decided for this key.")
    retired_at: Instant | None = column("From when on it is used for nothing new; empty while it is in use.")
    detail: dict[str, Any] | None = column("What only this key manager says.")
