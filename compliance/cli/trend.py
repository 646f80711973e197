"""`compliance trend`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, say, table


@click.command(
    "trend",
    help="The audits that the ledger recorded, in order: verdicts, failing findings, and what changed since the one "
    "before.",
)
@config_option
@json_option
@click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, help="So many audits.")
def command(config_path: Path | None, as_json: bool, last: int) -> None:
    """Trend."""
    from compliance.app import comparing, config, workspace

    with workspace.opened(config.load(config_path), say, must_exist=True) as opened:
        steps = comparing.trend(opened, last)
    if as_json:
        emit_json(
            [
                {
                    "audit": step.known.audit,
                    "as_of": step.known.as_of,
                    "entry": step.known.entry,
                    "controls": step.verdicts,
                    "failing": step.failing,
                    "changes": step.changes,
                    "definitions_changed": step.definitions,
                }
                for step in steps
            ]
        )
        return
    changes = ("new", "regressed", "fixed", "gone", "undecided")
    table(
        ("audit", "as of", "pass", "fail", "unknown", "not applicable", "failing", *changes, "definitions"),
        [
            (
                step.known.audit,
                f"{step.known.as_of:%Y-%m-%d %H:%M}",
                *(step.verdicts[name] for name in ("pass", "fail", "unknown", "not_applicable")),
                step.failing,
                *("" if step.changes is None else step.changes[name] for name in changes),
                step.definitions or "",
            )
            for step in steps
        ],
    )
    say(f"{len(steps)} audits")
