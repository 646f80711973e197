"""Registers of disclosures of education records, of directory information, and of what was destroyed."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from compliance.schemas.evidence import Instant, State, always, column


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
