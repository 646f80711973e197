"""How a working paper groups what the model counted: by source, by section, by what planned controls wait for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from compliance.reports.model import (
    REQUIREMENT_STATUSES,
    ControlView,
    Counts,
    CoverageView,
    FrameworkView,
    RequirementView,
    count,
)
from compliance.reports.texts import Language, text, word
from compliance.schemas.catalogue import Text
from compliance.schemas.results import AnchorView, Coverage

# Codes that the controls alone explain: the paper counts them, and the table below the line names them.
COUNTED = frozenset(
    {"controls_pass", "control_fails", "control_unknown", "controls_and_manual", "controls_not_applicable"}
)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of a framework with its requirements in order."""

    id: str
    title: Text
    requirements: tuple[RequirementView, ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class SourceRows:
    """What was had of one source, gaps first."""

    source: str
    collector: str
    rows: tuple[CoverageView, ...]

    @property
    def complete(self) -> int:
        """How many of its kinds the newest attempt saw wholly."""
        return sum(row.complete for row in self.rows)


def sections(view: FrameworkView) -> list[Section]:
    """The framework's headings that have requirements, in its order."""
    made = []
    for name, items in groupby(view.requirements, key=lambda r: r.result.group):
        group = tuple(items)
        counts = count((r.status for r in group), REQUIREMENT_STATUSES)
        made.append(Section(name, group[0].group_title, group, counts))
    return made


def by_source(rows: Iterable[CoverageView]) -> list[SourceRows]:
    """Rows under their source; sources with a gap come first because their rows do."""
    found: dict[str, list[CoverageView]] = {}
    for row in rows:
        found.setdefault(row.row.source, []).append(row)
    return [SourceRows(name, members[0].row.collector, tuple(members)) for name, members in found.items()]


def waited_for(control: ControlView) -> tuple[str, ...]:
    """The systems that a planned control waits for, as the catalogue names them, each with a capital."""
    planned = control.result.planned
    parts = [part.strip() for part in planned.from_.split(";")] if planned else []
    return tuple(f"{part[0].upper()}{part[1:]}" for part in parts if part)


def waiting(controls: Iterable[ControlView]) -> list[tuple[str, int]]:
    """Each system that something waits for, and how many controls do, most first."""
    tally = Counter(system for control in controls for system in waited_for(control))
    return sorted(tally.items(), key=lambda item: (-item[1], item[0]))


def by_system(controls: Iterable[ControlView]) -> list[tuple[tuple[str, ...], list[ControlView]]]:
    """Every planned control once, under exactly the systems it waits for; the longest lists first."""
    found: dict[tuple[str, ...], list[ControlView]] = {}
    for control in controls:
        found.setdefault(waited_for(control), []).append(control)
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))


def basis(view: RequirementView, language: Language) -> str:
    """Why a requirement got its verdict, in a line.

    Where the controls decide it, they are counted: the names stand in the table below. Else it is the recorded reason,
    in Spanish after the code's own words.
    """
    result = view.result
    general = word("code", result.code, language)
    general = f"{general[:1].upper()}{general[1:]}"
    if result.code in COUNTED:
        direct = count((link.status for link in view.links if link.direct), REQUIREMENT_STATUSES)
        counted = ", ".join(
            f"{text('n_of', language, n=n, total=direct.total)} {word('status', status, language).lower()}"
            for status, n in direct.by.items()
            if n
        )
        with_manual = f"; {', '.join(result.attestations)}" if result.code == "controls_and_manual" else ""
        return f"{general} ({counted}{with_manual})"
    if not result.reason or (result.code == "manual_missing" and not result.attestations):
        return general  # the forms asked for are printed beside it
    if language == "en":
        named_first = "." in result.reason.split(maxsplit=1)[0]  # the id of a control stays as it is
        return result.reason if named_first else f"{result.reason[:1].upper()}{result.reason[1:]}"
    return f"{general} ({text('recorded_reason', language)}: {result.reason})"


def repeated(rows: Sequence[CoverageView]) -> Mapping[int, int]:
    """Entry → earlier entry of the same source whose requests, and the digests of their answers, are the same."""
    first: dict[tuple[str, str], int] = {}
    found = {}
    for view in rows:
        row, entry = view.row, reference(view.row)
        if entry is None or len(row.requests) < 2:
            continue
        earlier = first.setdefault((row.source, repr([sorted(q.items()) for q in row.requests])), entry)
        if earlier != entry:
            found[entry] = earlier
    return found


def reference(row: Coverage) -> int | None:
    """The entry under which the evidence index lists a collection."""
    return row.complete_entry if row.complete_entry is not None else row.entry


def checkpoint_size(checkpoint: str) -> int | None:
    """The number of entries that a signed note covers: its second line."""
    lines = checkpoint.split("\n")
    return int(lines[1]) if len(lines) > 1 and lines[1].isdecimal() else None


def anchor_says(anchor: AnchorView, language: Language) -> str:
    """What one anchor says of the ledger, in words."""
    at = f"{anchor.at:%Y-%m-%d %H:%M} UTC" if anchor.at else text("anchor_time_unknown", language)
    said = text(f"anchor_{anchor.state}", language, size=anchor.agreed, at=at, tail=anchor.tail)
    return f"{said}; {text('anchor_shared', language)}" if anchor.shared else said


def run_notes(view: FrameworkView, language: Language) -> list[str]:
    """What was unusual about this run: what the ledger's state and the results show, then what was recorded."""
    ledger = view.audit.ledger
    missed = [anchor.name for anchor in ledger.anchors if anchor.state != "ok"]
    vouched = any(anchor.state == "ok" and anchor.shared is None for anchor in ledger.anchors)
    own: list[Any] = [
        None if ledger.verified else text("note_unverified", language),
        None if ledger.lock_store == "ok" else text("note_lock", language),
        text("note_anchors", language, names=", ".join(missed)) if missed else None,
        None if vouched else text("note_no_anchor", language),
        text("note_missing", language, names=", ".join(view.missing_controls)) if view.missing_controls else None,
    ]
    return [*(note for note in own if note), *view.audit.notes]
