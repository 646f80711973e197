"""Faults that can be planted in the running stack, and the page that lists them."""

from __future__ import annotations

from examples.stack.fault import Fault
from examples.stack.faults_data import DATA
from examples.stack.faults_edge import EDGE
from examples.stack.faults_school import SCHOOL

FAULTS: tuple[Fault, ...] = (*EDGE, *DATA, *SCHOOL)


def page() -> str:
    """The text of faults.md."""
    lines = [
        "# Faults",
        "",
        "Each can be planted in the running stack: `python -m examples.stack --fault NAME`. It turns exactly the",
        "controls named, and taking it away turns them back; `tests/stack` does so with every one.",
        "",
        "| fault | what is wrong | turns to fail | can no longer be decided |",
        "|---|---|---|---|",
    ]
    for fault in FAULTS:
        controls = (", ".join(f"`{name}`" for name in sorted(names)) for names in (fault.turns, fault.unknown))
        lines.append(f"| {fault.name} | {fault.says} | {' | '.join(controls)} |")
    return "\n".join(lines) + "\n"
