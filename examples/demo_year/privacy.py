"""Personal data: what people were told, asked for and agreed to."""

from __future__ import annotations

from datetime import datetime

from examples.demo_year.calendar import DAY, HOUR, at
from examples.demo_year.kept import MINUTE, Turns, every, known, last_of
from examples.demo_year.writing import Rows

# Requests for access. Twenty Mexican working days after 3 March end on 1 April, because 17 March is a rest day: the
# first was answered on that day, the second on the day after.
REQUESTS = (
    ("RQ-2025-01", at("2025-01-14 16:00"), at("2025-01-29 18:00")),
    ("RQ-2025-02", at("2025-03-03 16:00"), at("2025-04-01 18:00")),
    ("RQ-2025-03", at("2025-03-03 17:00"), at("2025-04-02 18:00")),
    ("RQ-2025-04", at("2025-05-20 16:00"), at("2025-06-05 18:00")),
    ("RQ-2025-05", at("2025-08-25 16:00"), at("2025-09-10 18:00")),
    ("RQ-2025-06", at("2025-11-03 16:00"), at("2025-11-20 18:00")),
)


def data_request(now: datetime) -> Rows:
    """Requests under the law of Mexico."""
    entries = [
        {
            "request": request,
            "regime": "arco",
            "right_kind": "access",
            "person": f"S-{1000 + n}",
            "channel": "email",
            "status": Turns("open", answered + 5 * DAY, "closed"),
            "received_at": received,
            "acknowledged_at": received + HOUR,
            "identity_verified_at": received + DAY,
            "identity_method": "credential of the parent",
            "answered_at": answered,
            "outcome": Turns(None, answered, "granted"),
            "executed_at": answered + 5 * DAY,
        }
        for n, (request, received, answered) in enumerate(REQUESTS)
    ]
    return known(entries, "received_at", now)


def erasure_job(now: datetime) -> Rows:
    """Nobody asked for any."""
    return []


def breach(now: datetime) -> Rows:
    """None."""
    return []


def privacy_notice(now: datetime) -> Rows:
    """The notice of the law of Mexico, looked at each March; its address is tried each Monday."""
    always = ["controller_identity", "controller_address", "data_listed", "purposes", "consent_purposes", "limit_means"]
    full = [*always, "arco_means", "changes_told", "sensitive_marked", "transfers", "consent_withdrawal"]
    short = [*always, "full_notice_location", "sensitive_marked"]
    common = {
        "version": "6",
        "language": "es",
        "regime": "lfpdppp",
        "is_current": True,
        "published_at": at("2024-03-20"),
        "url": "https://colegio-norte.example/aviso",
        "url_ok": True,
        "url_checked_at": now.replace(hour=0) - now.weekday() * DAY,
        "not_needed": [],
        "reviewed_at": last_of((at("2024-03-18"), at("2025-03-10")), now),
        "reviewed_by": "P-003",
    }
    return [
        {**common, "notice_id": "AP-1", "modality": "full", "elements": [*full, "dpo_contact"]},
        {**common, "notice_id": "AP-1S", "modality": "simplified", "elements": short},
    ]


def notice_delivery(now: datetime) -> Rows:
    """It is shown before a family's data are taken: the enrolments of the year, one each month."""
    return [
        {
            "delivery_id": f"ND-{when:%y%m%d}",
            "subject_ref": f"S-{2000 + n}",
            "first_collection_at": when,
            "was_shown": True,
            "delivered_at": when - 2 * MINUTE,
            "notice_id": "AP-1",
            "notice_version": "6",
        }
        for n, when in enumerate(every(at("2025-01-08 16:00"), at("2025-12-31"), 30 * DAY))
        if when <= now
    ]


def consent_event(now: datetime) -> Rows:
    """Agreed to photographs, and once taken back."""
    events = [
        {
            "event_id": f"CE-{when:%y%m%d}",
            "consent_id": f"CO-{n}",
            "subject_ref": f"S-{2000 + n}",
            "regime": "lfpdppp",
            "action": "granted",
            "acted_at": when,
            "purpose": "photographs of events",
            "form": "express",
            "data_class": "ordinary",
            "is_signed": True,
            "is_authenticated": True,
            "notice_id": "AP-1",
            "notice_version": "6",
            "channel": "web",
        }
        for n, when in enumerate(every(at("2025-01-08 16:10"), at("2025-12-31"), 30 * DAY))
    ]
    back = at("2025-04-15 17:00")
    events.append(
        {
            **events[0],
            "event_id": "CE-250415",
            "action": "withdrawn",
            "acted_at": back,
            "effective_at": back + MINUTE,
            "form": None,
            "notice_id": None,
            "notice_version": None,
        }
    )
    return known(events, "acted_at", now)


TYPES = (
    "consent_granted",
    "consent_withdrawn",
    "notice_shown",
    "request_received",
    "request_answered",
    "blocking_started",
    "erasure_done",
    "breach_recorded",
    "transfer_made",
)


def compliance_event_type(now: datetime) -> Rows:
    """Each night one event of each type is made and looked for in the log."""
    tried = {"last_event_at": now - HOUR, "last_selftest_at": now - HOUR, "logged_in_test": True}
    return [{"regime": "lfpdppp", "event_type": name, "channel": "web", **tried} for name in TYPES]


ROWS = {
    ("registers", "data_request"): data_request,
    ("registers", "erasure_job"): erasure_job,
    ("registers", "breach"): breach,
    ("registers", "privacy_notice"): privacy_notice,
    ("registers", "notice_delivery"): notice_delivery,
    ("registers", "consent_event"): consent_event,
    ("registers", "compliance_event_type"): compliance_event_type,
}
