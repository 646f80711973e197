"""What data there are, why, for how long, and who gets them."""

from __future__ import annotations

from datetime import datetime

from examples.demo_year.calendar import DAY, at
from examples.demo_year.kept import every, last_of
from examples.demo_year.writing import Rows


def measure_register(now: datetime) -> Rows:
    """The security measures, counted each November."""
    return [
        {
            "issue": f"SM-{when:%Y}",
            "issued_at": when,
            "measures_total": 48,
            "measures_in_place": 45,
            "gaps": 3,
            "gaps_with_plan": 3,
            "sensitive_data": True,
            "last_change_at": when - 30 * DAY,
            "approved_by": "P-004",
            "approved_at": when + DAY,
        }
        for when in (at("2024-11-20"), at("2025-11-12"))
        if when + DAY <= now
    ]


def inventory_store(now: datetime) -> Rows:
    """Where data lie."""
    common = {"environment": "production", "owner": "platform team", "data_class": "restricted", "holds_logs": False}
    goals = {"needs_backup": True, "has_rto_rpo": True, "rto_minutes": 240, "rpo_minutes": 15}
    logs = {"needs_backup": False, "has_rto_rpo": False, "holds_logs": True}
    return [
        {**common, **goals, "data_store": "school", "product": "postgresql"},
        {**common, **logs, "data_store": "archive", "product": "object storage"},
    ]


def data_asset(now: datetime) -> Rows:
    """What lies there; looked at each May and November."""
    looked = last_of((at("2024-11-04"), at("2025-05-05"), at("2025-11-03")), now)
    common = {"contains_personal_data": True, "contains_account_data": False, "location": "Querétaro"}
    common |= {"reviewed_at": looked, "contains_education_records": False}
    return [
        {
            **common,
            "data_asset": "student records",
            "data_store": "school",
            "data_class": "restricted",
            "owner": "P-007",
            "contains_sensitive_data": True,
            "retention_class": "education",
            "storage_medium": "database",
        },
        {
            **common,
            "data_asset": "logs",
            "data_store": "archive",
            "data_class": "internal",
            "owner": "P-002",
            "contains_sensitive_data": False,
            "retention_class": "logs",
            "storage_medium": "object storage",
        },
    ]


def retention_class(now: datetime) -> Rows:
    """How long it is kept, and since when."""
    common = {
        "contains_personal_data": True,
        "held_records": 0,
        "approved_by": "P-004",
        "approved_at": at("2024-01-15"),
        "legal_basis": "contract, limitation of claims and proof of compliance",
    }
    return [
        {
            **common,
            "record_class": "education",
            "description": "records of students",
            "owner": "P-007",
            "is_log": False,
            "is_compliance_log": False,
            "min_days": 2557,
            "max_days": 3653,
            "start_event": "end of studies",
            "began_at": at("2018-08-01"),
            "oldest_record_at": at("2018-08-01"),
            "oldest_identifying_at": at("2018-08-01"),
            "identifying_records": 812,
            "store": "school",
            "lock_mode": "none",
            "lock_days": 0,
        },
        {
            **common,
            "record_class": "logs",
            "description": "logs of compliance",
            "owner": "P-002",
            "is_log": True,
            "is_compliance_log": True,
            "min_days": 2557,
            "max_days": 2922,
            "hot_days": 90,
            "start_event": "creation",
            "began_at": at("2019-01-01"),
            "oldest_record_at": at("2019-01-01"),
            "oldest_identifying_at": at("2019-01-01"),
            "identifying_records": 120000,
            "store": "archive",
            "lock_mode": "append_only",
            "lock_days": 2557,
        },
    ]


def retention_run(now: datetime) -> Rows:
    """What is over is deleted each week; of the last ten weeks."""
    return [
        {
            "run": f"RR-{when:%y%m%d}",
            "record_class": name,
            "run_at": when,
            "eligible": 4,
            "deleted": 4,
            "failed": 0,
            "held": 0,
        }
        for when in every(at("2024-12-01 05:00"), at("2025-12-31"), 7 * DAY)
        if now - 70 * DAY <= when <= now
        for name in ("education", "logs")
    ]


def ropa_entry(now: datetime) -> Rows:
    """What is done with personal data."""
    return [
        {
            "activity": "enrolment",
            "role": "controller",
            "is_active": True,
            "owner": "P-007",
            "contact": "privacidad@colegio-norte.example",
            "purposes": "enrolment and schooling",
            "subject_categories": "students, parents",
            "data_categories": "identity, marks, health notes",
            "recipients": "education authority",
            "third_countries": "none",
            "retention": "seven years after the end of studies",
            "security_measures": "encryption, roles, logs",
            "legal_basis": "contract",
            "started_at": at("2018-08-01"),
            "reviewed_at": last_of((at("2024-05-06"), at("2025-05-05")), now),
            "reviewed_by": "P-003",
        }
    ]


def transfer(now: datetime) -> Rows:
    """To whom data are given."""
    return [
        {
            "transfer": "TR-1",
            "regime": "lfpdppp",
            "is_active": True,
            "recipient": "education authority",
            "destination": "Mexico",
            "owner": "P-003",
            "mechanism": "law_or_treaty",
            "evidence_ref": "LGE 31",
            "notice_clause": "AP-1 v6, 5",
            "started_at": at("2018-08-01"),
            "reviewed_at": last_of((at("2024-05-06"), at("2025-05-05")), now),
        }
    ]


def test_dataset(now: datetime) -> Rows:
    """What developers try things with, looked at every ten weeks."""
    return [
        {
            "environment": "staging",
            "dataset": "fixtures",
            "origin": "generated",
            "contains_production_personal_data": False,
            "contains_live_card_numbers": False,
            "checked_at": last_of(every(at("2024-12-12"), at("2025-12-31"), 70 * DAY), now),
        }
    ]


def blocked_record(now: datetime) -> Rows:
    """What is only kept until claims are over."""
    return [
        {
            "block": "BL-1",
            "person": "S-0988",
            "reason": "cancellation",
            "store": "archive",
            "access_restricted": True,
            "blocked_at": at("2023-03-02"),
            "expires_at": at("2028-03-02"),
            "limitation_basis": "five years, tax code",
            "period_told_at": at("2023-03-03"),
            "processed_while_blocked": 0,
        }
    ]


ROWS = {
    ("registers", "measure_register"): measure_register,
    ("registers", "inventory_store"): inventory_store,
    ("registers", "data_asset"): data_asset,
    ("registers", "retention_class"): retention_class,
    ("registers", "retention_run"): retention_run,
    ("registers", "ropa_entry"): ropa_entry,
    ("registers", "transfer"): transfer,
    ("registers", "test_dataset"): test_dataset,
    ("registers", "blocked_record"): blocked_record,
}
