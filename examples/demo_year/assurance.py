"""What others looked at, and what was tried: audits, certificates, exercises; keys and how often things are done."""

from __future__ import annotations

from datetime import datetime

from examples.demo_year.calendar import DAY, at
from examples.demo_year.kept import Turns, known, last_of
from examples.demo_year.writing import Rows


def audit_engagement(now: datetime) -> Rows:
    """The internal audit, each spring."""
    return [
        {
            "engagement": f"AE-{when:%Y}",
            "engagement_kind": "internal_audit",
            "scope": "clauses 4 to 10",
            "covers_isms": True,
            "is_independent": True,
            "firm": "Auditoría interna",
            "started_at": when - 20 * DAY,
            "report_at": when,
            "report_ref": f"AE-{when:%Y}.pdf",
            "findings": 1,
        }
        for when in (at("2024-05-10"), at("2025-05-06"))
        if when <= now
    ]


def audit_finding(now: datetime) -> Rows:
    """One of each audit, closed in time."""
    entries = [
        {
            "audit_finding": f"F-{when:%Y}",
            "engagement": f"AE-{when:%Y}",
            "origin": "internal_audit",
            "title": "two suppliers were not reviewed",
            "severity": "medium",
            "owner": "P-001",
            "status": Turns("open", when + 60 * DAY, "closed"),
            "opened_at": when,
            "due_at": when + 90 * DAY,
            "closed_at": when + 60 * DAY,
            "closed_by": Turns(None, when + 60 * DAY, "P-004"),
        }
        for when in (at("2024-05-10"), at("2025-05-06"))
    ]
    return known(entries, "opened_at", now)


def certificate(now: datetime) -> Rows:
    """What others attested to the school."""
    entries = [
        {
            "certificate": "CERT-7",
            "certificate_kind": "iso27001_2022",
            "issuer": "Norte Certificación",
            "scope": "school platform",
            "issued_at": at("2024-02-05"),
            "expires_at": at("2027-02-04"),
            "last_audit_at": Turns(at("2024-02-01"), at("2025-01-30"), at("2025-01-30")),
        },
        *(
            {
                "certificate": f"SOC-{end:%Y}",
                "certificate_kind": "soc2_type2",
                "issuer": "Fieldstone CPA",
                "scope": "school platform",
                "period_start": end.replace(year=end.year - 1) + DAY,
                "period_end": end,
                "issued_at": end + 40 * DAY,
                "is_qualified": False,
            }
            for end in (at("2023-09-30"), at("2024-09-30"), at("2025-09-30"))
        ),
        *(
            {
                "certificate": f"SAQ-{when:%Y}",
                "certificate_kind": "pci_saq",
                "issuer": "Colegio del Norte",
                "scope": "payments of fees",
                "issued_at": when,
                "expires_at": when + 365 * DAY,
            }
            for when in (at("2024-04-22"), at("2025-04-21"))
        ),
    ]
    return known(entries, "issued_at", now)


def continuity_exercise(now: datetime) -> Rows:
    """Each autumn, a technical one and one at the table."""
    return [
        {
            "exercise": f"EX-{when:%Y}-{kind}",
            "exercise_kind": kind,
            "plan": "POL-06",
            "held_at": when,
            "passed": True,
            "report_ref": f"EX-{when:%Y}-{kind}.pdf",
            "led_by": "P-004",
        }
        for when in (at("2024-10-10 15:00"), at("2025-10-02 15:00"))
        if when <= now
        for kind in ("technical", "tabletop")
    ]


def targeted_risk_analysis(now: datetime) -> Rows:
    """How often what PCI DSS leaves open is done."""
    approved = last_of((at("2024-01-22"), at("2025-01-13")), now)
    every_days = {"5.2.3.1": 184, "5.3.2.1": 7, "7.2.5.1": 184, "8.6.3": 365, "10.4.2.1": 7}
    every_days |= {"11.3.1.1": 92, "11.6.1": 7, "12.10.4.1": 365}
    return [
        {
            "analysis": f"TRA-{requirement}",
            "requirement": requirement,
            "frequency_days": days,
            "approved_by": "P-004",
            "approved_at": approved,
            "reviewed_at": approved,
            "document": f"TRA-{requirement}.pdf",
        }
        for requirement, days in every_days.items()
    ]


def crypto_key(now: datetime) -> Rows:
    """The key of the backups, turned each half year."""
    turned = last_of((at("2024-07-08"), at("2025-01-07"), at("2025-07-08")), now)
    return [
        {
            "key_manager": "vault",
            "crypto_key": "backup",
            "purpose": "encrypts backups",
            "environment": "production",
            "algorithm": "aes-256",
            "in_key_manager": True,
            "is_exportable": False,
            "custodians": 3,
            "created_at": at("2023-01-09"),
            "rotated_at": turned,
            "rotation_days": 365,
        }
    ]


ROWS = {
    ("registers", "audit_engagement"): audit_engagement,
    ("registers", "audit_finding"): audit_finding,
    ("registers", "certificate"): certificate,
    ("registers", "continuity_exercise"): continuity_exercise,
    ("registers", "targeted_risk_analysis"): targeted_risk_analysis,
    ("registers", "crypto_key"): crypto_key,
}
