"""What watches the systems, and what applications say of their own actions and tests."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from compliance.schemas.evidence import Event, Instant, State, always, column


class Service(State):
    """A service that the organisation runs, as its inventory has it: what must be watched, scaled and tried."""

    kind: ClassVar[str] = "service"
    key: ClassVar[tuple[str, ...]] = ("service",)
    kept: ClassVar[bool] = True

    service: str = always("Name of the service, the same in every register and tool.")
    environment: str | None = column("Environment (production, staging, …).")
    is_critical: bool | None = column("Without it the organisation cannot keep its promises (yes or no).")
    is_public: bool | None = column("Reached from the internet (yes or no).")
    is_stateless: bool | None = column("Its instances keep nothing that another does not have (yes or no).")
    owner: str | None = column("Team or role that answers for it, not a person's name.")
    purpose: str | None = column("What it is for.")


class SentryProject(State):
    """A project of an error tracker (Sentry, or one that speaks its protocol)."""

    kind: ClassVar[str] = "sentry_project"
    key: ClassVar[tuple[str, ...]] = ("project",)

    project: str = always("Organisation and project, as the tracker names them.")
    service: str | None = column("Service that reports to it, by its name in the register of services.")
    environment: str | None = column("Environment that reports to it.")
    active: bool | None = column("It accepts reports.")
    last_event_at: Instant | None = column("Last report or heartbeat that arrived; NULL when that was not readable.")
    never_reported: bool | None = column("The tracker knows of no report at all.")
    alert_rules: int | None = column("Alert rules that are switched on and tell somebody.")
    client_sends_personal: bool | None = column(
        "The reporting program sends personal data by itself (send_default_pii)."
    )
    client_scrubs: bool | None = column("The reporting program removes personal data and secrets before it sends.")
    server_scrubs: bool | None = column("The tracker removes them before it stores (data scrubber on).")
    server_scrubs_defaults: bool | None = column("With the tracker's own list of common fields (default scrubbers).")
    server_scrubs_ip: bool | None = column("It keeps no addresses of visitors.")
    exempt_fields: list[str] | None = column("Fields that are kept as they are, sorted; [] for none.")
    detail: dict[str, Any] | None = column("What only this product says.")


class ScrapeTarget(State):
    """Something a metrics server asks for figures at intervals."""

    kind: ClassVar[str] = "scrape_target"
    key: ClassVar[tuple[str, ...]] = ("job", "instance")

    job: str = always("Job.")
    instance: str = always("Address that is asked.")
    service: str | None = column("Service it belongs to, by its name in the register of services.")
    is_up: bool | None = column("The last question was answered.")
    up_permille_24h: int | None = column("Questions of the last 24 hours that were answered, per thousand.")
    scrapes_24h: int | None = column("Questions of the last 24 hours; 0 when it was not asked.")
    last_scrape_at: Instant | None = column("Last question.")
    interval_s: int | None = column("Seconds between questions.")


class AlertCategory(StrEnum):
    """What an alert is about."""

    AVAILABILITY = "availability"
    LATENCY = "latency"
    SATURATION = "saturation"
    SECURITY = "security"
    OTHER = "other"


class AlertRule(State):
    """A rule that tells somebody when something is not as it should be."""

    kind: ClassVar[str] = "alert_rule"
    key: ClassVar[tuple[str, ...]] = ("rule",)

    rule: str = always("Identifier: group and name, with the number where a name comes twice.")
    name: str | None = column("Name of the alert.")
    service: str | None = column("Service it watches, by its name in the register of services; '*' for all.")
    category: AlertCategory | None = column("availability, latency, saturation, security or other.")
    enabled: bool | None = column("It is loaded and switched on.")
    healthy: bool | None = column("Its last evaluation succeeded.")
    routed: bool | None = column("Its alerts reach a receiver that tells a person.")
    silenced: bool | None = column("A silence keeps its alerts back now.")
    evaluated_at: Instant | None = column("Last evaluation.")


class Dashboard(State):
    """A page of graphs about services."""

    kind: ClassVar[str] = "dashboard"
    key: ClassVar[tuple[str, ...]] = ("dashboard",)

    dashboard: str = always("Identifier (uid).")
    title: str | None = column("Title.")
    services: list[str] | None = column("Services it shows, by their names in the register of services; '*' for all.")
    as_code: bool | None = column("It comes from a versioned file, and edits in the browser are not kept.")
    updated_at: Instant | None = column("Last change.")


class LogSource(State):
    """Something whose logs should arrive at a log platform."""

    kind: ClassVar[str] = "log_source"
    key: ClassVar[tuple[str, ...]] = ("log_source",)

    log_source: str = always("Name of the source (host and file, application, service).")
    host: str | None = column("Machine it belongs to, by its host name or id in the inventory of assets.")
    expected: bool | None = column("Declared to deliver; FALSE for one that arrives without being declared.")
    in_pci_scope: bool | None = column("Declared to be in PCI scope.")
    last_event_at: Instant | None = column("Last line or heartbeat that arrived, by the line's own time.")
    never_seen: bool | None = column("The platform has no line of it at all.")
    ship_lag_p95_s: int | None = column(
        "95th percentile of the time from line to arrival in the last hour, in seconds."
    )
    events_24h: int | None = column("Lines of the last 24 hours.")


class UptimeCheck(State):
    """A check from outside of whether an address answers."""

    kind: ClassVar[str] = "uptime_check"
    key: ClassVar[tuple[str, ...]] = ("uptime_check",)

    uptime_check: str = always("Identifier of the check.")
    host: str | None = column("Host that is checked, in small letters.")
    url: str | None = column("Address that is checked, without user or query.")
    provider: str | None = column("Who checks (Pingdom, blackbox exporter, …).")
    is_external: bool | None = column("The check comes from outside our own networks.")
    active: bool | None = column("It is switched on.")
    interval_s: int | None = column("Seconds between checks.")
    contacts: int | None = column("People or receivers told when it fails.")
    last_checked_at: Instant | None = column("Last check.")
    is_up: bool | None = column("The last check succeeded.")
    uptime_30d_ppm: int | None = column(
        "Time of the last 30 days for which it answered, per million (99.9 % = 999000)."
    )
    measured_days: int | None = column("Days of these 30 for which that is known.")


class ActionClass(StrEnum):
    """What sort of act it is."""

    USER = "user"
    AUTHENTICATION = "authentication"
    ADMIN = "admin"  # with special rights
    LOG_ACCESS = "log_access"  # reading a log
    LOG_CONTROL = "log_control"  # starting, stopping or changing what is logged
    SYSTEM_OBJECT = "system_object"  # creating or removing a thing of the system (table, role, job)


class Trail(StrEnum):
    """Kind of evidence in which the record of an action would appear."""

    AUDIT = "audit"  # audit_event
    AUTH = "auth"  # auth_event


class Expected(StrEnum):
    """How often an action happens by itself."""

    REGULAR = "regular"  # at least once in `expected_days`; none is a failure of the log
    SELDOM = "seldom"  # perhaps not for months; only a trial shows that it is recorded


class ActionCatalogue(State):
    """An action of an application that must leave a record, and what that record looks like.

    The register never proves by itself that something is recorded: the record is looked for in the application's trail.
    """

    kind: ClassVar[str] = "action_catalogue"
    key: ClassVar[tuple[str, ...]] = ("application", "action")
    kept: ClassVar[bool] = True

    application: str = always("Configured name of the source that reads the application's trail.")
    action: str = always("Name of the action (enrol a student, export marks).")
    action_class: ActionClass | None = column("user, authentication, admin, log_access, log_control or system_object.")
    trail: Trail | None = column("Where its record appears: audit (what users did) or auth (sign-ins).")
    event_action: str | None = column(
        "The action as the trail names it: create, update, delete, access; for auth: login or lockout."
    )
    object_type: str | None = column("What is acted on, as the trail names it (app.model); empty for auth.")
    expected: Expected | None = column(
        "regular: happens by itself at least once in expected_days; seldom: only a trial shows that it is recorded."
    )
    expected_days: int | None = column("For a regular action: the longest time without one, in days.")
    tested_at: Instant | None = column("When it was last done on purpose so that its record can be looked for (UTC).")


class TenantIsolationTest(State):
    """A run of the tests that try to reach one institution's data as another. Pipelines write it; people may."""

    kind: ClassVar[str] = "tenant_isolation_test"
    key: ClassVar[tuple[str, ...]] = ("run",)
    kept: ClassVar[bool] = True

    run: str = always("Identifier of the run (pipeline and number).")
    application: str | None = column("Application that was tested.")
    suite: str | None = column("Name of the collection of tests.")
    environment: str | None = column("Where it ran (ci, staging, production).")
    commit: str | None = column("Commit that was tested, in full.")
    deployed_commit: str | None = column("Commit that was in production when the run ended, in full.")
    started_at: Instant | None = column("Start (UTC).")
    finished_at: Instant | None = column("End (UTC).")
    tenants: int | None = column("Institutions between which access was tried; fewer than two prove nothing.")
    tests: int | None = column("Tests in the collection.")
    passed: int | None = column("Of these, passed.")
    failed: int | None = column("Of these, failed or ended in an error.")
    skipped: int | None = column("Of these, left out.")
    reference: str | None = column("Where the result is (pipeline address).")


