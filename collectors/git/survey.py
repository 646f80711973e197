"""Everything a repository's tree tells, in one pass over its files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from compliance.collectors.git import classify, lockfiles, pipelines
from compliance.collectors.git.clone import Blobs, Clone, Entry
from compliance.collectors.git.scan import MAX_BYTES, SCANNER, Scanner
from compliance.schemas.errors import TimedOut
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.code import (
    CiDefinition,
    CodeOwnerRule,
    ComponentInventory,
    IacFile,
    SecretFinding,
    SecretScan,
)

SCANS = frozenset({SecretScan.kind, SecretFinding.kind})
_MAX_LOCK_BYTES = 64 << 20
_MAX_BLAMED = 200  # files with findings whose lines are dated; blame walks the history once for each


@dataclass(slots=True)
class Survey:
    """What was found in one tree. `iac` is complete also when only the repository row is wanted."""

    rows: dict[str, list[Evidence]] = field(default_factory=dict)
    iac: dict[bytes, tuple[str, str]] = field(default_factory=dict)  # path → tool, SHA-256
    pipelines: dict[bytes, tuple[str, pipelines.Pipeline]] = field(default_factory=dict)
    locks: dict[bytes, tuple[str, lockfiles.Inventory | None]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    findings: dict[bytes, list[tuple[int, str, bool]]] = field(default_factory=dict)
    scanned: int = 0
    skipped: int = 0


def survey(clone: Clone, commit: str | None, repository: str, scan: bool, clock: Callable[[], datetime]) -> Survey:
    """The tree of `commit`, read once; the secret scan only when asked for, as it looks at every file."""
    result = Survey()
    if commit is not None:
        with Blobs(clone.git) as blobs:
            if scan:
                with Scanner(clone.git) as scanner:
                    for entry in clone.entries(commit):
                        _look(result, entry, blobs, scanner, clone)
            else:
                for entry in clone.entries(commit):
                    _look(result, entry, blobs, None, clone)
    _rows(result, clone, commit, repository)
    if scan:
        findings = _finding_rows(result, clone, commit, repository)
        result.rows[SecretFinding.kind] = list(findings)
        row = SecretScan(
            repository=repository,
            scanner=SCANNER,
            scanned_at=clock(),
            commit=commit,
            files_scanned=result.scanned,
            files_skipped=result.skipped,
            findings=len(findings),
        )
        result.rows[SecretScan.kind] = [row]
    return result


def _look(result: Survey, entry: Entry, blobs: Blobs, scanner: Scanner | None, clone: Clone) -> None:
    if clone.git.stop.is_set():
        raise TimedOut(f"{clone.path}: the run was stopped", remedy="run it again")
    name = entry.name
    tool, system = classify.iac_tool(name), pipelines.ci_system(name)
    lock = lockfiles.is_lock(name) and entry.size <= _MAX_LOCK_BYTES
    small = entry.size <= classify.LOOK_INSIDE_BYTES
    owners = name in classify.CODE_OWNERS and small
    inside = tool is None and system is None and small and classify.may_be_iac(name)
    scannable = scanner is not None and entry.size <= MAX_BYTES
    content = blobs.read(entry.blob) if tool or system or lock or owners or inside or scannable else b""
    if inside and (found := classify.iac_tool_inside(content)):
        tool = found
    if tool:
        result.iac[entry.path] = (tool, hashlib.sha256(content).hexdigest())
    if system:
        result.pipelines[entry.path] = (system, _pipeline(system, content, small))
    if lockfiles.is_lock(name):
        found_lock = lockfiles.read_lock(name, content) if lock else ("unknown", None)
        if found_lock is not None:
            result.locks[entry.path] = found_lock
    if owners:
        result.owners[name] = content.decode("utf-8", "replace")
    if scanner is not None:
        hits = scanner.look(name, content) if scannable else None
        if hits is None:
            result.skipped += 1
        else:
            result.scanned += 1
            if hits:
                result.findings[entry.path] = hits


def _pipeline(system: str, content: bytes, small: bool) -> pipelines.Pipeline:
    return pipelines.read_pipeline(system, content) if small else pipelines.Pipeline(error="larger than 1 MiB")


def _rows(result: Survey, clone: Clone, commit: str | None, repository: str) -> None:
    paths = {*result.iac, *result.pipelines, *result.locks}
    changed = clone.last_changed(commit, paths) if commit else {}
    result.rows[IacFile.kind] = [
        IacFile(repository=repository, path=_name(path), tool=tool, sha256=digest, last_changed_at=changed.get(path))
        for path, (tool, digest) in result.iac.items()
    ]
    result.rows[CiDefinition.kind] = [
        CiDefinition(
            repository=repository,
            path=_name(path),
            system=system,
            tool_types=pipeline.tool_types,
            tools=pipeline.tools,
            runs_tests=pipeline.runs_tests,
            unpinned_actions=pipeline.unpinned_actions,
            last_changed_at=changed.get(path),
            error=pipeline.error,
        )
        for path, (system, pipeline) in result.pipelines.items()
    ]
    result.rows[ComponentInventory.kind] = [
        ComponentInventory(
            repository=repository,
            path=_name(path),
            ecosystem=ecosystem,
            components=found.components if found else None,
            unpinned=found.unpinned if found else None,
            hashed=found.hashed if found else None,
            generated_at=changed.get(path),
        )
        for path, (ecosystem, found) in result.locks.items()
    ]
    owners = next((result.owners[place] for place in classify.CODE_OWNERS if place in result.owners), "")
    result.rows[CodeOwnerRule.kind] = list(classify.code_owner_rules(repository, owners))


def _finding_rows(result: Survey, clone: Clone, commit: str | None, repository: str) -> list[SecretFinding]:
    rows = []
    for number, (path, hits) in enumerate(sorted(result.findings.items())):
        dated = number < _MAX_BLAMED and commit is not None
        times = clone.line_times(commit, path, (line for line, _, _ in hits)) if dated and commit else {}
        for line, kind, allowed in hits:
            rows.append(
                SecretFinding(
                    repository=repository,
                    path=_name(path),
                    line=line,
                    secret_type=kind,
                    committed_at=times.get(line),
                    is_allowlisted=allowed,
                )
            )
    return rows


def _name(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
