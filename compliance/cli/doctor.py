"""`compliance doctor`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, table


@click.command("doctor", help="Check this installation, its configuration, keys and ledger. Exit 2 when one is broken.")
@config_option
@json_option
@click.pass_context
def command(ctx: click.Context, config_path: Path | None, as_json: bool) -> None:
    """Doctor."""
    from compliance.app import doctor

    found = doctor.examine(config_path)
    if as_json:
        emit_json(found)
    else:
        table(("what", "state", "found", "what would mend it"), [(c.what, c.state, c.message, c.remedy) for c in found])
    ctx.exit(2 if any(c.state == "broken" for c in found) else 0)
