"""`compliance ledger status|adopt|export|import|copy|compact`; months outside the file are in `segments`."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from compliance.cli import segments
from compliance.cli.options import config_option, emit_json, json_option, quiet_option, say, table
from compliance.cli.progress import speaker

if TYPE_CHECKING:
    from compliance.app.moving import Moved

_new = click.Path(path_type=Path)


@click.group("ledger", help="The ledger: status, export, import, copy, compact, sealed months, adopt a lock store.")
def command() -> None:
    """The group."""


for _command in (segments.seal, segments.segments, segments.drop, segments.fetch, segments.rebuild):
    command.add_command(_command)


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
@click.option(
    "--replace-key", is_flag=True, help="The private key in force is lost as well: this machine's replaces it."
)
def adopt(config_path: Path | None, reason: str, by: str, replace_key: bool) -> None:
    """Adopt."""
    from compliance.app import config, workspace

    size = workspace.adopt(config.load(config_path), say, reason=reason, by=by, replace_key=replace_key)
    say(f"adopted: a new lock store holds {size} entries")


def _tell(done: Moved, as_json: bool) -> None:
    if as_json:
        emit_json(
            {
                "path": str(done.path),
                "origin": done.origin,
                "entries": done.size,
                "root": done.root.hex(),
                "problems": list(done.problems),
            }
        )
        return
    click.echo(f"{done.path}: {done.size} entries, root {done.root.hex()}")


@command.command(
    "export",
    help="Verify the ledger, then write all of it as plain files into the new folder DIR, from which `import` makes it "
    "again. Keys are not in it.",
)
@config_option
@json_option
@quiet_option
@click.argument("folder", metavar="DIR", type=_new)
@click.option("--as-is", is_flag=True, help="For investigators: write what is there though it does not verify.")
@click.pass_context
def export(ctx: click.Context, config_path: Path | None, as_json: bool, quiet: bool, folder: Path, as_is: bool) -> None:
    """Export. With --as-is, exit 4 when what was written does not verify."""
    from compliance.app import config, moving

    tell, loaded = speaker(quiet), config.load(config_path)
    done = moving.write_as_is(loaded, folder, tell) if as_is else moving.write_export(loaded, folder, say, tell)
    _tell(done, as_json)
    for problem in done.problems:
        say(f"does not hold: {problem}")
    ctx.exit(4 if done.problems else 0)


@command.command("import", help="Make the ledger file of an export, computed anew from its lines. Overwrites nothing.")
@config_option
@json_option
@quiet_option
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--to", "target", type=_new, default=None, help="File to make (default: the configured ledger).")
@click.option("--vkey", default=None, help="Public key it must be signed with (default: this machine's key).")
def import_(
    config_path: Path | None, as_json: bool, quiet: bool, folder: Path, target: Path | None, vkey: str | None
) -> None:
    """Import."""
    from compliance.app import config, moving

    _tell(moving.read_import(config.load(config_path), folder, target, vkey, speaker(quiet)), as_json)


@command.command(
    "copy", help="Write a ledger file with every entry so far to FILE. A process that writes the ledger is waited for."
)
@config_option
@json_option
@quiet_option
@click.argument("file", type=_new)
def copy(config_path: Path | None, as_json: bool, quiet: bool, file: Path) -> None:
    """Copy."""
    from compliance.app import config, moving

    _tell(moving.write_copy(config.load(config_path), file, say, speaker(quiet)), as_json)


@command.command(
    "compact",
    help="Write the ledger into a fresh file, verify it, and put it in the place of the old one: nothing that was "
    "deleted is left in it. Needs as much free space as the ledger has.",
)
@config_option
@json_option
@quiet_option
def compact(config_path: Path | None, as_json: bool, quiet: bool) -> None:
    """Compact."""
    from compliance.app import config, moving

    done, before, after = moving.compact(config.load(config_path), say, speaker(quiet))
    if as_json:
        emit_json({"path": str(done.path), "entries": done.size, "bytes_before": before, "bytes_after": after})
        return
    click.echo(f"{done.path}: {done.size} entries, {before} bytes before, {after} after")
