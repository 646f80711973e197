"""What people did in the year besides what is read daily: the waiver, the documents and what is declared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from compliance.app import decisions
from compliance.app.decisions import Statement, WaiverRequest
from compliance.schemas.kinds.engine import ENGINE
from examples.demo_year.calendar import at
from examples.demo_year.writing import Story

# Sources that answer nothing: from the first reading that fails to the last one.
OUTAGE = ("edge", at("2025-01-20 03:00"), at("2025-01-28 03:00"))


def ask_for_waiver(told: Story) -> None:
    """The old machine will keep its logs for too short a time until it is replaced."""
    asked = WaiverRequest(
        control="logging.retention_12m",
        source="host",
        resource="host/legacy /var/log/auth.log",
        reason="its disk is too small; the machine is replaced in March",
        compensating_control="its log is read weekly",
        expires_at=at("2025-03-31 23:59:59"),
        by="Luis Mora Vidal",
    )
    decisions.approve_waiver(told.workspace, decisions.request_waiver(told.workspace, asked), "Lucía Ferrer Soto")


def report(occurred: str, expires: str) -> Callable[[Story], None]:
    """The report of the provider about the encryption of its disks, of a day."""

    def told_of(told: Story) -> None:
        said = Statement(
            form="external_report",
            statement="the volumes of db1 are encrypted",
            by="Luis Mora Vidal",
            reviewed_by="Lucía Ferrer Soto",
            occurred_at=at(occurred),
            expires_at=at(expires),
            control="db.encrypted_at_rest",
            resources=["db/db1:5432"],
        )
        decisions.attest(told.workspace, said)

    return told_of


def declare(told: Story) -> None:
    """The director declares each half year what the school is not: nobody of the European Union, no funds of the
    United States."""
    common = {"value": False, "declared_by": "Raúl Ibarra León", "declared_at": told.now}
    told.read({(ENGINE, "profile_flag"): [{"flag": flag, **common} for flag in ("eu_subjects", "education_records")]})


HAPPENED: tuple[tuple[datetime, Callable[[Story], None]], ...] = (
    (at("2024-12-30 10:00"), report("2024-03-01", "2025-02-28 23:59:59")),
    (at("2024-12-30 11:00"), declare),
    (at("2025-02-01 11:00"), ask_for_waiver),
    (at("2025-04-02 09:00"), report("2025-02-20", "2026-02-20 23:59:59")),  # six weeks late
    (at("2025-06-30 10:00"), declare),
)
