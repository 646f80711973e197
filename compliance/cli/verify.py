"""`compliance verify`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, quiet_option


@click.command(
    "verify",
    help="Recompute every line, leaf, tile, root and signature of a ledger and name the first bad entry. "
    "Exit 0 when all agree, 4 when not, 3 when an anchor could not be checked. Without LEDGER, the configured one with "
    "its anchors.",
)
@config_option
@json_option
@quiet_option
@click.argument("ledger", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--vkey", default=None, help="Public key the checkpoints must carry (default: this machine's key).")
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="SIZE:ROOT|FILE",
    help="What you hold of this ledger: size:root as a report prints it, a checkpoint, or a folder of them.",
)
@click.pass_context
def command(
    ctx: click.Context,
    config_path: Path | None,
    as_json: bool,
    quiet: bool,
    ledger: Path | None,
    vkey: str | None,
    anchors: tuple[str, ...],
) -> None:
    """Verify."""
    from compliance.app import check

    checked = check.check(config_path, ledger, vkey, anchors)
    if as_json:
        emit_json(check.as_json(checked))
    elif not quiet or checked.exit_code:
        for line in check.lines(checked):
            click.echo(line)
    ctx.exit(checked.exit_code)
