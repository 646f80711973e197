"""What went wrong and what was done: incidents, what was learned, alarms that were tried, who is on call."""

from __future__ import annotations

from datetime import datetime

from examples.demo_year.calendar import DAY, HOUR, at
from examples.demo_year.kept import MINUTE, Turns, every, known, last_of
from examples.demo_year.writing import Rows

# When it was noticed, how severe it was, and how long it took.
HAPPENED = (
    (at("2025-01-21 21:20"), "sev2", 1),
    (at("2025-03-18 15:10"), "sev3", 3),
    (at("2025-06-11 12:30"), "sev2", 1),
    (at("2025-09-02 08:05"), "sev3", 5),
    (at("2025-11-19 10:40"), "sev3", 2),
)


def incident(now: datetime) -> Rows:
    """None of the year touched personal data, or kept customers out for an hour."""
    entries = [
        {
            "incident": f"INC-{when:%y%m%d}",
            "handled_by": "P-002",
            "severity": severity,
            "status": Turns("open", when + hours * HOUR, "resolved"),
            "detected_at": when,
            "acknowledged_at": when + 5 * MINUTE,
            "classified_at": when + 15 * MINUTE,
            "personal_data": Turns(None, when + 30 * MINUTE, False),
            "personal_data_decided_at": when + 30 * MINUTE,
            "customer_outage": False,
            "contained_at": when + hours * HOUR / 2,
            "resolved_at": when + hours * HOUR,
        }
        for when, severity, hours in HAPPENED
    ]
    return known(entries, "detected_at", now)


def postmortem(now: datetime) -> Rows:
    """Written four days after each."""
    return [
        {
            "incident": f"INC-{when:%y%m%d}",
            "author": "P-010",
            "published_at": when + 4 * DAY,
            "has_cause": True,
            "has_actions": True,
        }
        for when, _, _ in HAPPENED
        if when + 4 * DAY <= now
    ]


def postmortem_action(now: datetime) -> Rows:
    """One of each, done within a month."""
    entries = [
        {
            "action": f"PA-{when:%y%m%d}",
            "incident": f"INC-{when:%y%m%d}",
            "owner": "P-002",
            "status": Turns("open", when + 25 * DAY, "done"),
            "opened_at": when + 4 * DAY,
            "due_at": when + 34 * DAY,
            "closed_at": when + 25 * DAY,
        }
        for when, _, _ in HAPPENED
    ]
    return known(entries, "opened_at", now)


def drill(now: datetime) -> Rows:
    """Twice a year."""
    held = (at("2024-11-14 10:00"), at("2025-05-08 10:00"), at("2025-11-06 10:00"))
    return [
        {
            "drill": f"DL-{when:%y%m%d}",
            "scenario": "ransom note on the file share",
            "led_by": "P-010",
            "run_at": when,
            "participants": 6,
            "lessons_recorded": True,
            "plan_updated": True,
        }
        for when in held
        if when <= now
    ]


RESPONDERS = ("P-002", "P-010")


def responder(now: datetime) -> Rows:
    """Who answers when something happens."""
    return [{"person": person, "role": "incident response", "since": at("2023-02-01")} for person in RESPONDERS]


def escalation_level(now: datetime) -> Rows:
    """Looked at every ten weeks."""
    looked = last_of(every(at("2024-12-09"), at("2025-12-31"), 70 * DAY), now)
    return [
        {
            "service": "school",
            "severity": "sev1",
            "level": level,
            "is_critical": True,
            "contacts": contacts,
            "reviewed_at": looked,
        }
        for level, contacts in ((1, ["P-002"]), (2, ["P-010", "P-004"]))
    ]


def oncall_coverage(now: datetime) -> Rows:
    """Who was on call through each of the last forty days."""
    today = now.replace(hour=0)
    return [{"rota": "platform", "day": today - n * DAY, "covered_minutes": 1440} for n in range(1, 41)]


def reporting_channel(now: datetime) -> Rows:
    """Where staff and customers report what they see; a message is sent there every ten weeks."""
    tried = last_of(every(at("2024-12-10 09:00"), at("2025-12-31"), 70 * DAY), now)
    tested = {"owner": "P-010", "is_active": True, "last_test_at": tried, "last_test_received": True}
    return [
        {"channel": "seguridad@colegio-norte.example", "audience": "staff", **tested},
        {"channel": "https://colegio-norte.example/reportar", "audience": "customers", **tested},
    ]


def alert_test(now: datetime) -> Rows:
    """Each four weeks one message through every channel."""
    return [
        {
            "test": f"AT-{when:%y%m%d}-{channel}",
            "channel": channel,
            "sent_at": when,
            "delivered_at": when + MINUTE / 3,
            "acknowledged_at": when + 3 * MINUTE,
            "confirmed_by": "P-002",
        }
        for when in every(at("2024-12-05 16:00"), at("2025-12-31"), 28 * DAY)
        if when + HOUR <= now
        for channel in ("email", "pagerduty", "slack")
    ]


def log_review(now: datetime) -> Rows:
    """Each night, by a program; of the last forty days."""
    last = now.replace(hour=1)
    return [
        {
            "review": f"LR-{when:%y%m%d}",
            "scope": "sign-ins and administration",
            "reviewed_at": when,
            "reviewed_by": "P-010",
            "automated": True,
            "exceptions_open_over_24h": 0,
        }
        for when in (last - n * DAY for n in range(40))
    ]


def control_failure(now: datetime) -> Rows:
    """None."""
    return []


ROWS = {
    ("registers", "incident"): incident,
    ("registers", "postmortem"): postmortem,
    ("registers", "postmortem_action"): postmortem_action,
    ("registers", "drill"): drill,
    ("registers", "responder"): responder,
    ("registers", "escalation_level"): escalation_level,
    ("registers", "oncall_coverage"): oncall_coverage,
    ("registers", "reporting_channel"): reporting_channel,
    ("registers", "alert_test"): alert_test,
    ("registers", "log_review"): log_review,
    ("registers", "control_failure"): control_failure,
}
