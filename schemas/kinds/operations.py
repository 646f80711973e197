"""Registers of incidents, changes, maintenance, scans and tests.

One file longer than most: twenty-three small registers that name each other, read together by the controls of one
domain. An empty cell means that nobody filled it in, never "no".
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from compliance.schemas.evidence import Instant, State, always, column


class IncidentSeverity(StrEnum):
    """How grave an incident is, by the organisation's own scale of three."""

    SEV1 = "sev1"  # customers cannot work, or data is in danger
    SEV2 = "sev2"  # an important function is down or degraded
    SEV3 = "sev3"  # everything else


class IncidentStatus(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    CONTAINED = "contained"  # it spreads no further, service or data are not yet restored
    RESOLVED = "resolved"
    FALSE_ALARM = "false_alarm"  # looked into, and there was nothing


class Incident(State):
    """Something that harmed or threatened a service or data, from a first alarm on. A page or ticket system could tell
    it."""

    kind: ClassVar[str] = "incident"
    key: ClassVar[tuple[str, ...]] = ("incident",)
    subject_column: ClassVar[str | None] = "handled_by"
    kept: ClassVar[bool] = True

    incident: str = always("Number of the incident in the register.")
    handled_by: str | None = column("Who leads the response.", personal=True)
    severity: IncidentSeverity | None = column("sev1 (gravest), sev2 or sev3; empty until it is classified.")
    status: IncidentStatus | None = column("open, contained, resolved or false_alarm.")
    detected_at: Instant | None = column("When it was first noticed, by a person or an alarm.")
    acknowledged_at: Instant | None = column("When somebody took it on.")
    classified_at: Instant | None = column("When its severity was decided.")
    personal_data: bool | None = column("Personal data is involved, as decided; empty while nobody has decided.")
    personal_data_decided_at: Instant | None = column("When it was decided whether personal data is involved.")
    customer_outage: bool | None = column("Customers could not use a service, wholly or in part.")
    escalated_at: Instant | None = column("When it was passed to the next level; empty when it was not.")
    contained_at: Instant | None = column("When it could spread no further.")
    resolved_at: Instant | None = column("When service and data were restored.")


class Postmortem(State):
    """The written look back at an incident: what happened, why, and what is done about it."""

    kind: ClassVar[str] = "postmortem"
    key: ClassVar[tuple[str, ...]] = ("incident",)
    subject_column: ClassVar[str | None] = "author"
    kept: ClassVar[bool] = True

    incident: str = always("Incident it looks back at, by its number in the register of incidents.")
    author: str | None = column("Who wrote it.", personal=True)
    published_at: Instant | None = column("When it was published inside the organisation; empty for a draft.")
    has_cause: bool | None = column("It names the cause.")
    has_actions: bool | None = column("It names actions, or says why none is needed.")


class ActionStatus(StrEnum):
    """Where an action stands."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"  # given up, by somebody's decision


class PostmortemAction(State):
    """One thing to be done after an incident, so that it does not come again."""

    kind: ClassVar[str] = "postmortem_action"
    key: ClassVar[tuple[str, ...]] = ("action",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    action: str = always("Number of the action.")
    incident: str | None = column("Incident it comes from, by its number in the register of incidents.")
    owner: str | None = column("Who does it.", personal=True)
    status: ActionStatus | None = column("open, done or cancelled.")
    opened_at: Instant | None = column("When it was agreed.")
    due_at: Instant | None = column("By when it is to be done, as first agreed; do not move it.")
    closed_at: Instant | None = column("When it was done, or given up.")
    cancelled_by: str | None = column("Who decided to give it up; empty when it was not.", personal=True)


class Drill(State):
    """An exercise of the response to incidents."""

    kind: ClassVar[str] = "drill"
    key: ClassVar[tuple[str, ...]] = ("drill",)
    subject_column: ClassVar[str | None] = "led_by"
    kept: ClassVar[bool] = True

    drill: str = always("Number or name of the exercise.")
    scenario: str | None = column("What was played (ransomware, lost laptop, failed data centre).")
    led_by: str | None = column("Who led it.", personal=True)
    run_at: Instant | None = column("When it was held, also a future day for one that is planned.")
    participants: int | None = column("Persons who took part.")
    lessons_recorded: bool | None = column("What was learned is written down.")
    plan_updated: bool | None = column("The response plan was changed by it, or found to need no change.")


class Responder(State):
    """A person on the rota that responds to incidents. A paging system could tell it."""

    kind: ClassVar[str] = "responder"
    key: ClassVar[tuple[str, ...]] = ("person",)
    subject_column: ClassVar[str | None] = "person"
    kept: ClassVar[bool] = True

    person: str = always("Who it is, by the identifier of the staff register.", personal=True)
    role: str | None = column("Part in the response (first line, incident commander, communications).")
    since: Instant | None = column("First day on the rota.")
    until: Instant | None = column("Last moment on the rota; empty while no end is known.")


class EscalationLevel(State):
    """Whom an incident of one service reaches at one level. A paging system could tell it."""

    kind: ClassVar[str] = "escalation_level"
    key: ClassVar[tuple[str, ...]] = ("service", "severity", "level")
    kept: ClassVar[bool] = True

    service: str = always("Service that the level belongs to.")
    severity: str = always("Severity of incidents it holds for (sev1, sev2, sev3); * for all.")
    level: int = always("1 is reached first.")
    is_critical: bool | None = column("The service is critical for the organisation.")
    contacts: list[str] | None = column(
        "Persons or rotas that are reached, by the organisation's own identifiers.", personal=True
    )
    reviewed_at: Instant | None = column("When somebody last confirmed that these contacts are right and answer.")


class OncallCoverage(State):
    """How much of one day somebody was on call. A paging system could tell it."""

    kind: ClassVar[str] = "oncall_coverage"
    key: ClassVar[tuple[str, ...]] = ("rota", "day")
    kept: ClassVar[bool] = True

    rota: str = always("Rota, by its name; the shifts that relieve each other are one rota.")
    day: Instant = always("The day, at 00:00 UTC.")
    covered_minutes: int | None = column("Minutes of the day on which somebody was on call; 1440 for all of it.")


class Audience(StrEnum):
    """Who is addressed."""

    STAFF = "staff"
    CUSTOMERS = "customers"


class ReportingChannel(State):
    """A way by which people report security events to the organisation."""

    kind: ClassVar[str] = "reporting_channel"
    key: ClassVar[tuple[str, ...]] = ("channel", "audience")
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    channel: str = always("Mailbox, form, telephone or chat room.")
    audience: Audience = always("Who can use it: staff or customers; one line each.")
    owner: str | None = column("Who answers for it.", personal=True)
    is_active: bool | None = column("It is in use and somebody reads it.")
    last_test_at: Instant | None = column("When a test report was last sent through it.")
    last_test_received: bool | None = column("That test report reached the persons who handle incidents.")


class ChangeType(StrEnum):
    """How a change is handled."""

    STANDARD = "standard"  # often done, of low risk, approved in advance
    NORMAL = "normal"
    EMERGENCY = "emergency"  # cannot wait for the usual approval


class ChangeStatus(StrEnum):
    """Where a change stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    IMPLEMENTED = "implemented"
    ROLLED_BACK = "rolled_back"  # it was made, and taken back
    CANCELLED = "cancelled"  # never made


class ChangeRequest(State):
    """A change of systems, from the wish to the look back. A ticket system could tell it."""

    kind: ClassVar[str] = "change_request"
    key: ClassVar[tuple[str, ...]] = ("change",)
    subject_column: ClassVar[str | None] = "requested_by"
    kept: ClassVar[bool] = True

    change: str = always("Number of the change.")
    change_type: ChangeType | None = column("standard, normal or emergency.")
    status: ChangeStatus | None = column("draft, submitted, approved, rejected, implemented, rolled_back or cancelled.")
    is_production: bool | None = column("It touches production.")
    is_significant: bool | None = column("It is significant by the organisation's own rule (PCI DSS 6.5.2, 11.3).")
    requested_by: str | None = column("Who asked for it.", personal=True)
    reason: str | None = column("What it is for.")
    risk: str | None = column("Risk of the change, as assessed.")
    security_impact: str | None = column("What it means for security, also when that is nothing.")
    test_ref: str | None = column("Where the result of its tests lies.")
    rollback_plan: str | None = column("How it is taken back.")
    approved_by: str | None = column("Who approved it.", personal=True)
    approved_at: Instant | None = column("When it was approved.")
    implemented_by: str | None = column("Who made it.", personal=True)
    implemented_at: Instant | None = column("When work on production began.")
    completed_at: Instant | None = column("When that work was finished.")
    post_review_by: str | None = column("Who looked at it afterwards.", personal=True)
    post_review_at: Instant | None = column(
        "When it was looked at afterwards; for significant changes: when the affected requirements were rechecked."
    )


class Deployment(State):
    """A version of software that was put into an environment. A deployment pipeline could tell it."""

    kind: ClassVar[str] = "deployment"
    key: ClassVar[tuple[str, ...]] = ("deployment",)
    subject_column: ClassVar[str | None] = "deployed_by"
    kept: ClassVar[bool] = True

    deployment: str = always("Number of the deployment.")
    environment: str | None = column("Environment it went to (production, staging, …).")
    is_production: bool | None = column("That environment is production.")
    deployed_at: Instant | None = column("When it began.")
    deployed_by: str | None = column("Who started it; the name of a program for automatic ones.", personal=True)
    repository: str | None = column("Repository the software comes from.")
    commit: str | None = column("Commit that was deployed, full SHA.")
    pull_request: str | None = column("Merged pull request it comes from.")
    change: str | None = column("Change it belongs to, by its number in the register of changes.")
    ci_passed: bool | None = column("The build and tests of that commit passed before it was deployed.")
    rolled_back_at: Instant | None = column("When it was taken back; empty when it was not.")


class RollbackEvent(State):
    """A deployment was taken back, in earnest or as an exercise. A deployment pipeline could tell it."""

    kind: ClassVar[str] = "rollback_event"
    key: ClassVar[tuple[str, ...]] = ("rollback",)
    kept: ClassVar[bool] = True

    rollback: str = always("Number of the rollback.")
    deployment: str | None = column("Deployment that was taken back.")
    is_drill: bool | None = column("It was an exercise.")
    started_at: Instant | None = column("When it was decided.")
    finished_at: Instant | None = column("When the earlier version served again.")
    succeeded: bool | None = column("The earlier version served again.")
    incident: str | None = column("Incident it belongs to; empty for an exercise.")
    change: str | None = column("Change it belongs to.")


class Environment(State):
    """A place where software runs: production, staging, test. Cloud accounts could tell it in part."""

    kind: ClassVar[str] = "environment"
    key: ClassVar[tuple[str, ...]] = ("environment",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    environment: str = always("Name of the environment.")
    owner: str | None = column("Who answers for it.", personal=True)
    is_production: bool | None = column("It serves customers.")
    separate_account: bool | None = column("Its cloud account, or its machines, belong to no other environment.")
    separate_network: bool | None = column("No other environment reaches its network, nor it theirs.")
    shared_credentials: bool | None = column("A password, key or token of it also opens another environment.")
    checked_at: Instant | None = column("When somebody last looked whether this is so.")


class WindowType(StrEnum):
    """What a maintenance window is for."""

    WEEKLY_PATCH = "weekly_patch"
    MONTHLY_UPDATE = "monthly_update"
    QUARTERLY_UPGRADE = "quarterly_upgrade"
    OTHER = "other"


class WindowStatus(StrEnum):
    """Where a maintenance window stands."""

    PLANNED = "planned"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"  # held, and what was to be done is not done
    CANCELLED = "cancelled"  # not held


class MaintenanceWindow(State):
    """A time set aside for work on systems. A ticket system could tell it."""

    kind: ClassVar[str] = "maintenance_window"
    key: ClassVar[tuple[str, ...]] = ("window",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    window: str = always("Number of the window.")
    window_type: WindowType | None = column("weekly_patch, monthly_update, quarterly_upgrade or other.")
    status: WindowStatus | None = column("planned, in_progress, completed, failed or cancelled.")
    owner: str | None = column("Who leads the work.", personal=True)
    planned_start: Instant | None = column("When it is to begin.")
    planned_end: Instant | None = column("When it is to end.")
    actual_start: Instant | None = column("When work began.")
    actual_end: Instant | None = column("When work ended.")
    customer_impact: bool | None = column("Customers cannot use a service, wholly or in part, while it lasts.")


class DowntimeNotice(State):
    """A notice that a service is or will be down. A status page could tell it."""

    kind: ClassVar[str] = "downtime_notice"
    key: ClassVar[tuple[str, ...]] = ("notice",)
    kept: ClassVar[bool] = True

    notice: str = always("Number of the notice.")
    window: str | None = column("Maintenance window it announces; empty when it is about an incident.")
    incident: str | None = column("Incident it tells of; empty when it is about planned work.")
    audience: Audience | None = column("Who was told: staff or customers.")
    channels: list[str] | None = column("By which ways (status page, e-mail, in the application).")
    sent_at: Instant | None = column("When it went out.")


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
    """How grave a vulnerability is."""

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


class AlertTest(State):
    """A test alert sent through one channel, and its arrival."""

    kind: ClassVar[str] = "alert_test"
    key: ClassVar[tuple[str, ...]] = ("test",)
    subject_column: ClassVar[str | None] = "confirmed_by"
    kept: ClassVar[bool] = True

    test: str = always("Number of the test.")
    channel: str | None = column("Channel: email, slack, pagerduty, or the organisation's own word.")
    sent_at: Instant | None = column("When it was sent.")
    delivered_at: Instant | None = column("When it arrived; empty when it did not.")
    acknowledged_at: Instant | None = column("When somebody answered it; empty when nobody did.")
    confirmed_by: str | None = column("Person who saw it arrive; not the program that sent it.", personal=True)


class LogReview(State):
    """A look through the security logs of one scope. A SIEM could tell it."""

    kind: ClassVar[str] = "log_review"
    key: ClassVar[tuple[str, ...]] = ("review",)
    subject_column: ClassVar[str | None] = "reviewed_by"
    kept: ClassVar[bool] = True

    review: str = always("Number of the review.")
    scope: str | None = column("Logs that were reviewed, by one name for all reviews of them.")
    reviewed_at: Instant | None = column("When the review was done.")
    reviewed_by: str | None = column(
        "Person who answers for it; the name of a program for automatic ones.", personal=True
    )
    automated: bool | None = column("A program looked through all of the logs; people look at what it raises.")
    exceptions_open_over_24h: int | None = column("What it raised that nobody had taken up for more than 24 hours.")
