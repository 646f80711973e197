"""Registers of privacy notices, their delivery, consents, and of the events that a law wants logged.

What was looked for and found (elements) is listed by name: which of them are missing is for a control to say.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from compliance.schemas.evidence import Instant, State, always, column
from compliance.schemas.kinds.vendors import Regime


class ConsentAction(StrEnum):
    """What a person did about a consent."""

    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ConsentForm(StrEnum):
    """How consent was given. GDPR knows only express acts; Mexican law takes tacit consent as its general rule."""

    TACIT = "tacit"
    EXPRESS = "express"
    WRITTEN = "written"


class DataClass(StrEnum):
    """How sensitive the data is that a consent covers."""

    ORDINARY = "ordinary"
    FINANCIAL = "financial"  # or about somebody's assets
    SENSITIVE = "sensitive"  # LFPDPPP article 2, GDPR article 9


class ConsentEvent(State):
    """A person gave, refused or withdrew a consent. The application that asked could tell these."""

    kind: ClassVar[str] = "consent_event"
    key: ClassVar[tuple[str, ...]] = ("event_id",)
    subject_column: ClassVar[str | None] = "subject_ref"
    kept: ClassVar[bool] = True

    event_id: str = always("Number of the entry in its register.")
    consent_id: str | None = column("The consent it is about: a grant and its withdrawal bear the same number.")
    subject_ref: str | None = column("Person it is about, by the organisation's identifier.", personal=True)
    regime: Regime | None = column("gdpr, lfpdppp or ferpa.")
    action: ConsentAction | None = column("granted, refused or withdrawn.")
    acted_at: Instant | None = column("When the person did it: the date of the consent.")
    purpose: str | None = column("Purpose consented to.")
    form: ConsentForm | None = column("tacit, express or written.")
    data_class: DataClass | None = column("Most sensitive data it covers: ordinary, financial or sensitive.")
    is_signed: bool | None = column("Signed, by hand or electronically.")
    is_authenticated: bool | None = column("Whoever gave it was identified and authenticated.")
    records: str | None = column("Education records that may be disclosed (FERPA).")
    recipient: str | None = column("Party or class of parties that may receive them (FERPA).", personal=True)
    notice_id: str | None = column("Privacy notice that was shown.")
    notice_version: str | None = column("Version of that notice.")
    channel: str | None = column("Channel it came by, in short (web, app, paper, telephone).")
    effective_at: Instant | None = column("When the processing that a withdrawal ends had stopped.")


class NoticeModality(StrEnum):
    """Which notice it is."""

    FULL = "full"  # GDPR information; aviso de privacidad integral
    SIMPLIFIED = "simplified"  # aviso de privacidad simplificado
    ANNUAL = "annual"  # yearly notice of rights under FERPA
    DIRECTORY = "directory"  # public notice of directory information under FERPA


class NoticeElement(StrEnum):
    """Something that a notice must tell."""

    CONTROLLER_IDENTITY = "controller_identity"
    CONTROLLER_ADDRESS = "controller_address"
    REPRESENTATIVE = "representative"
    DPO_CONTACT = "dpo_contact"
    PURPOSES = "purposes"
    CONSENT_PURPOSES = "consent_purposes"  # which purposes need consent
    LEGAL_BASIS = "legal_basis"
    LEGITIMATE_INTERESTS = "legitimate_interests"
    DATA_LISTED = "data_listed"
    SENSITIVE_MARKED = "sensitive_marked"
    DATA_SOURCE = "data_source"
    RECIPIENTS = "recipients"
    TRANSFERS = "transfers"
    RETENTION = "retention"
    RIGHTS = "rights"  # GDPR: access, rectification, erasure, restriction, portability
    RIGHT_TO_OBJECT = "right_to_object"
    ARCO_MEANS = "arco_means"
    LIMIT_MEANS = "limit_means"  # options and means to limit use or disclosure
    CONSENT_WITHDRAWAL = "consent_withdrawal"
    COMPLAINT = "complaint"
    NECESSITY = "necessity"  # whether data must be given, and what follows if not
    AUTOMATED_DECISIONS = "automated_decisions"
    CHANGES_TOLD = "changes_told"  # how changes of the notice are made known
    FULL_NOTICE_LOCATION = "full_notice_location"
    RIGHT_TO_INSPECT = "right_to_inspect"  # with its procedure
    RIGHT_TO_AMEND = "right_to_amend"  # with its procedure
    RIGHT_TO_CONSENT = "right_to_consent"
    SCHOOL_OFFICIALS = "school_officials"  # who counts as one, and what is a legitimate interest
    DIRECTORY_TYPES = "directory_types"
    RIGHT_TO_REFUSE = "right_to_refuse"  # directory information, and until when


class PrivacyNotice(State):
    """One version of a privacy notice in one language, as published and read against the law."""

    kind: ClassVar[str] = "privacy_notice"
    key: ClassVar[tuple[str, ...]] = ("notice_id", "version", "language")
    subject_column: ClassVar[str | None] = "reviewed_by"
    kept: ClassVar[bool] = True

    notice_id: str = always("Number or short name of the notice in its register.")
    version: str = always("Version, as printed on it.")
    language: str = always("Language, as a two-letter code (es, en).")
    regime: Regime | None = column("gdpr, lfpdppp or ferpa.")
    modality: NoticeModality | None = column("full, simplified, annual or directory.")
    is_current: bool | None = column("It is the version that people are shown now.")
    published_at: Instant | None = column("When this version was published.")
    url: str | None = column("Where it is published.")
    url_ok: bool | None = column("At its last trial that address showed this version.")
    url_checked_at: Instant | None = column("When that was last tried.")
    elements: list[NoticeElement] | None = column("Elements that were looked for and found, by their names.")
    not_needed: list[NoticeElement] | None = column(
        "Elements that were considered and do not apply here (no transfer is made, say), by their names."
    )
    reviewed_at: Instant | None = column("When its text was last read against the law and the processing.")
    reviewed_by: str | None = column("Who read it.", personal=True)


class NoticeDelivery(State):
    """A person was shown a notice, or was registered without. The application could tell these."""

    kind: ClassVar[str] = "notice_delivery"
    key: ClassVar[tuple[str, ...]] = ("delivery_id",)
    subject_column: ClassVar[str | None] = "subject_ref"
    kept: ClassVar[bool] = True

    delivery_id: str = always("Number of the entry in its register.")
    subject_ref: str | None = column("Person, by the organisation's identifier.", personal=True)
    first_collection_at: Instant | None = column("When data of the person was first collected.")
    was_shown: bool | None = column("A notice was shown; FALSE for somebody registered without.")
    delivered_at: Instant | None = column("When it was shown or sent.")
    notice_id: str | None = column("Notice that was shown, by its name in the register of notices.")
    notice_version: str | None = column("Version of that notice.")


class ComplianceEventType(State):
    """A type of event that the compliance log must record, and its last self-test. The log itself could tell these."""

    kind: ClassVar[str] = "compliance_event_type"
    key: ClassVar[tuple[str, ...]] = ("regime", "event_type", "channel")
    kept: ClassVar[bool] = True

    regime: Regime = always("Law whose proof needs it: gdpr, lfpdppp or ferpa.")
    event_type: str = always("Type of event, by its short name (consent_granted, request_received).")
    channel: str = always("Channel that was tried (web, app, paper); '*' where there is one way only.")
    last_event_at: Instant | None = column("When such an event was last recorded outside a test.")
    last_selftest_at: Instant | None = column("When it was last tried on purpose.")
    logged_in_test: bool | None = column("The trial's event was found in the log.")
