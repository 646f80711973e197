"""The gate for builds: one judgement over a run, in the formats that build systems read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from compliance.app.workspace import now
from compliance.reports import gate, json_report, junit, sarif, text
from compliance.reports.baseline import Baseline, read_baseline
from compliance.schemas.catalogue import Severity
from compliance.schemas.errors import ConfigError, StorageFull
from compliance.schemas.results import AuditResult


@dataclass(frozen=True, slots=True)
class Asked:
    """What the build asks for. `expires` is the end of the baseline to be written, None when none is."""

    fail_on: str
    new_only: bool
    baseline: Path | None
    allow_unknown: bool
    expires: datetime | None = None


def check(asked: Asked) -> Baseline | None:
    """The baseline, read before anything is collected.

    Raises:
        ConfigError: it is missing or malformed, nothing to compare with was given, or a new one would be over already.
    """
    if asked.new_only and asked.baseline is None:
        raise ConfigError("--new-only has nothing to compare with", remedy="give --baseline FILE")
    if asked.expires is not None and asked.expires <= now():
        raise ConfigError(
            f"a baseline that ends on {asked.expires:%Y-%m-%d} is over before it begins",
            remedy="name a later --baseline-expires",
        )
    return read_baseline(asked.baseline) if asked.baseline else None


def judge(result: AuditResult, asked: Asked, baseline: Baseline | None) -> gate.GateResult:
    """The judgement of a run, against the baseline as it stood before the run."""
    return gate.gate(
        result,
        fail_on=Severity(asked.fail_on),
        baseline=baseline,
        new_only=asked.new_only,
        allow_unknown=asked.allow_unknown,
    )


def keep(result: AuditResult, path: Path, expires: datetime) -> int:
    """Write the violations of this run as a baseline; how many."""
    try:
        return gate.write_baseline(result, path, expires=expires)
    except OSError as error:
        raise StorageFull(f"{path} cannot be written: {error.strerror}", remedy="choose another place") from error


def documents(result: AuditResult, judged: gate.GateResult, formats: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """(file name, content) for each format asked for."""
    for name in formats:
        match name:
            case "json":
                yield "gate.json", json_report.to_bytes(gate.gate_document(judged))
            case "sarif":
                yield "gate.sarif", json_report.to_bytes(sarif.sarif_document(result, judged))
            case "junit":
                yield "gate.junit.xml", junit.junit_xml(result, judged)
            case _:
                yield "gate.txt", ("\n".join(text.gate_lines(judged)) + "\n").encode()


def write(path: Path, content: bytes) -> None:
    """Write a file of the gate. Raises StorageFull when that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise StorageFull(f"{path} cannot be written: {error.strerror}", remedy="choose another folder") from error
