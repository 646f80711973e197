"""The results that audits wrote, compared with what was planted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from examples.demo_year.faults import FAULTS, PLANNED, Explained, Fails, Fault, Gap, Seen, Then, Undecided

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Results:
    """Result documents (JSON) of the audits: over the period, one per framework; of days, by day and `known`; and what
    `--explain` said, by day."""

    period: Sequence[Document]
    days: Mapping[tuple[str, str], Sequence[Document]]
    explained: Mapping[str, Document] = field(default_factory=dict)

    def over(self, name: str) -> Document | None:
        """A control over the period, as whichever framework reports it."""
        found = (one for document in self.period for one in document["period"]["controls"])
        return next((one for one in found if one["control"] == name), None)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the comparison."""

    fault: str
    where: str
    ok: bool


def compare(results: Results, faults: Sequence[Fault] = FAULTS) -> list[Row]:
    """Each place where a fault must be seen, and whether it is; at the end each control that fails unplanned."""
    rows = [Row(fault.name, words(one), seen(results, one)) for fault in faults for one in fault.seen]
    failing = {one["control"] for document in results.period for one in document["period"]["controls"] if _fails(one)}
    rows += [Row("(not planted)", f"period: {name} fails", False) for name in sorted(failing - PLANNED)]
    return rows


def seen(results: Results, one: Seen) -> bool:
    """Whether the results show it."""
    if isinstance(one, Fails):
        found = results.over(one.control)
        return found is not None and _fails(found) and any(_is(one, each) for each in found["exceptions"])
    if isinstance(one, Gap):
        wanted = (one.source, one.kind, one.cause, one.start, one.end)
        gaps = (gap for document in results.period for gap in document["period"]["gaps"])
        return any((g["source"], g["kind"], g["cause"], _at(g["start"]), _at(g["end"])) == wanted for g in gaps)
    if isinstance(one, Undecided):
        found = results.over(one.control)
        spans = [s for s in found["timeline"] if s["verdict"] == "unknown"] if found else []
        return any(one.start <= _at(s["start"]) <= one.end == _at(s["end"]) for s in spans)
    if isinstance(one, Then):
        controls = [c for document in results.days[one.day, one.known] for c in document["controls"]]
        said = [(c["verdict"], c["waived"]) for c in controls if c["id"] == one.control]
        return bool(said) and set(said) == {(one.verdict, one.waived)}
    differences = results.explained[one.day]["differences"]
    return any(d["control"] == one.control and one.cause in d["causes"] for d in differences)


def words(one: Seen) -> str:
    """Where it must be seen, for people."""
    if isinstance(one, Fails):
        until = f" until {one.end:%Y-%m-%d}" if one.end else ""
        since = f" {one.resource} {one.code} from {one.first:%Y-%m-%d}{until}" if one.first else ""
        return f"period: {one.control} fails{since}"
    if isinstance(one, Gap):
        return f"period: gap of {one.source} {one.kind} from {one.start:%Y-%m-%d} to {one.end:%Y-%m-%d}, {one.cause}"
    if isinstance(one, Undecided):
        return f"period: {one.control} unknown until {one.end:%Y-%m-%d}"
    if isinstance(one, Then):
        return f"{one.day}, known {one.known}: {one.control} {one.verdict}{', accepted' if one.waived else ''}"
    assert isinstance(one, Explained)
    return f"{one.day} explained: {one.control}, {one.cause}"


def table(rows: Sequence[Row]) -> str:
    """The comparison as lines of text."""
    width = max(len(row.fault) for row in rows)
    return "\n".join(f"{'ok ' if row.ok else 'NOT'}  {row.fault:<{width}}  {row.where}" for row in rows)


def _is(wanted: Fails, found: Document) -> bool:
    if wanted.resource is None:
        return True
    start, end = _at(found["start"]), found["end"] and _at(found["end"])
    return (
        (found["resource"], found["code"]) == (wanted.resource, wanted.code)
        and (wanted.first is None or wanted.first <= start)
        and (wanted.latest is None or start <= wanted.latest)
        and (wanted.end is None or end == wanted.end)
        and found["waiver"] is None
    )


def _fails(one: Document) -> bool:
    return bool(one["verdict"] == "fail")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
