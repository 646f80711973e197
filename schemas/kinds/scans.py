"""Registers of scans, weaknesses, penetration tests, and of what watches payment pages."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from compliance.schemas.evidence import Instant, State, always, column


class ScanType(StrEnum):
    """From where a scan looks, and by whom."""

    INTERNAL = "internal"
    EXTERNAL = "external"
    ASV = "asv"  # external, by a scanning vendor that the PCI council approves


class ScanRun(State):
    """One run of a scan for vulnerabilities. A scanner could tell it."""

    kind: ClassVar[str] = "scan_run"
    key: ClassVar[tuple[str, ...]] = ("scan",)
    kept: ClassVar[bool] = True

    scan: str = always("Number of the run.")
    scan_type: ScanType | None = column("internal, external or asv.")
    scope: str | None = column("Scope that was scanned, by one name for all its runs (office network, shop.example).")
    assets: list[str] | None = column("Machines that the run reached, by their names in the inventory.")
    scanner: str | None = column("Product or vendor that scanned.")
    run_at: Instant | None = column("When the run ended.")
    authenticated: bool | None = column("The scanner signed in to what it scanned.")
    passed: bool | None = column(
        "By its rules nothing remains open: external scans pass by the rules of the programme, internal ones when no "
        "critical or high finding is open."
    )
    open_critical: int | None = column("Critical findings open at its end.")
    open_high: int | None = column("High findings open at its end.")
    rescan_of: str | None = column("Earlier run whose findings it looked at again; empty when it is a first look.")
    after_change: str | None = column("Significant change that it followed, by its number in the register of changes.")


class FindingSeverity(StrEnum):
    """How grave a vulnerability is, or what an audit found."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class FindingStatus(StrEnum):
    """Where a vulnerability stands."""

    OPEN = "open"
    FIXED = "fixed"
    ACCEPTED = "accepted"  # somebody decided to live with it; it is still there
    FALSE_POSITIVE = "false_positive"  # looked into, and it is not there


class Vulnerability(State):
    """A weakness found on one system, by any means. A vulnerability scanner could tell it."""

    kind: ClassVar[str] = "vulnerability"
    key: ClassVar[tuple[str, ...]] = ("vulnerability", "asset")
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    vulnerability: str = always("Number of the finding, or of the weakness (CVE).")
    asset: str = always("System it was found on, by its name in the inventory.")
    owner: str | None = column("Who answers for fixing it.", personal=True)
    severity: FindingSeverity | None = column("critical, high, medium or low, as the organisation ranks it.")
    status: FindingStatus | None = column("open, fixed, accepted or false_positive.")
    first_seen_at: Instant | None = column("When it was first seen on that system; stays when it comes back.")
    last_seen_at: Instant | None = column("When it was last seen there.")
    fixed_at: Instant | None = column("When it was seen to be gone.")
    decided_by: str | None = column("Who accepted it, or found it to be no weakness.", personal=True)
    accepted_until: Instant | None = column("Until when it is accepted; empty when it is not.")


class PentestLayer(StrEnum):
    """What a penetration test attacks."""

    APPLICATION = "application"
    EXTERNAL = "external"  # the network, from outside
    INTERNAL = "internal"  # the network, from inside


class Pentest(State):
    """A penetration test of one layer; a test of several layers has a line for each."""

    kind: ClassVar[str] = "pentest"
    key: ClassVar[tuple[str, ...]] = ("pentest", "layer")
    kept: ClassVar[bool] = True

    pentest: str = always("Number or name of the engagement.")
    layer: PentestLayer = always("What was attacked: application, external or internal.")
    tester: str | None = column("Company or team that tested.")
    independent: bool | None = column("The testers neither build, run nor own what they tested.")
    method_ref: str | None = column("Method that was followed, and where it is described.")
    segmentation_tested: bool | None = column("Separation of the card systems from other networks was attacked too.")
    started_at: Instant | None = column("When the test began.")
    ended_at: Instant | None = column("When the test ended.")
    report_at: Instant | None = column("When the report was handed over; empty until then.")


class PentestFinding(State):
    """Something that a penetration test found."""

    kind: ClassVar[str] = "pentest_finding"
    key: ClassVar[tuple[str, ...]] = ("finding",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    finding: str = always("Number of the finding.")
    pentest: str | None = column("Engagement it comes from, by its number in the register of penetration tests.")
    owner: str | None = column("Who answers for correcting it.", personal=True)
    severity: FindingSeverity | None = column("critical, high, medium or low.")
    status: FindingStatus | None = column("open, fixed, accepted or false_positive.")
    exploitable: bool | None = column("The testers could use it, or judged that it can be used.")
    opened_at: Instant | None = column("When it was reported.")
    fixed_at: Instant | None = column("When it was corrected; empty until then.")
    retested_at: Instant | None = column("When testers last tried it again; empty until then.")
    retest_passed: bool | None = column("At that retest it was gone.")


class PaymentScript(State):
    """A script that a payment page loads into the customer's browser. A page monitor could tell what is loaded."""

    kind: ClassVar[str] = "payment_script"
    key: ClassVar[tuple[str, ...]] = ("page", "script")
    subject_column: ClassVar[str | None] = "authorised_by"
    kept: ClassVar[bool] = True

    page: str = always("Payment page, by its address.")
    script: str = always("Address of the script, or a name for one inside the page.")
    authorised_by: str | None = column("Who allowed it.", personal=True)
    authorised_at: Instant | None = column("When it was allowed.")
    justification: str | None = column("What it is needed for on that page.")
    integrity_checked: bool | None = column("A change of it is kept out or noticed (SRI, content policy, monitor).")
    first_seen_at: Instant | None = column("When it was first seen on the page.")
    last_seen_at: Instant | None = column("When it was last seen on the page.")


class PageMonitor(State):
    """The watch over one payment page against tampering. A page monitor could tell it."""

    kind: ClassVar[str] = "page_monitor"
    key: ClassVar[tuple[str, ...]] = ("page",)
    kept: ClassVar[bool] = True

    page: str = always("Payment page, by its address.")
    monitor: str | None = column("Product that watches it.")
    last_check_at: Instant | None = column("When scripts and headers, as a browser gets them, were last compared.")
    unauthorised_changes: int | None = column("Changes found by then that nobody had allowed and that are still open.")
    alerts_routed: bool | None = column("Its alerts reach the persons who respond to incidents.")


class ScopeConfirmation(State):
    """Somebody confirmed what falls under a regime: which systems, people, flows of data."""

    kind: ClassVar[str] = "scope_confirmation"
    key: ClassVar[tuple[str, ...]] = ("confirmation",)
    subject_column: ClassVar[str | None] = "confirmed_by"
    kept: ClassVar[bool] = True

    confirmation: str = always("Number of the confirmation.")
    regime: str | None = column("Regime whose scope it is, by the engine's id of the framework (pci_dss, iso27001).")
    confirmed_by: str | None = column("Who confirmed it.", personal=True)
    confirmed_at: Instant | None = column("When it was confirmed.")
    covers_inventory: bool | None = column("The list of components in scope was gone through as well.")
    document_ref: str | None = column("Where the confirmed description lies.")
