"""`compliance anchor push|status|list`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, say, table


@click.group("anchor", help="Copies of checkpoints outside this machine: push, status, list. See docs/anchors.md.")
def command() -> None:
    """The group."""


@command.command(
    "push",
    help="Write the newest checkpoint to every anchor now, whatever its schedule. Exit 3 when one could not be "
    "written, 4 when the ledger does not contain what was put there before.",
)
@config_option
@json_option
@click.pass_context
def push(ctx: click.Context, config_path: Path | None, as_json: bool) -> None:
    """Push."""
    from compliance.app import anchors, config

    results = anchors.push(config.load(config_path), say)
    if as_json:
        emit_json(list(results))
    else:
        table(
            ("anchor", "state", "what", "what would mend it"), [(r.name, r.state, r.message, r.remedy) for r in results]
        )
    states = {result.state for result in results}
    ctx.exit(4 if "contradicts" in states else 3 if "failed" in states else 0)


@command.command(
    "status",
    help="Age and state of every anchor: its newest copy against this ledger, and the last attempt to write. "
    "`compliance verify` compares every copy. Exit 3 when one could not be read, 4 when one contradicts.",
)
@config_option
@json_option
@click.pass_context
def status(ctx: click.Context, config_path: Path | None, as_json: bool) -> None:
    """Status."""
    from compliance.app import anchors, config

    found = anchors.status(config.load(config_path), say)
    if as_json:
        emit_json([row.as_dict() for row in found])
    else:
        table(
            ("anchor", "type", "state", "entries", "at", "not anchored", "outside", "message", "what would mend it"),
            [row.cells() for row in found],
        )
        if not found:
            say(anchors.ALONE)
    ctx.exit(anchors.exit_code([row.view.state for row in found]))


@command.command("list", help="Every copy that the anchors hold. Exit 3 when something there could not be read.")
@config_option
@json_option
@click.pass_context
def list_(ctx: click.Context, config_path: Path | None, as_json: bool) -> None:
    """List."""
    from compliance.app import anchors, config

    rows, missed = anchors.copies(config.load(config_path))
    if as_json:
        emit_json({"copies": [row._asdict() for row in rows], "not_read": [row._asdict() for row in missed]})
    else:
        table(("anchor", "entries", "root", "at", "where"), rows)
        for row in missed:
            say(f"anchor {row.anchor}: {row.where}: {row.message}; {row.remedy}")
        if not rows and not missed:
            say("the anchors hold nothing" if anchors.any_configured(config.load(config_path)) else anchors.ALONE)
    ctx.exit(3 if missed else 0)
