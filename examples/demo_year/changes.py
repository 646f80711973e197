"""What was changed and when: changes, deployments, windows of maintenance, trials of going back."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha1

from examples.demo_year.calendar import DAY, HOUR, at
from examples.demo_year.kept import MINUTE, Turns, every, known, last_of, monthly
from examples.demo_year.writing import Rows

# Each second Thursday evening.
MADE = tuple(every(at("2024-12-05 20:00"), at("2025-12-31"), 14 * DAY))
# A certificate that broke sign-in was replaced at night; nobody looked at that change before April.
EMERGENCY, LOOKED_AT = at("2025-01-21 22:10"), at("2025-04-07 10:00")


def change_request(now: datetime) -> Rows:
    """A change each fortnight, asked for a week before; and those in a hurry."""
    common = {"is_production": True, "is_significant": False, "risk": "low", "security_impact": "none"}
    entries = [
        {
            **common,
            "change": f"CH-{when:%y%m%d}",
            "change_type": "normal",
            "requested_at": when - 7 * DAY,
            "status": Turns("approved", when, "implemented"),
            "requested_by": "P-005",
            "reason": "fortnightly release",
            "test_ref": f"CI-{when:%y%m%d}",
            "rollback_plan": "deploy the release before",
            "approved_by": "P-010",
            "approved_at": when - 2 * DAY,
            "implemented_by": "P-002",
            "implemented_at": when,
            "completed_at": when + HOUR,
        }
        for when in MADE
    ]
    entries += [
        _emergency(EMERGENCY, "certificate of the sign-in expired", LOOKED_AT),
        _emergency(at("2025-06-11 13:05"), "a worker used up its memory", at("2025-06-12 10:00")),
    ]
    rows = known(entries, "requested_at", now)
    return [{name: value for name, value in row.items() if name != "requested_at"} for row in rows]


def _emergency(when: datetime, reason: str, reviewed: datetime) -> dict[str, object]:
    return {
        "change": f"CH-{when:%y%m%d}E",
        "change_type": "emergency",
        "requested_at": when - HOUR,
        "status": Turns("approved", when, "implemented"),
        "is_production": True,
        "is_significant": False,
        "requested_by": "P-002",
        "reason": reason,
        "risk": "medium",
        "security_impact": "none",
        "test_ref": f"T-{when:%y%m%d}",
        "rollback_plan": "put back what was there",
        "approved_by": "P-010",
        "approved_at": when - 20 * MINUTE,
        "implemented_by": "P-002",
        "implemented_at": when,
        "completed_at": when + 10 * MINUTE,
        "post_review_by": Turns(None, reviewed, "P-001"),
        "post_review_at": reviewed,
    }


def _commit(when: datetime) -> str:
    return sha1(f"{when:%Y-%m-%d}".encode(), usedforsecurity=False).hexdigest()


def deployment(now: datetime) -> Rows:
    """What each release brought into production."""
    return [
        {
            "deployment": f"DP-{when:%y%m%d}",
            "environment": "production",
            "is_production": True,
            "deployed_at": when,
            "deployed_by": "P-002",
            "repository": "school",
            "commit": _commit(when),
            "pull_request": f"{400 + n}",
            "change": f"CH-{when:%y%m%d}",
            "ci_passed": True,
        }
        for n, when in enumerate(MADE)
        if when <= now
    ]


def tenant_isolation_test(now: datetime) -> Rows:
    """Each night the suite that tries to cross from one school to another, on what is in production."""
    commit = _commit(last_of(MADE, now))
    return [
        {
            "run": f"ci-{now:%y%m%d}",
            "application": "school-app",
            "suite": "isolation",
            "environment": "ci",
            "commit": commit,
            "deployed_commit": commit,
            "started_at": now - HOUR,
            "finished_at": now - 50 * MINUTE,
            "tenants": 3,
            "tests": 140,
            "passed": 140,
            "failed": 0,
            "skipped": 0,
        }
    ]


TRIED = tuple(every(at("2024-12-03 21:00"), at("2025-12-31"), 84 * DAY))


def rollback_event(now: datetime) -> Rows:
    """Going back is tried each twelve weeks."""
    return [
        {
            "rollback": f"RB-{when:%y%m%d}",
            "deployment": f"DP-{last_of(MADE, when):%y%m%d}" if when >= MADE[0] else "DP-241128",
            "is_drill": True,
            "started_at": when,
            "finished_at": when + 6 * MINUTE,
            "succeeded": True,
        }
        for when in TRIED
        if when <= now
    ]


NIGHTS = tuple(monthly(at("2024-12-11 22:00"), at("2025-12-31")))


def maintenance_window(now: datetime) -> Rows:
    """Updates each month at night, planned ten days before."""
    entries = [
        {
            "window": f"MW-{when:%y%m}",
            "window_type": "monthly_update",
            "planned": when - 10 * DAY,
            "status": Turns("planned", when + HOUR, "completed"),
            "owner": "P-002",
            "planned_start": when,
            "planned_end": when + 2 * HOUR,
            "actual_start": when + MINUTE,
            "actual_end": when + HOUR,
            "customer_impact": True,
        }
        for when in NIGHTS
    ]
    rows = known(entries, "planned", now)
    return [{name: value for name, value in row.items() if name != "planned"} for row in rows]


def downtime_notice(now: datetime) -> Rows:
    """Staff and customers are told nine days before."""
    return [
        {
            "notice": f"DN-{when:%y%m}-{audience}",
            "window": f"MW-{when:%y%m}",
            "audience": audience,
            "channels": ["email", "status page"],
            "sent_at": when - 9 * DAY,
        }
        for when in NIGHTS
        for audience in ("customers", "staff")
        if when - 9 * DAY <= now
    ]


def environment(now: datetime) -> Rows:
    """Looked at at the beginning of each quarter."""
    checked = last_of(every(at("2024-12-02"), at("2025-12-31"), 85 * DAY), now)
    apart = {"separate_account": True, "separate_network": True, "shared_credentials": False, "checked_at": checked}
    return [
        {"environment": name, "owner": "platform team", "is_production": name == "production", **apart}
        for name in ("production", "staging")
    ]


ROWS = {
    ("registers", "change_request"): change_request,
    ("registers", "deployment"): deployment,
    ("registers", "tenant_isolation_test"): tenant_isolation_test,
    ("registers", "rollback_event"): rollback_event,
    ("registers", "maintenance_window"): maintenance_window,
    ("registers", "downtime_notice"): downtime_notice,
    ("registers", "environment"): environment,
}
