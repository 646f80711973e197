"""`compliance keys create|list|rotate|replace|forget|export`."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, say, table

_reason = click.option("--reason", required=True, help="Why; it stands in the ledger.")
_by = click.option("--by", default=getpass.getuser, show_default="this account", help="Who does it.")


@click.group("keys", help="Signing keys. One is made with the ledger, on first use; docs/keys.md has the ceremonies.")
def command() -> None:
    """The group."""


@command.command("create", help="Make the key before there is a ledger, and print the public half.")
@config_option
def create(config_path: Path | None) -> None:
    """Create."""
    from compliance.app import config, keys

    click.echo(keys.create(config.load(config_path)))


@command.command("list", help="The key of the configured ledger, where it lies, and every key that signed before it.")
@config_option
@json_option
def list_(config_path: Path | None, as_json: bool) -> None:
    """List."""
    from compliance.app import config, keys

    loaded = config.load(config_path)
    found = keys.describe(loaded)
    history = keys.terms(loaded, say)
    if as_json:
        emit_json({**found, "keys": history})
        return
    table(("what", "value"), list(found.items()))
    table(("from size", "vkey", "how"), [tuple(map(str, term.values())) for term in history])


@command.command(
    "rotate",
    help="Hand over to a new key. The entry that records it is signed by both, so everything stays verifiable with "
    "either; the old private key in the key folder is destroyed.",
)
@config_option
@_reason
@_by
def rotate(config_path: Path | None, reason: str, by: str) -> None:
    """Rotate."""
    from compliance.app import config, keys

    loaded = config.load(config_path)
    old, new = keys.rotate(loaded, say, reason=reason, by=by)
    say(f"handed over from {old}")
    if loaded.ledger.next_signing_key is not None:
        say("now name the new key as signing_key in the configuration, and remove next_signing_key")
    click.echo(new)


@command.command(
    "replace",
    help="Put a new key in the place of one that is lost. The lost one does not vouch for it: everybody who has the "
    "old public key must be given the new one by another way. A key that is only old, or stolen, is rotated.",
)
@config_option
@_reason
@_by
def replace(config_path: Path | None, reason: str, by: str) -> None:
    """Replace."""
    from compliance.app import config, keys

    click.echo(keys.replace(config.load(config_path), say, reason=reason, by=by))


@command.command(
    "forget",
    help="Record that the keys of personal content are lost with their key store: what they opened counts as erased "
    "from now on. Only for a key store that no backup brings back: one that is brought back later loses these keys.",
)
@config_option
@_reason
@_by
@click.option("--yes", is_flag=True, help="Do not ask again, for scripts.")
def forget(config_path: Path | None, reason: str, by: str, yes: bool) -> None:
    """Forget."""
    from compliance.app import config, keys

    def agreed(count: int) -> bool:
        words = f"{count} people would count as erased for good, also if their keys are found later. Go on?"
        return yes or (sys.stdin.isatty() and click.confirm(words, err=True))

    count = keys.forget(config.load(config_path), say, reason=reason, by=by, agreed=agreed)
    say(f"{count} subjects whose keys are lost are recorded as erased")


@command.command("export", help="Print the public key (C2SP vkey) to hand to an auditor.")
@config_option
def export(config_path: Path | None) -> None:
    """Export."""
    from compliance.app import config, keys

    click.echo(keys.public(config.load(config_path)))
