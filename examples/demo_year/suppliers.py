"""Whom the school buys from, on what terms, and what they have others attest."""

from __future__ import annotations

from datetime import datetime

from examples.demo_year.calendar import DAY, at
from examples.demo_year.kept import last_of
from examples.demo_year.writing import Rows

REVIEWED = (at("2024-06-10"), at("2025-06-09"))
SUPPLIERS = (
    ("Nube Austral", "hosting", "P-002", True, False, "K-01", at("2023-05-20")),
    ("Pago Claro", "card payments", "P-008", False, True, "K-02", at("2024-02-12")),
)
CLAUSES = [
    "audit",
    "card_data_responsibility",
    "confidentiality",
    "deletion_or_return",
    "documented_instructions",
    "no_transfer",
    "processing_described",
    "purpose_limit",
    "security",
    "subprocessor_authorisation",
]


def vendor(now: datetime) -> Rows:
    """Looked at each June."""
    return [
        {
            "vendor": name,
            "service": service,
            "status": "active",
            "owner": owner,
            "risk_tier": 1,
            "is_hosting": hosting,
            "personal_data": True,
            "regimes": ["lfpdppp"],
            "account_data": cards,
            "contract_id": contract_id,
            "due_diligence_at": signed - 20 * DAY,
            "started_at": signed + 10 * DAY,
            "last_review_at": last_of(REVIEWED, now),
        }
        for name, service, owner, hosting, cards, contract_id, signed in SUPPLIERS
    ]


def contract(now: datetime) -> Rows:
    """Open-ended, with the clauses that the law of Mexico and PCI DSS ask for."""
    return [
        {
            "contract_id": contract_id,
            "party": name,
            "contract_type": "vendor",
            "owner": owner,
            "status": "signed",
            "signed_at": signed,
            "in_use": True,
            "is_open_ended": True,
            "regimes": ["lfpdppp"],
            "purposes": [service],
            "clauses": CLAUSES,
            "clauses_checked_at": last_of(REVIEWED, now),
            "clauses_checked_by": "P-001",
            "document_ref": f"{contract_id}.pdf",
        }
        for name, service, owner, _, _, contract_id, signed in SUPPLIERS
    ]


def provider_assurance(now: datetime) -> Rows:
    """Their reports, each spring, read in the same month."""
    kinds = {"Nube Austral": "soc2_type2", "Pago Claro": "pci_aoc"}
    return [
        {
            "report_id": f"PA-{name}-{issued:%Y}",
            "vendor": name,
            "report_type": kind,
            "issued_at": issued,
            "valid_until": issued + 390 * DAY,
            "covers_service": True,
            "reviewed_at": issued + 14 * DAY,
            "reviewed_by": "P-010",
            "is_sufficient": True,
        }
        for issued in (at("2024-03-18"), at("2025-03-03"))
        if issued + 14 * DAY <= now
        for name, kind in kinds.items()
    ]


ROWS = {
    ("registers", "vendor"): vendor,
    ("registers", "contract"): contract,
    ("registers", "provider_assurance"): provider_assurance,
}
