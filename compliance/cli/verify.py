"""`compliance verify`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, quiet_option


@click.command(
    "verify",
    help="Recompute every line, leaf, tile, root and signature of a ledger and name the first bad entry. "
    "Exit 0 when all agree, 3 when all that was given agrees but entries are missing that were not, 4 when something "
    "does not agree. LEDGER is a ledger file or a folder of sealed segments; without it, the configured ledger.",
)
@config_option
@json_option
@quiet_option
@click.argument("ledger", required=False, type=click.Path(path_type=Path))
@click.option("--segments", default=None, type=click.Path(file_okay=False, path_type=Path), help="Its sealed months.")
@click.option("--vkey", default=None, help="Public key the checkpoints must carry (default: this machine's key).")
@click.pass_context
def command(
    ctx: click.Context,
    config_path: Path | None,
    as_json: bool,
    quiet: bool,
    ledger: Path | None,
    segments: Path | None,
    vkey: str | None,
) -> None:
    """Verify."""
    from compliance.app import check

    found = check.check(config_path, ledger, vkey, segments)
    if as_json:
        emit_json(check.as_json(found))
    else:
        for line in check.lines(found):
            if not quiet or not found.ok or found.unchecked:
                click.echo(line)
    if not found.ok:
        ctx.exit(4)
    if found.unchecked:
        ctx.exit(3)
