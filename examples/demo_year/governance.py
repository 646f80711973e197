"""How the school is governed: policies, risks, roles, reviews by the direction."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from examples.demo_year.calendar import DAY, at
from examples.demo_year.kept import every, last_of
from examples.demo_year.writing import Rows

# Approved each December; the policies of 2024 hold until those of 2025 are there.
APPROVED = (at("2023-12-18"), at("2024-12-16"), at("2025-12-10"))
POLICIES = (
    "information_security",
    "access_control",
    "cryptography",
    "backup",
    "incident_playbook",
    "continuity",
    "change_management",
    "vulnerability",
    "logging_and_retention",
    "privacy",
    "supplier",
    "acceptable_use",
    "secure_development",
)
COVERS = {
    "incident_playbook": ["monitoring_alerts", "personal_data", "card_data"],
    "continuity": ["impact_analysis"],
}


def policy_document(now: datetime) -> Rows:
    """The policies in force."""
    approved = last_of(APPROVED, now)
    return [
        {
            "document": f"POL-{n:02}",
            "document_kind": kind,
            "title": kind.replace("_", " "),
            "version": str(approved.year - 2018),
            "owner": "P-001",
            "approved_by": "P-004",
            "approved_at": approved,
            "published_at": approved,
            "next_review_at": approved.replace(year=approved.year + 1, day=15),
            "covers": COVERS.get(kind, []),
            "sha256": sha256(f"{kind} {approved:%Y}".encode()).hexdigest(),
        }
        for n, kind in enumerate(POLICIES, start=1)
    ]


def isms_document(now: datetime) -> Rows:
    """The documents of the management system."""
    approved = last_of(APPROVED, now)
    kinds = ("scope", "context", "interested_parties", "objectives", "statement_of_applicability")
    return [
        {
            "document": f"ISMS-{n:02}",
            "document_kind": kind,
            "version": str(approved.year - 2018),
            "approved_by": "P-004",
            "approved_at": approved,
            "next_review_at": approved.replace(year=approved.year + 1, day=15),
            "answers_climate": True,
            "sha256": sha256(f"{kind} {approved:%Y}".encode()).hexdigest(),
        }
        for n, kind in enumerate(kinds, start=1)
    ]


def objective(now: datetime) -> Rows:
    """Measured every ten weeks."""
    measured = last_of(every(at("2024-12-11"), at("2025-12-31"), 70 * DAY), now)
    common = {"set_at": at("2024-01-15"), "measured_at": measured, "owner": "P-010"}
    return [
        {**common, "objective": "OBJ-1", "title": "flaws are mended in time", "metric": "share", "target": "100 %"}
        | {"result": "100 %"},
        {**common, "objective": "OBJ-2", "title": "everybody is trained", "metric": "share", "target": "98 %"}
        | {"result": "99 %"},
    ]


def risk(now: datetime) -> Rows:
    """Looked at each half year."""
    looked = last_of((at("2024-10-07"), at("2025-04-07"), at("2025-10-06")), now)
    common = {"owner": "P-001", "identified_at": at("2023-05-22"), "reviewed_at": looked}
    return [
        {
            **common,
            "risk": "RK-01",
            "title": "a leaver keeps access",
            "status": "treated",
            "level": "low",
            "treatment": "mitigate",
            "plan": "leavers are removed within a day",
            "due_at": at("2024-06-28"),
        },
        {
            **common,
            "risk": "RK-02",
            "title": "the only office loses its line for a day",
            "status": "accepted",
            "level": "medium",
            "treatment": "accept",
            "accepted_at": looked,
            "accepted_by": "P-004",
        },
    ]


def role_assignment(now: datetime) -> Rows:
    """Who answers for what."""
    functions = {
        "security_officer": "P-010",
        "dpo": "P-003",
        "mx_data_department": "P-003",
        "incident_commander": "P-010",
        "isms_owner": "P-001",
        "pci_owner": "P-008",
    }
    return [
        {
            "assignment": f"R-{n}",
            "function": function,
            "person": person,
            "department": "direction",
            "assigned_at": at("2023-01-09"),
            "document": "minutes of the board 2023-01",
        }
        for n, (function, person) in enumerate(functions.items(), start=1)
    ]


def management_review(now: datetime) -> Rows:
    """Each December and June."""
    held = (at("2024-06-13"), at("2024-12-05"), at("2025-06-12"), at("2025-12-04"))
    return [
        {
            "review": f"MR-{when:%Y-%m}",
            "held_at": when,
            "chaired_by": "P-004",
            "inputs_complete": True,
            "decisions_recorded": True,
            "minutes_ref": f"MR-{when:%Y-%m}.pdf",
        }
        for when in held
        if when <= now
    ]


ROWS = {
    ("registers", "policy_document"): policy_document,
    ("registers", "isms_document"): isms_document,
    ("registers", "objective"): objective,
    ("registers", "risk"): risk,
    ("registers", "role_assignment"): role_assignment,
    ("registers", "management_review"): management_review,
}
