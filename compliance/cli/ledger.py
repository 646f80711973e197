"""`compliance ledger status|adopt`."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, say, table


@click.group("ledger", help="The ledger file: status, adopt a lock store.")
def command() -> None:
    """The group."""


@command.command("status", help="Size, root, newest checkpoint and places of the configured ledger.")
@config_option
@json_option
def status(config_path: Path | None, as_json: bool) -> None:
    """Status."""
    from compliance.app import config, workspace

    with workspace.opened(config.load(config_path), say, must_exist=True) as opened:
        found = {
            "origin": opened.ledger.origin,
            "entries": opened.ledger.size,
            "root": opened.ledger.root.hex(),
            "checkpoint": opened.ledger.checkpoint,
            "vkey": opened.ledger.vkey,
            "file": str(opened.places.path),
            "bytes": opened.places.path.stat().st_size,
            "lock store": str(opened.places.lock_store),
        }
    if as_json:
        emit_json(found)
        return
    table(("what", "value"), [(k, v) for k, v in found.items() if k != "checkpoint"])
    click.echo(found["checkpoint"])


@command.command(
    "adopt",
    help="Start a new lock store for a ledger whose old one is lost, and record who did so and why. From then on a "
    "rollback to before this moment can no longer be seen from here; compare with an older report first.",
)
@config_option
@click.option("--reason", required=True, help="Why the lock store is lost.")
@click.option("--by", default=getpass.getuser, show_default="this account", help="Who decides it.")
def adopt(config_path: Path | None, reason: str, by: str) -> None:
    """Adopt."""
    from compliance.app import config, workspace

    size = workspace.adopt(config.load(config_path), say, reason=reason, by=by)
    say(f"adopted: a new lock store holds {size} entries")
