"""`compliance collect`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, quiet_option, say, table
from compliance.cli.progress import collecting, speaker


@click.command(
    "collect",
    help="Read the configured sources (or those named) into the ledger. Exit 3 when something could not be read.",
)
@config_option
@json_option
@quiet_option
@click.argument("sources", nargs=-1)
@click.pass_context
def command(ctx: click.Context, config_path: Path | None, as_json: bool, quiet: bool, sources: tuple[str, ...]) -> None:
    """Collect."""
    from compliance.app import collect, workspace

    config = workspace.configured(config_path, say)
    collect.secrets(config, sources)
    with workspace.opened(config, say) as opened, collecting(quiet) as show:
        summary = collect.collect(opened, sources, progress=show)
        size = opened.ledger.size
    if as_json:
        emit_json({"run": summary.run, "interrupted": summary.interrupted, "outcomes": list(summary.outcomes)})
    else:
        table(
            ("source", "kind", "outcome", "rows", "attempts", "message", "what would mend it"),
            [(o.source, o.kind, o.outcome, o.rows, o.attempts, o.message, o.remedy) for o in summary.outcomes],
        )
    speaker(quiet)(f"{len(summary.outcomes) - len(summary.gaps)} kinds read, {len(summary.gaps)} not; {size} entries")
    if summary.interrupted:
        ctx.exit(130)
    if summary.gaps:
        ctx.exit(3)
