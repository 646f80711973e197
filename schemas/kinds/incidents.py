"""Registers of incidents, what was learnt of them, drills, and who watches and answers.

An empty cell means that nobody filled it in, never "no".
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
