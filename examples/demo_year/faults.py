"""The faults of the year as data: what was planted, and where results must show it. Nothing else may fail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from examples.demo_year.calendar import DAY, at


@dataclass(frozen=True, slots=True)
class Fails:
    """The audit over the period holds this exception. `first` and `latest` bound when it is first seen; an `end` of
    None: any. Without a resource: the control fails, whoever is named."""

    control: str
    resource: str | None = None
    code: str | None = None
    first: datetime | None = None
    latest: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """The audit over the period names this time in which a kind was not read, from the last reading to the next."""

    source: str
    kind: str
    start: datetime
    end: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """The timeline of the control says unknown through this time."""

    control: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Then:
    """An audit of a day says this of the control: by what was recorded then, or by all that is recorded now."""

    day: str
    known: str
    control: str
    verdict: str
    waived: bool = False


@dataclass(frozen=True, slots=True)
class Explained:
    """`audit --as-of DAY --explain` names this control and cause."""

    day: str
    control: str
    cause: str


Seen = Fails | Gap | Undecided | Then | Explained


@dataclass(frozen=True, slots=True)
class Fault:
    """A planted fault, and every place where it must be seen."""

    name: str
    says: str
    seen: tuple[Seen, ...]


def _outage(kind: str) -> tuple[Seen, ...]:
    return (
        Gap("edge", kind, at("2025-01-19 03:00"), at("2025-01-29 03:00"), "failed"),
        Fails(
            "engine.evidence_fresh",
            f"edge {kind}",
            "too_old",
            at("2025-01-20 03:00"),
            at("2025-01-21 03:00"),
            at("2025-01-29 03:00"),
        ),
    )


FAULTS = (
    Fault(
        "collector-out",
        "The web site could not be read from 20 to 28 January.",
        (
            *_outage("tls_endpoint"),
            *_outage("http_endpoint"),
            Undecided("tls.hsts", at("2025-01-20 03:00"), at("2025-01-29 03:00")),
        ),
    ),
    Fault(
        "leaver-kept",
        "P-009 left on 14 February; the account ivan was deleted on 7 March.",
        (
            Fails(
                "access.leaver_revoked",
                "directory/ivan",
                "still_active",
                at("2025-02-15 18:00"),
                at("2025-02-16 03:00"),
                at("2025-03-08 03:00"),
            ),
        ),
    ),
    Fault(
        "restore-not-tried",
        "No restore was tried in March: the trial of 5 February was followed by that of 7 April.",
        (
            Fails(
                "backup.restore_test_monthly",
                "db/db1:5432",
                "overdue",
                at("2025-03-08 12:00"),
                at("2025-03-09 03:00"),
                at("2025-04-08 03:00"),
            ),
            Then("2025-03-20", "then", "backup.restore_test_monthly", "fail"),
            Undecided("backup.rto_rpo_met", at("2025-03-08 12:00"), at("2025-04-08 03:00")),
        ),
    ),
    Fault(
        "waiver-ran-out",
        "The old machine keeps its logs for 90 days. That was accepted until 31 March; it was replaced on 21 April.",
        (
            Then("2025-03-20", "then", "logging.retention_12m", "fail", waived=True),
            Then("2025-04-10", "then", "logging.retention_12m", "fail"),
            Fails(
                "logging.retention_12m",
                "host/legacy /var/log/auth.log",
                "too_short",
                at("2025-02-03 03:00"),
                at("2025-02-03 03:00"),
                at("2025-04-21 03:00"),
            ),
        ),
    ),
    Fault(
        "document-late",
        "The provider's report of 20 February was recorded on 2 April, five weeks after the old one had run out.",
        (
            Undecided("db.encrypted_at_rest", at("2025-03-01 03:00"), at("2025-04-02 09:00")),
            Then("2025-03-20", "then", "db.encrypted_at_rest", "unknown"),
            Then("2025-04-10", "then", "db.encrypted_at_rest", "pass"),
        ),
    ),
    Fault(
        "log-late",
        "The gateway's log of 12 March, with a session of a shared account, was handed over on 3 April.",
        (
            Then("2025-03-20", "then", "net.vpn_named_mfa", "pass"),
            Then("2025-03-20", "now", "net.vpn_named_mfa", "fail"),
            Explained("2025-03-20", "net.vpn_named_mfa", "late_evidence"),
            Fails(
                "net.vpn_named_mfa", "vpn/vpn1 admin", "shared", at("2025-03-12 21:40"), at("2025-03-12 21:40") + DAY
            ),
        ),
    ),
    Fault(
        "emergency-not-reviewed",
        "A change made in a hurry on 21 January was looked at on 7 April, not within two working days.",
        (
            Undecided("change.emergency", at("2025-01-23 22:10"), at("2025-04-08 03:00")),
            Fails(
                "change.emergency",
                "registers/CH-250121E",
                "reviewed_late",
                at("2025-04-08 03:00"),
                at("2025-04-08 03:00"),
            ),
        ),
    ),
    Fault(
        "request-late",
        "Two ARCO requests of 3 March ended on 1 April, 17 March being a rest day; one was answered on 2 April.",
        (
            Fails(
                "privacy.arco_deadlines", "RQ-2025-03", "answered_late", at("2025-04-03 03:00"), at("2025-04-03 03:00")
            ),
            Then("2025-03-20", "then", "privacy.arco_deadlines", "pass"),
            Then("2025-04-10", "then", "privacy.arco_deadlines", "fail"),
        ),
    ),
    Fault(
        "scan-forgotten",
        "The quarterly scan after that of 2 December came on 14 April.",
        (
            Fails(
                "vuln.external_scans",
                "public addresses",
                "not_passed",
                at("2025-03-04 08:00"),
                at("2025-03-05 03:00"),
                at("2025-04-15 03:00"),
            ),
            Then("2025-03-20", "then", "vuln.external_scans", "fail"),
        ),
    ),
    Fault(
        "pentest-finding-open",
        "A finding of 10 February that can be exploited was corrected on 31 March, not within 30 days.",
        (
            Fails(
                "vuln.pentest_fixed", "registers/PT-2025-2", "overdue", at("2025-03-12"), at("2025-03-12 03:00")
            ),  # that it was corrected late does not end the failing
            Then("2025-03-20", "then", "vuln.pentest_fixed", "fail"),
        ),
    ),
    Fault(
        "training-lapsed",
        "The training of P-008 of 10 February 2024 was repeated on 24 March.",
        (
            Fails(
                "gov.awareness",
                "P-008",
                "training_old",
                at("2025-02-10"),
                at("2025-02-10 03:00"),
                at("2025-03-25 03:00"),
            ),
            Then("2025-03-20", "then", "gov.awareness", "fail"),
        ),
    ),
    Fault(
        "return-forgotten",
        "Nobody said in March that no control had failed: the return of 2 February held for 35 days.",
        (
            Undecided("mon.control_failures", at("2025-03-09 20:00"), at("2025-04-03 03:00")),
            Then("2025-03-20", "then", "mon.control_failures", "unknown"),
            Then("2025-04-10", "then", "mon.control_failures", "pass"),
        ),
    ),
)
PLANNED = frozenset(one.control for fault in FAULTS for one in fault.seen if isinstance(one, Fails))
# Audits of days that are needed beside the one over the period.
DAYS = tuple(sorted({(one.day, one.known) for fault in FAULTS for one in fault.seen if isinstance(one, Then)}))
EXPLAINED = tuple(sorted({one.day for fault in FAULTS for one in fault.seen if isinstance(one, Explained)}))
