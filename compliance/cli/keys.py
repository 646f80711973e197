"""`compliance keys list|export`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, table


@click.group("keys", help="Signing keys: list, export the public key. A key is made with the ledger, on first use.")
def command() -> None:
    """The group."""


@command.command("list", help="The key of the configured ledger and where it lies.")
@config_option
@json_option
def list_(config_path: Path | None, as_json: bool) -> None:
    """List."""
    from compliance.app import config, keys

    found = keys.describe(config.load(config_path))
    if as_json:
        emit_json(found)
        return
    table(("what", "value"), list(found.items()))


@command.command("export", help="Print the public key (C2SP vkey) to hand to an auditor.")
@config_option
def export(config_path: Path | None) -> None:
    """Export."""
    from compliance.app import config, keys

    click.echo(keys.public(config.load(config_path)))
