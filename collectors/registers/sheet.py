"""A register as rows with places, and the records that it holds: every row understood, or none taken."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from compliance.collectors.registers.cells import Wrong, value
from compliance.schemas import canonical
from compliance.schemas.errors import EvidenceError, Malformed
from compliance.schemas.evidence import Evidence

MOST_FAULTS = 200  # after that many more would not help whoever mends the file


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and where. `shown` is what stands there: for the person who mends it, never for the
    ledger, because whatever is typed into the wrong column may be personal."""

    line: int | None
    column: str | None
    what: str
    write: str
    shown: str | None = None

    def words(self, place: str) -> str:
        """The fault in one sentence, without what stands there."""
        line = f", line {self.line}" if self.line is not None else ""
        column = f", column {self.column}" if self.column else ""
        return f"{place}{line}{column}: {self.what}"


class Unreadable(Malformed):
    """A register has faults, all of which are listed. No row of it counts."""

    def __init__(self, place: str, faults: Sequence[Fault]) -> None:
        first = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        remedy = f"{first.write}; `compliance registers check` lists every fault with what stands there"
        super().__init__(first.words(place) + more, remedy=remedy)
        self.place = place
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one entry by column of the file, and its line (its number where there are no lines)."""

    line: int
    cells: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a file or table holds. `header` names the columns in order, None where each row names its own; `count` is
    how many entries the source itself counts, where it can."""

    header: Sequence[str] | None
    rows: Sequence[Row]
    header_line: int = 1
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How a register is laid out: what its columns are called, which are no evidence, the zone of its times."""

    kind: type[Evidence]
    names: Mapping[str, str] = field(default_factory=dict)  # column of the kind → name in the file
    ignore: Sequence[str] = ()
    zone: ZoneInfo | None = None
    numbers_are_truths: bool = False

    def columns(self) -> dict[str, str]:
        """Name in the file → column of the kind."""
        return {self.names.get(column, column): column for column in self.kind.model_fields}


def records(sheet: Sheet, layout: Layout, place: str) -> list[Evidence]:
    """Every entry of `sheet` as a record.

    Raises:
        Unreadable: a column is unknown, missing or there twice; a cell does not fit; a key is empty or doubled.
    """
    faults: list[Fault] = []
    if sheet.header is not None:
        faults += _header(sheet.header, layout, sheet.header_line)
    if faults:
        raise Unreadable(place, faults)
    found: list[Evidence] = []
    seen: dict[tuple[str, ...], int] = {}
    known = layout.columns()
    for row in sheet.rows:
        if len(faults) >= MOST_FAULTS:
            break
        if sheet.header is None:
            wrong = _header(list(row.cells), layout, row.line)
            if wrong:
                faults += wrong
                continue
        record, wrong = _record(row, layout, known)
        faults += wrong
        if record is None:
            continue
        try:
            key = record.key_values()
        except EvidenceError:
            empty = next(name for name in record.key if getattr(record, name) is None)
            faults.append(_empty_key(row, layout, empty))
            continue
        if key in seen:
            column = ", ".join(layout.names.get(name, name) for name in record.key)
            what = f"the same key as line {seen[key]}: two entries cannot be told apart"
            faults.append(
                Fault(row.line, column, what, "give each entry its own key, or remove the copy", " ".join(key))
            )
            continue
        seen[key] = row.line
        found.append(record)
    if faults:
        raise Unreadable(place, faults)
    return found


def header_faults(header: Sequence[str], layout: Layout) -> list[Fault]:
    """What is wrong with the columns of a table."""
    return _header(header, layout, None)


def _header(header: Sequence[str], layout: Layout, line: int | None) -> list[Fault]:
    known = layout.columns()
    faults = []
    for number, name in enumerate(header, start=1):
        if name in layout.ignore:
            continue
        if name not in known:
            near = difflib.get_close_matches(name.casefold().replace(" ", "_"), known, n=1)
            write = f"write {near[0]}" if near else f"write one of {', '.join(known)}"
            what = f"its name is no column of {layout.kind.kind}"
            faults.append(Fault(line, f"number {number}", what, f"{write}; or name it in `ignore` or `columns`", name))
        elif name in header[: number - 1]:
            faults.append(Fault(line, name, "this column is there twice", "remove or rename one of the two"))
    missing = [
        name for name, column in known.items() if layout.kind.model_fields[column].is_required() and name not in header
    ]
    faults += [
        Fault(line, name, "this column is missing, and no entry is complete without it", f"add the column {name}")
        for name in missing
    ]
    return faults


def _record(row: Row, layout: Layout, known: Mapping[str, str]) -> tuple[Evidence | None, list[Fault]]:
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, given in row.cells.items():
        if name not in known:
            continue  # ignored: the header was looked at
        column = known[name]
        info = layout.kind.model_fields[column]
        try:
            found = value(given, info.rebuild_annotation(), layout.zone, numbers_are_truths=layout.numbers_are_truths)
        except Wrong as wrong:
            faults.append(Fault(row.line, name, wrong.what, wrong.write, str(given)))
            continue
        if found is None and column in layout.kind.key:
            faults.append(_empty_key(row, layout, column))
        elif found is None and info.is_required():
            faults.append(Fault(row.line, name, "is empty, and no entry is complete without it", "fill it in"))
        elif found is not None:
            values[column] = found
    if faults:
        return None, faults
    try:
        record = layout.kind.model_validate(values)
        canonical.encode(record.row())
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False, include_context=False):
            column = str(problem["loc"][0]) if problem["loc"] else ""
            name = layout.names.get(column, column)
            said = str(problem["msg"]).removeprefix("Value error, ")
            faults.append(Fault(row.line, name or None, f"does not fit: {said}", "correct it", str(values.get(column))))
        return None, faults
    except EvidenceError as error:
        return None, [Fault(row.line, None, f"cannot be recorded: {error.message}", "correct it")]
    return record, []


def _empty_key(row: Row, layout: Layout, column: str) -> Fault:
    name = layout.names.get(column, column)
    return Fault(row.line, name, "is empty, and is part of the key of the entry", "give the entry its key")
