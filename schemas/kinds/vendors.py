"""Registers of vendors and contracts, of disclosures of education records, notices and consent.

People keep these in a table or file of their own; a collector reads the whole of it each time. What was looked for and
found (clauses, elements) is listed by name: which of them are missing is for a control to say, not for the register.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from compliance.schemas.evidence import Instant, State, always, column


class Regime(StrEnum):
    """The law that a row is kept for."""

    GDPR = "gdpr"
    LFPDPPP = "lfpdppp"
    FERPA = "ferpa"


class VendorStatus(StrEnum):
    """Whether a vendor is in use."""

    PLANNED = "planned"  # chosen or under review, nothing is given to it yet
    ACTIVE = "active"
    ENDED = "ended"  # no longer used, and holds nothing of ours


class Vendor(State):
    """An outside company whose service the organisation uses or means to use."""

    kind: ClassVar[str] = "vendor"
    key: ClassVar[tuple[str, ...]] = ("vendor",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    vendor: str = always("Vendor, by the name that contracts and assurance reports use too.")
    service: str | None = column("What it does for the organisation.")
    status: VendorStatus | None = column("planned, active or ended.")
    owner: str | None = column("Who answers for the vendor inside the organisation.", personal=True)
    risk_tier: int | None = column("Risk it was rated with: 1 is the most critical, then 2 and 3.")
    is_hosting: bool | None = column("Hosts production systems, or the premises they stand in.")
    personal_data: bool | None = column("Handles personal data for the organisation.")
    regimes: list[Regime] | None = column("Laws that the personal data it handles falls under: gdpr, lfpdppp, ferpa.")
    account_data: bool | None = column("Handles card data, or can affect its security (payment provider, gateway).")
    contract_id: str | None = column("The contract it works under, by its number in the register of contracts.")
    due_diligence_at: Instant | None = column("When it was assessed before its use.")
    started_at: Instant | None = column("First day of use.")
    ended_at: Instant | None = column("Last day of use, once it has ended.")
    last_review_at: Instant | None = column("When its risk and performance were last reviewed.")


class ContractType(StrEnum):
    """Who the other party is."""

    CUSTOMER = "customer"  # an institution that the organisation serves
    VENDOR = "vendor"  # works for the organisation
    RECIPIENT = "recipient"  # may receive records of an institution (a researcher, another system of it)


class ContractStatus(StrEnum):
    """Where a contract stands."""

    DRAFT = "draft"  # not signed by all parties
    SIGNED = "signed"
    ENDED = "ended"


class Clause(StrEnum):
    """A clause looked for in contracts about personal data, education records or card data."""

    PROCESSING_DESCRIBED = "processing_described"  # subject, duration, nature, purpose, data, people
    DOCUMENTED_INSTRUCTIONS = "documented_instructions"
    PURPOSE_LIMIT = "purpose_limit"  # no use beyond the agreed purpose
    CONFIDENTIALITY = "confidentiality"
    SECURITY = "security"
    SUBPROCESSOR_AUTHORISATION = "subprocessor_authorisation"  # no subcontracting without it
    SUBPROCESSOR_SAME_DUTIES = "subprocessor_same_duties"
    RIGHTS_ASSISTANCE = "rights_assistance"  # helps to answer requests of people
    OBLIGATIONS_ASSISTANCE = "obligations_assistance"  # helps with security, breaches, impact assessments
    DELETION_OR_RETURN = "deletion_or_return"  # at the end
    AUDIT = "audit"  # shows compliance and allows audits
    NO_TRANSFER = "no_transfer"  # passes data to nobody unless told to
    INSTITUTIONAL_SERVICE = "institutional_service"  # does what the institution's own employees would do
    DIRECT_CONTROL = "direct_control"  # the institution controls use and upkeep of the records
    NO_REDISCLOSURE = "no_redisclosure"  # 34 CFR 99.33(a)
    CARD_DATA_RESPONSIBILITY = "card_data_responsibility"  # the provider acknowledges it for the card data it handles


class Contract(State):
    """A contract with a vendor, with an institution served, or with a recipient of records."""

    kind: ClassVar[str] = "contract"
    key: ClassVar[tuple[str, ...]] = ("contract_id",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    contract_id: str = always("Number of the contract in its register.")
    party: str | None = column("The other party, by the name that other registers use too.")
    contract_type: ContractType | None = column("customer, vendor or recipient.")
    owner: str | None = column("Who answers for the contract inside the organisation.", personal=True)
    status: ContractStatus | None = column("draft (not signed by all), signed or ended.")
    signed_at: Instant | None = column("When the last party signed.")
    in_use: bool | None = column("The service under it has begun, signed or not.")
    expires_at: Instant | None = column("Last day on which it holds, where it has an end of its own.")
    is_open_ended: bool | None = column("It has no end of its own and holds until somebody ends it.")
    ended_at: Instant | None = column("When it ended, once it has.")
    regimes: list[Regime] | None = column("Laws under which data moves with it: gdpr, lfpdppp, ferpa.")
    purposes: list[str] | None = column("Purposes agreed, each by the short name that disclosures use.")
    clauses: list[Clause] | None = column("Clauses that were looked for and found, by their names.")
    clauses_checked_at: Instant | None = column("When somebody last looked for them in the signed text.")
    clauses_checked_by: str | None = column("Who looked.", personal=True)
    document_ref: str | None = column("Where the signed text is filed.")


class AssuranceType(StrEnum):
    """What an outside body says of a vendor."""

    SOC2_TYPE1 = "soc2_type1"
    SOC2_TYPE2 = "soc2_type2"
    ISO27001 = "iso27001"
    PCI_AOC = "pci_aoc"  # attestation of compliance with PCI DSS
    OTHER = "other"


class ProviderAssurance(State):
    """A report or certificate of an outside body about a vendor, as received and read."""

    kind: ClassVar[str] = "provider_assurance"
    key: ClassVar[tuple[str, ...]] = ("report_id",)
    subject_column: ClassVar[str | None] = "reviewed_by"
    kept: ClassVar[bool] = True

    report_id: str = always("Number of the report in its register.")
    vendor: str | None = column("Vendor it is about, by its name in the register of vendors.")
    report_type: AssuranceType | None = column("soc2_type1, soc2_type2, iso27001, pci_aoc or other.")
    issued_at: Instant | None = column("Date of the report.")
    valid_until: Instant | None = column(
        "Last day on which it may be relied on: the certificate's end, or the day chosen when it was reviewed."
    )
    covers_service: bool | None = column("The services that the organisation uses lie within its scope.")
    reviewed_at: Instant | None = column("When somebody of the organisation last read it, or its bridge letter.")
    reviewed_by: str | None = column("Who read it.", personal=True)
    is_sufficient: bool | None = column("The reader's conclusion: what it says suffices for the services used.")


class DisclosureBasis(StrEnum):
    """What allows a disclosure of education records."""

    CONSENT = "consent"  # 34 CFR 99.30
    EXCEPTION = "exception"  # 34 CFR 99.31
    NONE = "none"  # made without either: an unauthorised disclosure is recorded too


class ExceptionCode(StrEnum):
    """The paragraph that allows a disclosure without consent."""

    SCHOOL_OFFICIAL = "99.31(a)(1)"
    OTHER_SCHOOL = "99.31(a)(2)"
    AUTHORITIES = "99.31(a)(3)"
    FINANCIAL_AID = "99.31(a)(4)"
    JUVENILE_JUSTICE = "99.31(a)(5)"
    STUDIES = "99.31(a)(6)"
    ACCREDITATION = "99.31(a)(7)"
    DEPENDENT_PARENT = "99.31(a)(8)"
    ORDER = "99.31(a)(9)"
    EMERGENCY = "99.31(a)(10)"
    DIRECTORY = "99.31(a)(11)"
    STUDENT_OR_PARENT = "99.31(a)(12)"
    VICTIM = "99.31(a)(13)"
    DISCIPLINE_RESULT = "99.31(a)(14)"
    ALCOHOL_OR_DRUGS = "99.31(a)(15)"
    SEX_OFFENDER = "99.31(a)(16)"
    NUTRITION = "1232g(b)(1)(K)"
    CHILD_WELFARE = "1232g(b)(1)(L)"


class DisclosureOutcome(StrEnum):
    """What became of a request for education records."""

    PENDING = "pending"
    REFUSED = "refused"
    DISCLOSED = "disclosed"


class DisclosureRecord(State):
    """A request for education records, or a disclosure of them: the record that 34 CFR 99.32 asks for.

    A line stays when the record itself is deleted later, and says when. The application could tell these.
    """

    kind: ClassVar[str] = "disclosure_record"
    key: ClassVar[tuple[str, ...]] = ("disclosure_id",)
    subject_column: ClassVar[str | None] = "student_ref"
    kept: ClassVar[bool] = True

    disclosure_id: str = always("Number of the entry in its register.")
    student_ref: str | None = column("Student whose records they are, by the organisation's identifier.", personal=True)
    records: str | None = column("Which records were asked for or disclosed.")
    outcome: DisclosureOutcome | None = column("pending, refused or disclosed.")
    requested_at: Instant | None = column("When they were asked for.")
    disclosed_at: Instant | None = column("When they were disclosed.")
    requester: str | None = column("Party that asked.", personal=True)
    recipient: str | None = column(
        "Party that received them, by the name the register of contracts uses where there is one.", personal=True
    )
    is_institution: bool | None = column("The recipient is the institution whose records they are.")
    legitimate_interest: str | None = column("The legitimate interest that the party had in them.", personal=True)
    basis: DisclosureBasis | None = column("consent (34 CFR 99.30), exception (99.31) or none.")
    exception_code: ExceptionCode | None = column("Paragraph relied on where the basis is an exception: 99.31(a)(2), …")
    is_sealed: bool | None = column("A court forbade to tell of the order or subpoena obeyed.")
    threat: str | None = column("In a health or safety emergency: the threat that was seen.", personal=True)
    consent_ref: str | None = column("The consent relied on, by its number in the register of consents.")
    within_consent: bool | None = column(
        "Somebody compared them: records, purpose and party are those that the consent names."
    )
    purpose: str | None = column("Purpose for which they were given, by the short name that the contract uses.")
    conditions_told_at: Instant | None = column("When the recipient was told that it may not pass them on.")
    conditions_accepted_at: Instant | None = column("When the recipient accepted those conditions.")
    education_record_exists: bool | None = column("The education record it is about is still kept.")
    education_record_deleted_at: Instant | None = column("When that education record was deleted.")
    record_exists: bool | None = column("The disclosure record itself is still kept with the education record.")
    record_deleted_at: Instant | None = column("When the disclosure record was deleted.")


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


class DirectoryOptout(State):
    """A student or parent refused the disclosure of directory information. The application could tell these."""

    kind: ClassVar[str] = "directory_optout"
    key: ClassVar[tuple[str, ...]] = ("optout_id",)
    subject_column: ClassVar[str | None] = "student_ref"
    kept: ClassVar[bool] = True

    optout_id: str = always("Number of the entry in its register.")
    student_ref: str | None = column("Student it is about, by the organisation's identifier.", personal=True)
    opted_out_at: Instant | None = column("When the refusal was received.")
    covers_all: bool | None = column("It refuses all directory information, not only the fields listed.")
    fields: list[str] | None = column("Fields refused where it does not cover all, by the names disclosures use.")
    revoked_at: Instant | None = column("When it was taken back; it holds until a date stands here.")


class DirectoryDisclosure(State):
    """Directory information of a student was disclosed. The application could tell these."""

    kind: ClassVar[str] = "directory_disclosure"
    key: ClassVar[tuple[str, ...]] = ("disclosure_id",)
    subject_column: ClassVar[str | None] = "student_ref"
    kept: ClassVar[bool] = True

    disclosure_id: str = always("Number of the entry in its register.")
    student_ref: str | None = column("Student it is about, by the organisation's identifier.", personal=True)
    disclosed_at: Instant | None = column("When.")
    fields: list[str] | None = column("Fields disclosed (name, photograph, enrolment status).")
    recipient: str | None = column("Who received it.", personal=True)
    ssn_used: bool | None = column(
        "A social security number was disclosed with it, or used to find the student or confirm the information."
    )


class DestructionEvent(State):
    """A record was destroyed. The application or the archive could tell these."""

    kind: ClassVar[str] = "destruction_event"
    key: ClassVar[tuple[str, ...]] = ("destruction_id",)
    subject_column: ClassVar[str | None] = "student_ref"
    kept: ClassVar[bool] = True

    destruction_id: str = always("Number of the entry in its register.")
    record_ref: str | None = column("Record that was destroyed, by the organisation's identifier.")
    is_education_record: bool | None = column("It was an education record under FERPA.")
    student_ref: str | None = column("Student it was about, by the organisation's identifier.", personal=True)
    destroyed_at: Instant | None = column("When.")
    reason: str | None = column("Why it was due (retention ended, request of the person).")


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
