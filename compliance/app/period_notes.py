"""What a reader of an audit over a period must know before its verdicts."""

from __future__ import annotations

from datetime import datetime

from compliance.controls.period.replay import Told
from compliance.schemas.period import PeriodView


def of_period(view: PeriodView) -> list[str]:
    """How much of the period there is to judge."""
    notes = []
    if not view.over:
        notes.append(
            f"The period goes on until {view.end:%Y-%m-%d}: it is judged up to {view.until:%Y-%m-%d %H:%M} UTC, and "
            "nothing passes before it is over."
        )
    if view.first_evidence is None:
        notes.append("Nothing was collected up to the end of the period.")
    elif view.first_evidence > view.start:
        notes.append(
            f"Collection began on {view.first_evidence:%Y-%m-%d %H:%M} UTC, after the period had: what was before "
            "counts as not observed."
        )
    return notes


def left(told: Told) -> list[str]:
    """What a report must say of sources that were taken out of the configuration in the period and not put back."""
    left = told.readings.left()
    stay = {source for source, kind in told.readings.states if (source, kind) not in left}
    gone: dict[tuple[str, datetime], list[str]] = {}
    for (source, kind), at in sorted(left.items()):
        gone.setdefault((source, at), []).append(kind)
    said = [
        f"{source}{' (' + ', '.join(kinds) + ')' if source in stay else ''} since {at:%Y-%m-%d %H:%M} UTC"
        for (source, at), kinds in gone.items()
    ]
    return [f"No longer configured, and not judged from then on: {'; '.join(said)}."] if said else []
