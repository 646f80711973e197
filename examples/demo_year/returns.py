"""What the owner of the registers says of those that may be empty, or of which nothing may be missing: how many entries
they hold; on the second of each month, and in the evening of a day on which one grew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from examples.demo_year.calendar import BEGIN, DAY, LAST, at, midnight
from examples.demo_year.writing import Pair, Rows

OWNER = "Ana Ruiz Cordero"
VOUCHED = (
    "access_review_item",
    "audit_finding",
    "breach",
    "change_request",
    "consent_event",
    "control_failure",
    "data_request",
    "erasure_job",
    "incident",
    "notice_delivery",
    "pentest_finding",
    "postmortem_action",
)
# Of failures of controls nothing was said in March: what was said in February was too old from 9 March to 2 April.
FORGOTTEN = ("control_failure", at("2025-03-02 20:00"))


def returns(answers: Mapping[Pair, Callable[[datetime], Rows]]) -> Callable[[datetime], Rows]:
    """The register of returns about registers in `answers`; older ones than the last two of each are put away."""
    said: dict[str, list[tuple[datetime, int]]] = {}

    def register_return(now: datetime) -> Rows:
        if not said:
            said.update({kind: _said(kind, answers["registers", kind]) for kind in VOUCHED})
        return [
            {
                "of_kind": kind,
                "of_source": "registers",
                "returned_at": when,
                "by_person": OWNER,
                "covers_until": when,
                "entries": entries,
                "reviewed_by": "Raúl Ibarra León",
            }
            for kind, every in said.items()
            for when, entries in [one for one in every if one[0] <= now][-2:]
        ]

    return register_return


def _said(kind: str, rows: Callable[[datetime], Rows]) -> list[tuple[datetime, int]]:
    found = []
    evening, before = BEGIN.replace(hour=20) - DAY, -1
    while evening < midnight(LAST):
        entries = len(rows(evening))
        if (entries != before or evening.day == 2) and (kind, evening) != FORGOTTEN:
            found.append((evening, entries))
        evening, before = evening + DAY, entries
    return found
