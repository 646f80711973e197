"""What an audit of the stack says, in a form that two audits can be compared in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from compliance.app import audit, packs, workspace
from compliance.schemas.results import AuditResult

Said = Mapping[str, tuple[str, frozenset[tuple[str, str]]]]
"""By control: its verdict, and resource with verdict of all that does not pass."""


def judge(home: Path) -> Said:
    """Collect from the stack of `home`, evaluate everything, and keep what can be compared."""
    return said(result(home))


def result(home: Path) -> AuditResult:
    """Collect from the stack of `home` and evaluate everything."""
    config = workspace.configured(home / "compliance.toml", _silent)
    wanted = audit.Wanted()
    plan = audit.plan(config, wanted, audit.possible(wanted, packs.load(config)))
    with workspace.opened(config, _silent) as open_one:
        return audit.perform(open_one, plan, say=_silent)


def said(result: AuditResult) -> Said:
    """The comparable part of a result; controls without a collector are left out."""
    return {
        control.id: (
            control.verdict.value,
            frozenset(
                (f"{finding.source}/{finding.resource}", finding.verdict.value)
                for finding in control.findings
                if finding.verdict.value != "pass"
            ),
        )
        for control in result.controls.values()
        if control.control is not None
    }


def turned(before: Said, after: Said) -> dict[str, str]:
    """The controls that judge another way now, with their verdict: it changed, or a resource fails that did not."""
    found = {}
    for control, (verdict, rows) in after.items():
        old_verdict, old_rows = before[control]
        newly = {row for row in rows - old_rows if row[1] in ("fail", "unknown")}
        if verdict != old_verdict or newly:
            found[control] = "fail" if any(row[1] == "fail" for row in newly) else verdict
    return found


def _silent(words: str) -> None:
    """Nothing is shown."""
