"""Runs the cases of a control: rows in, verdict out, on a real sealed evidence base.

What a case means is written at `schemas.catalogue.Case`. The moment judged is always 2026-01-15T12:00:00Z; a time may
be written relative to it: `as_of`, `as_of-3d`, `as_of+90min` (min, h or d).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from compliance.controls.catalogue import LoadedControl
from compliance.controls.evaluate import evaluate_one
from compliance.controls.evidence_base import ENGINE_KINDS, INPUT, EvidenceBase
from compliance.controls.yaml_file import line_of, nearest
from compliance.schemas.canonical import jsonable
from compliance.schemas.catalogue import Case, duration
from compliance.schemas.errors import ControlError
from compliance.schemas.evidence import VIEW_COLUMNS, kind_named
from compliance.schemas.results import AttestationView, ControlResult, Coverage, FlagView

AS_OF = datetime(2026, 1, 15, 12, tzinfo=UTC)
SOURCE = "case"

_RELATIVE = re.compile(r"as_of(?:([+-])(\d+(?:min|h|d)))?\Z")


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """One case, what came of it, and how that differs from what it expects (nothing, when it holds)."""

    control: str
    case: Case
    result: ControlResult
    line: int  # in the control's YAML
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """The case holds."""
        return not self.problems


def run_cases(loaded: LoadedControl) -> list[CaseOutcome]:
    """The outcome of every case, in order.

    Raises:
        ControlError: a row does not fit its kind; names file and line.
    """
    content = loaded.path.read_bytes()
    return [_run(loaded, case, line_of(content, ("cases", n)), content, n) for n, case in enumerate(loaded.cases)]


def evaluate_case(loaded: LoadedControl, case: Case) -> ControlResult:
    """The result of `loaded` on the rows of `case`."""
    with evidence_of(loaded, case) as base:
        return evaluate_on(base, loaded, case)


def evidence_of(loaded: LoadedControl, case: Case) -> EvidenceBase:
    """The rows of `case` as evidence; close it after use."""
    tables, sources = _tables(case)
    coverage = _coverage(loaded, case, sources)
    if case.nil_return and "kept_register" not in loaded.kinds:
        tables["kept_register"], owned = _owned(coverage)
        coverage += owned
    kinds = dict.fromkeys((*loaded.kinds, *tables))
    return EvidenceBase.build(tables, coverage, kinds=kinds, threads=1)


def evaluate_on(base: EvidenceBase, loaded: LoadedControl, case: Case) -> ControlResult:
    """The result of `loaded` on what `evidence_of` gave for `case`."""
    return evaluate_one(
        loaded,
        base,
        as_of=AS_OF,
        override=case.parameters,
        profile=[
            FlagView(flag, value, "case", AS_OF - timedelta(days=1), True, None) for flag, value in case.profile.items()
        ],
        attestations=[_nil_return(loaded.id)] if case.nil_return else [],
    )


def _run(loaded: LoadedControl, case: Case, line: int, content: bytes, number: int) -> CaseOutcome:
    try:
        result = evaluate_case(loaded, case)
    except _Misfit as error:
        at = line_of(content, ("cases", number, "given", *error.location))
        raise ControlError(f"case {case.name!r}: {error}", path=str(loaded.path), line=at) from error
    return CaseOutcome(loaded.id, case, result, line, tuple(differences(case, result)))


def differences(case: Case, result: ControlResult) -> list[str]:
    """How a result differs from what `case` expects, in words."""
    problems = []
    if result.verdict is not case.expect:
        problems.append(f"expected {case.expect}, got {result.verdict} ({result.reason})")
    elif case.unknown_reason is not None and result.unknown_reason != case.unknown_reason:
        problems.append(
            f"expected unknown: {case.unknown_reason}, got unknown: {result.unknown_reason} ({result.reason})"
        )
    if case.findings is not None:
        got = _told(result)
        problems.extend(
            f"{resource}: expected {case.findings.get(resource, 'no finding')}, got {got.get(resource, 'no finding')}"
            for resource in sorted({*case.findings, *got})
            if case.findings.get(resource) != got.get(resource)
        )
    return problems


def _told(result: ControlResult) -> dict[str, str]:
    """Resource → `verdict:code`; a resource that several sources have is written `source|resource`."""
    names = [finding.resource for finding in result.findings]
    return {
        finding.resource if names.count(finding.resource) == 1 else f"{finding.source}|{finding.resource}": (
            f"{finding.verdict}:{finding.code}"
        )
        for finding in result.findings
    }


class _Misfit(Exception):
    def __init__(self, message: str, *location: str | int) -> None:
        super().__init__(message)
        self.location = location


def _tables(case: Case) -> tuple[dict[str, pa.Table], set[tuple[str, str]]]:
    tables, sources = {}, set()
    entry = 0
    for kind, rows in case.given.items():
        built = []
        for n, row in enumerate(rows):
            entry += 1
            built.append(_row(kind, row, entry, n))
            sources.add((kind, built[-1]["source"]))
        tables[kind] = pa.Table.from_pylist(built, schema=INPUT)
    return tables, sources


def _row(kind: str, row: Mapping[str, Any], entry: int, number: int) -> dict[str, Any]:
    fields = kind_named(kind).model_fields
    record: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for name, value in row.items():
        if name in VIEW_COLUMNS:
            own[name] = _moment(value) if VIEW_COLUMNS[name] == "TIMESTAMP" else value
            continue
        if name not in fields:
            raise _Misfit(f"{kind} has no column {name!r}{nearest(name, [*fields, *VIEW_COLUMNS])}", kind, number, name)
        try:
            checked = (
                TypeAdapter(fields[name].rebuild_annotation()).validate_python(_moment(value))
                if value is not None
                else None
            )
        except ValidationError as error:
            said = error.errors(include_url=False)[0]["msg"]
            raise _Misfit(f"{kind}.{name}: {said}", kind, number, name) from error
        record[name] = jsonable(checked)
    collected = own.get("collected_at") or AS_OF - timedelta(hours=1)
    return {
        "entry": own.get("entry", entry),
        "source": own.get("source", SOURCE),
        "observed_at": own.get("observed_at") or collected,
        "subject": own.get("subject"),
        "collected_at": collected,
        "record": json.dumps(record),
    }


def _moment(value: Any) -> Any:
    found = _RELATIVE.match(value) if isinstance(value, str) else None
    if found is None:
        return value
    if found[1] is None:
        return AS_OF
    distance = duration(found[2])
    return AS_OF + distance if found[1] == "+" else AS_OF - distance


def _coverage(loaded: LoadedControl, case: Case, sources: set[tuple[str, str]]) -> list[Coverage]:
    if not case.promised:
        # The engine always answers for its own kinds; "never" is the nearest thing to nobody promising them.
        return [
            Coverage(source=SOURCE, collector=SOURCE, kind=kind, outcome="never")
            for kind in loaded.kinds
            if kind in ENGINE_KINDS
        ]
    collected = AS_OF - timedelta(hours=1)
    wanted = {(kind, SOURCE) for kind in loaded.kinds} | sources
    found = {
        (kind, source): Coverage(
            source=source,
            collector=SOURCE,
            kind=kind,
            outcome="complete",
            attempted_at=collected,
            completed_at=collected,
        )
        for kind, source in sorted(wanted)
    }
    for one in case.collections:
        at = AS_OF - one.age
        row = Coverage(source=one.source, collector=SOURCE, kind=one.kind, outcome=one.outcome, attempted_at=at)
        found[one.kind, one.source] = replace(row, completed_at=at) if one.outcome == "complete" else row
    return list(found.values())


def _owned(coverage: Sequence[Coverage]) -> tuple[pa.Table, list[Coverage]]:
    """The registers of a case: whoever makes its nil return owns every one of them."""
    rows = []
    for number, row in enumerate((row for row in coverage if kind_named(row.kind).kept), start=1):
        register = {"of_kind": row.kind, "owner": SOURCE, "form": "csv", "place": "case", "readable": True}
        rows.append(_row("kept_register", {**register, "source": row.source}, -number, number))
    owned = [
        Coverage(source, SOURCE, "kept_register", "complete", attempted_at=AS_OF, completed_at=AS_OF)
        for source in sorted({row["source"] for row in rows})
    ]
    return pa.Table.from_pylist(rows, schema=INPUT), owned


def _nil_return(control: str) -> AttestationView:
    return AttestationView(
        attestation="case-nil-return",
        form="nil_return",
        control=control,
        requirements=(),
        statement="nothing happened",
        by_person=SOURCE,
        reviewed_by=None,
        occurred_at=AS_OF - timedelta(days=1),
        expires_at=AS_OF + timedelta(days=30),
        document_sha256=None,
        in_date=True,
        entry=0,
    )
