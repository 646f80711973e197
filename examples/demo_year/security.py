"""Scans, flaws, penetration tests, tests under load, reviews of access, the page where fees are paid."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from hashlib import sha256

from examples.demo_year.calendar import DAY, HOUR, at
from examples.demo_year.kept import Turns, every, known, last_of
from examples.demo_year.people import role_grant, user_account
from examples.demo_year.writing import Rows

# The approved vendor scans each quarter. The scan of the first quarter was forgotten.
SCANNED = (at("2024-12-02 08:00"), at("2025-04-14 08:00"), at("2025-07-07 08:00"), at("2025-09-29 08:00"))
SCANNED_LAST = at("2025-12-15 08:00")


def scan_run(now: datetime) -> Rows:
    """Scans from outside, all clean."""
    return [
        {
            "scan": f"VS-{when:%y%m%d}",
            "scan_type": "asv",
            "scope": "public addresses",
            "assets": ["colegio-norte.example"],
            "scanner": "Clear ASV",
            "run_at": when,
            "authenticated": False,
            "passed": True,
            "open_critical": 0,
            "open_high": 0,
        }
        for when in (*SCANNED, SCANNED_LAST)
        if when <= now
    ]


def vulnerability(now: datetime) -> Rows:
    """One each six weeks, mended within three."""
    entries = [
        {
            "vulnerability": f"CVE-2025-{10000 + n}",
            "asset": "web1",
            "owner": "P-002",
            "severity": "high" if n % 2 else "medium",
            "status": Turns("open", when + 20 * DAY, "fixed"),
            "first_seen_at": when,
            "last_seen_at": when,
            "fixed_at": when + 20 * DAY,
        }
        for n, when in enumerate(every(at("2024-12-16 04:00"), at("2025-12-31"), 42 * DAY))
    ]
    return known(entries, "first_seen_at", now)


TESTED = (at("2024-02-19"), at("2025-02-10"))  # the report


def pentest(now: datetime) -> Rows:
    """By a firm, each February, of every layer."""
    return [
        {
            "pentest": f"PT-{when:%Y}",
            "layer": layer,
            "tester": "Hawthorn Security",
            "independent": True,
            "method_ref": "OWASP WSTG, NIST SP 800-115",
            "segmentation_tested": True,
            "started_at": when - 20 * DAY,
            "ended_at": when - 10 * DAY,
            "report_at": when,
        }
        for when in TESTED
        if when <= now
        for layer in ("application", "external", "internal")
    ]


def pentest_finding(now: datetime) -> Rows:
    """Two of 2025. The first was mended in time, the second, exploitable, three weeks too late."""
    opened = TESTED[1]
    ends = (("PT-2025-1", 15, 20), ("PT-2025-2", 49, 56))
    entries = [
        {
            "finding": finding,
            "pentest": "PT-2025",
            "owner": "P-002",
            "severity": "high",
            "status": Turns("open", opened + fixed * DAY, "fixed"),
            "exploitable": True,
            "opened_at": opened,
            "fixed_at": opened + fixed * DAY,
            "retested_at": opened + retested * DAY,
            "retest_passed": Turns(None, opened + retested * DAY, True),
        }
        for finding, fixed, retested in ends
    ]
    return known(entries, "opened_at", now)


def load_test(now: datetime) -> Rows:
    """Each twelve weeks, on a copy that is like production."""
    return [
        {
            "load_test": f"LT-{when:%y%m%d}",
            "service": "school",
            "environment": "staging",
            "is_like_production": True,
            "version": f"{when:%Y.%m}",
            "tool": "k6",
            "started_at": when,
            "finished_at": when + HOUR,
            "expected_peak_rps": 180,
            "achieved_rps": 260,
            "requests": 930000,
            "errors": 12,
            "p95_ms": 420,
            "p95_limit_ms": 800,
            "passed": True,
            "performed_by": "P-002",
            "reference": f"LT-{when:%y%m%d}.html",
        }
        for when in every(at("2024-12-11 20:00"), at("2025-12-31"), 84 * DAY)
        if when + HOUR <= now
    ]


def content_scan(now: datetime) -> Rows:
    """Stores are searched each Friday evening for what must not be in them."""
    searched = last_of(every(at("2024-12-20 20:00"), at("2025-12-31"), 7 * DAY), now)
    return [
        {
            "scan": f"SC-{searched:%y%m%d}-{store}-{scan_type}",
            "store": store,
            "scan_type": scan_type,
            "tool": "content-scan 3.1",
            "run_at": searched,
            "is_complete": True,
            "scope": "everything",
            "items_read": 1804322,
            "hits": 0,
            "false_alarms": 0,
        }
        for store in ("school", "archive")
        for scan_type in ("pan", "cvv", "secrets", "identity_fields")
    ]


PAGE = "https://colegio-norte.example/pago"


def payment_script(now: datetime) -> Rows:
    """What runs on the page where fees are paid."""
    return [
        {
            "page": PAGE,
            "script": "https://js.pagoclaro.example/v3.js",
            "authorised_by": "P-004",
            "authorised_at": at("2024-01-22"),
            "justification": "card form of the provider",
            "integrity_checked": True,
            "first_seen_at": at("2024-01-24"),
            "last_seen_at": now - HOUR,
        }
    ]


def page_monitor(now: datetime) -> Rows:
    """It is watched each night."""
    watched = {"last_check_at": now - HOUR, "unauthorised_changes": 0, "alerts_routed": True}
    return [{"page": PAGE, "monitor": "page-watch", **watched}]


# Reviews of every account of the directory: when the list was taken; it is closed a week later.
TAKEN = (
    at("2024-12-06 03:30"),
    at("2025-03-03 03:30"),
    at("2025-06-02 03:30"),
    at("2025-09-01 03:30"),
    at("2025-11-28 03:30"),
)


@cache
def _reviewed(taken: datetime) -> Rows:
    grants = {one["account"]: one for one in role_grant(taken)}
    rows = []
    for n, one in enumerate((one for one in user_account(taken) if one["is_active"]), start=1):
        grant = grants.get(one["account"])
        leaver = one["account"] == "ivan" and taken > at("2025-02-14 18:00")
        rows.append(
            {
                "campaign": f"AR-{taken:%Y-%m}",
                "item": str(n),
                "account": one["account"],
                "role": grant["role"] if grant else "*",
                "scope": grant["scope"] if grant else "*",
                "person": one.get("person"),
                "reviewer": "P-001" if one.get("person") == "P-004" else "P-004",
                "decision": "revoke" if leaver else "keep",
                "decided_at": taken + 3 * DAY,
                "justification": "has left" if leaver else "needed for the job",
                "remediated_at": at("2025-03-07 15:00") if leaver else None,
            }
        )
    return rows


def access_review_campaign(now: datetime) -> Rows:
    """Each quarter, acknowledged by the director."""
    entries = [
        {
            "campaign": f"AR-{taken:%Y-%m}",
            "account_source": "directory",
            "scope": "all",
            "owner": "P-001",
            "opened_at": taken,
            "due_at": taken.replace(hour=0, minute=0) + 14 * DAY,
            "closed_at": taken + 7 * DAY,
            "population_taken_at": taken,
            "population_query": "every account and right of the directory",
            "population_count": len(_reviewed(taken)),
            "population_sha256": sha256(repr(_reviewed(taken)).encode()).hexdigest(),
            "signed_off_by": Turns(None, taken + 7 * DAY, "P-004"),
            "signed_off_at": taken + 7 * DAY,
            "report_sha256": None,
        }
        for taken in TAKEN
    ]
    return known(entries, "opened_at", now)


def access_review_item(now: datetime) -> Rows:
    """Three days after each list was taken the decisions are written down."""
    return [row for taken in TAKEN if taken + 3 * DAY <= now for row in known(_reviewed(taken), "decided_at", now)]


ROWS = {
    ("registers", "scan_run"): scan_run,
    ("registers", "vulnerability"): vulnerability,
    ("registers", "pentest"): pentest,
    ("registers", "pentest_finding"): pentest_finding,
    ("registers", "load_test"): load_test,
    ("registers", "content_scan"): content_scan,
    ("registers", "payment_script"): payment_script,
    ("registers", "page_monitor"): page_monitor,
    ("registers", "access_review_campaign"): access_review_campaign,
    ("registers", "access_review_item"): access_review_item,
}
