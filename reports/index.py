"""The list of an audit's files: `index.html` for people and `index.json` for machines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from compliance.reports.json_report import DISCLAIMER, to_bytes
from compliance.reports.paper import environment
from compliance.reports.plain import plain
from compliance.reports.render import Written, write_whole
from compliance.schemas.errors import ReportError
from compliance.schemas.results import AuditResult


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One file as the index lists it."""

    name: str
    sha256: str
    bytes: int
    framework: str | None
    language: str | None


def write_index(result: AuditResult, files: Iterable[Written], out_dir: Path) -> tuple[Path, Path]:
    """Write `index.html` and `index.json` over these files of one audit; returns their paths.

    Raises:
        ReportError: a listed file is not there, or the index could not be written.
    """
    rows = sorted((_row(f, out_dir) for f in files), key=lambda r: (r.framework or "", r.name))
    document = {
        "schema_version": "1.0",
        "document": "index",
        "disclaimer": DISCLAIMER,
        "audit": result.audit,
        "organisation": result.organisation,
        "as_of": plain(result.as_of),
        "generated_at": plain(result.generated_at),
        "ledger": {"origin": result.ledger.origin, "size": result.ledger.size, "root": result.ledger.root},
        "files": [{name: getattr(row, name) for name in IndexRow.__slots__} for row in rows],
    }
    names = {f.framework.id: f.framework.name for f in result.frameworks}
    page = environment().get_template("index.html.j2").render(audit=result, rows=rows, names=names)
    html, json = out_dir / "index.html", out_dir / "index.json"
    write_whole(html, page.encode())
    write_whole(json, to_bytes(document))
    return html, json


def _row(file: Written, out_dir: Path) -> IndexRow:
    try:
        data = file.path.read_bytes()
    except OSError as error:
        raise ReportError(f"{file.path} cannot be listed: {error.strerror}", remedy="write the reports anew") from error
    name = file.path.relative_to(out_dir).as_posix()
    return IndexRow(name, hashlib.sha256(data).hexdigest(), len(data), file.framework, file.language)
