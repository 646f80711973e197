"""Write the year, audit it with the real command, compare:  python -m examples.demo_year [FOLDER]"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

from examples.demo_year.calendar import FIRST, LAST
from examples.demo_year.faults import DAYS, EXPLAINED
from examples.demo_year.generate import generate
from examples.demo_year.judging import Results, compare, table

FRAMEWORKS = ("soc2", "pci_dss", "lfpdppp")
VERDICTS = (0, 1, 3)  # exit codes of an audit that was made: held, failed, undecided


def main() -> int:
    """Exit 1 when a planted fault is not seen, or something fails that was not planted."""
    usage = argparse.ArgumentParser("python -m examples.demo_year", description=__doc__)
    usage.add_argument("folder", nargs="?", type=Path, default=Path("demo-year"))
    usage.add_argument("--last", type=date.fromisoformat, default=LAST, help="last day (default: that of the year)")
    usage.add_argument("--format", default="pdf,json,csv,html", help="of the working papers")
    given = usage.parse_args()
    if not (given.folder / "ledger.duckdb").exists():
        print(f"writing {FIRST} to {given.last} into {given.folder} …", flush=True)
        generate(given.folder, given.last)
    rows = compare(audited(given.folder, f"{FIRST}..{given.last}", given.format))
    print(table(rows))
    return 0 if all(row.ok for row in rows) else 1


def audited(folder: Path, period: str, formats: str) -> Results:
    """Audit over the period and of the days that faults name. Working papers go to `folder`/audit."""
    over = _audit(folder, "audit/period", "--period", period, "--format", formats)
    days = {
        (day, known): _audit(folder, f"audit/{day}-{known}", "--as-of", day, "--no-collect", "--known", known)
        for day, known in DAYS
    }
    explained = {
        day: json.loads(_run(folder, "--as-of", day, "--no-collect", "--explain", "--json")) for day in EXPLAINED
    }
    return Results(over, days, explained)


def _audit(folder: Path, output: str, *asked: str) -> list[Any]:
    formats = () if "--format" in asked else ("--format", "json")
    said = json.loads(_run(folder, *FRAMEWORKS, *asked, *formats, "--output", output, "--json"))
    return [json.loads((folder / said["folder"] / f"{name}.json").read_text()) for name in FRAMEWORKS]


def _run(folder: Path, *asked: str) -> str:
    command = [sys.executable, "-m", "compliance", "audit", "--quiet", *asked]
    print("compliance audit", *asked, flush=True)
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in VERDICTS:
        raise SystemExit(f"it ended with {done.returncode}; nothing to compare")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
