"""Registers of vendors, their contracts and what is known of their security.

What was looked for and found (clauses) is listed by name: which of them are missing is for a control to say.
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
