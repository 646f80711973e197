"""How long the working papers of six frameworks take, against the stated limit of two minutes on two cores.

Run by hand: `python benchmarks/report.py [--resources N] [--languages en,es] [--processes 2]`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pikepdf

sys.path.insert(0, str(Path(__file__).parents[1]))

from compliance.reports.json_report import audit_document, to_bytes
from compliance.reports.render import Written, render_all, write_data
from compliance.schemas.results import AuditResult
from tests.reports.factory import ALL, audit, findings

LIMIT_S = 120.0


def sample(resources: int) -> AuditResult:
    """All frameworks; every control that has findings has `resources` of them."""
    result = audit(ALL)
    made = {
        name: replace(c, findings=findings(name, resources * 9 // 10, resources - resources * 9 // 10, 0))
        if c.findings
        else c
        for name, c in result.controls.items()
    }
    return replace(result, controls=made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, default=20, help="resources a control judges")
    parser.add_argument("--languages", default="en")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    result = sample(asked.resources)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        started = time.monotonic()
        size = len(to_bytes(audit_document(result)))
        write_data(result, out)
        print(f"json, csv      {time.monotonic() - started:6.1f} s  audit.json {size / 1e6:.1f} MB")
        started = time.monotonic()
        render_all(result, ALL, out, asked.languages.split(","), _tell, asked.processes)
        spent = time.monotonic() - started
    papers = len(ALL) * len(asked.languages.split(","))
    print(f"{papers} papers       {spent:6.1f} s  limit {LIMIT_S:.0f} s  ratio {spent / LIMIT_S:.2f}")


def _tell(written: Written) -> None:
    with pikepdf.open(written.path) as pdf:
        pages = len(pdf.pages)
    size = written.path.stat().st_size
    print(f"{written.path.name:<14} {written.seconds:6.1f} s  {size / 1e6:.1f} MB  {pages} pages")


if __name__ == "__main__":
    main()
