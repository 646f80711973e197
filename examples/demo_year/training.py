"""What people were taught and signed."""

from __future__ import annotations

from datetime import datetime

from examples.demo_year.calendar import DAY, at
from examples.demo_year.people import STAFF
from examples.demo_year.writing import Rows

# One accountant was trained six weeks after his training of the year before had run out.
LATE_PERSON, RAN_OUT, TRAINED = "P-008", at("2025-02-10"), at("2025-03-24 10:00")


def _trained(person: str, starts: datetime) -> list[datetime]:
    if starts > at("2025-01-01"):
        return [starts + 8 * DAY]
    if person == LATE_PERSON:
        return [RAN_OUT.replace(year=2024), TRAINED]
    return [at("2024-02-05 10:00"), at("2025-01-27 10:00")]


def training_record(now: datetime) -> Rows:
    """Everybody is trained each January; developers and those who respond to incidents in more."""
    return [
        {
            "training": f"T-{one.id}-{course}-{when:%Y}",
            "person": one.id,
            "course": course,
            "completed_at": when,
            "passed": True,
        }
        for one in STAFF
        for when in _trained(one.id, one.starts)
        if when <= now and (one.ends is None or when < one.ends)
        for course in ("security", "privacy", "incident_response", *(["secure_coding"] if one.is_developer else []))
    ]


def person_commitment(now: datetime) -> Rows:
    """What everybody signed: secrecy on the first day, the policies each January."""
    rows = [
        {
            "commitment": f"C-{one.id}",
            "person": one.id,
            "commitment_kind": "confidentiality",
            "signed_at": one.starts,
            "outlives_work": True,
            "document": "HR-12",
        }
        for one in STAFF
        if one.starts <= now
    ]
    rows += [
        {
            "commitment": f"A-{one.id}-{when:%Y}",
            "person": one.id,
            "commitment_kind": "policy_acknowledgement",
            "signed_at": when,
            "document": "POL-01",
        }
        for one in STAFF
        for when in _trained("", one.starts)
        if when <= now and (one.ends is None or when < one.ends)
    ]
    return rows


ROWS = {
    ("registers", "training_record"): training_record,
    ("registers", "person_commitment"): person_commitment,
}