class RecordAccessEvent(Event):
    """Somebody saw, or tried to see, an education record. `occurred_at` is the application's time. What is said of role
    and relation is how they stood at that moment."""

    kind: ClassVar[str] = "record_access_event"
    key: ClassVar[tuple[str, ...]] = ("log", "event")
    subject_column: ClassVar[str | None] = "account"

    log: str = always("The log it stands in.")
    event: str = always("Its number there.")
    account: str | None = column("Account that asked; NULL when the log names none.", personal=True)
    granted: bool | None = column("The record was shown; FALSE when it was refused.")
    student_ref: str | None = column("Whose record, by the application's own number.", personal=True)
    record_class: str | None = column("What of the record (marks, enrolment, health, discipline, …).")
    role: str | None = column("Role in which the account acted (teacher, registrar, …); '' for none.")
    role_active: bool | None = column("The account held that role then.")
    relation: str | None = column("What ties it to this student (teaches_course, advises, …); '' for nothing.")
    relation_from: Instant | None = column("When that relation began.")
    relation_until: Instant | None = column("When it ends or ended; NULL also when it has no end.")
    relation_active: bool | None = column("The application found the relation in force then.")
    interest: str | None = column("Legitimate educational interest by which it was shown, as the application names it.")
    source_ip: str | None = column("Address it came from.", personal=True)
