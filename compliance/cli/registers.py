"""`compliance registers init|list|check|nil`."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, say, table


@click.group("registers", help="Registers that people keep: begin, list, check a file, state that nothing happened.")
def command() -> None:
    """The group."""


@command.command(
    "init",
    help="Write an empty register with its schema for each kept kind into DIR, a page that says what goes where, and "
    "the part of compliance.toml that reads them. What is there already stays as it is.",
)
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path("registers"))
@click.option("--kind", "kinds", multiple=True, help="Only this kind; repeatable.")
def init(folder: Path, kinds: tuple[str, ...]) -> None:
    """Init."""
    from compliance.app import registers

    made, left = registers.init(folder, kinds)
    for path in made:
        click.echo(path)
    if left:
        say(f"{len(left)} files were there and stay as they are")
    say(f"next: read {folder / registers.PAGE}, and put {folder / registers.PART} into compliance.toml")


@command.command("list", help="Every kept kind: where it is kept, by whom, entries, last change, newest return.")
@config_option
@json_option
def list_(config_path: Path | None, as_json: bool) -> None:
    """List."""
    from dataclasses import asdict

    from compliance.app import config, registers

    rows = registers.listed(config.load(config_path), say)
    if as_json:
        emit_json([asdict(row) for row in rows])
        return
    table(
        ("kind", "source", "owner", "read", "entries", "last change", "return in date", "place"),
        [
            (r.kind, r.source or "(none configured)", r.owner, r.outcome, r.rows, _day(r.modified_at),
             _day(r.returned_at) if r.returned_at else r.missing, r.place)
            for r in rows
        ],
    )  # fmt: skip


@command.command(
    "check",
    help="Read FILES as the collector would and record nothing. Exit 2 when one has faults, each with line, column and "
    "what to write.",
)
@config_option
@json_option
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--kind", default=None, help="Kind that is kept in it (default: as configured, or as the file is named).")
@click.option("--time-zone", default=None, help="Zone of times without one (default: as configured).")
def check(
    config_path: Path | None, as_json: bool, files: tuple[Path, ...], kind: str | None, time_zone: str | None
) -> None:
    """Check."""
    from dataclasses import asdict

    from compliance.app import config, registers

    loaded = config.load(config_path)
    found = [registers.look(loaded, path, kind, time_zone) for path in files]
    if as_json:
        emit_json([asdict(one) for one in found])
    else:
        for one in found:
            for line in registers.words(one):
                click.echo(line)
    if any(one.faults for one in found):
        raise click.exceptions.Exit(2)


@command.command(
    "nil",
    help="State, as the owner of a register, that it holds no entry because nothing happened (or with --entries how "
    "many it holds). It counts for 35 days, and only while as many entries are read.",
)
@config_option
@click.argument("kind")
@click.option("--source", default=None, help="Source whose register it is, when several keep the kind.")
@click.option("--entries", type=click.IntRange(min=0), default=0, show_default=True, help="Entries that it holds.")
@click.option(
    "--on", "at", type=click.DateTime(["%Y-%m-%d"]), default=None, help="Day of the statement (default: now)."
)
@click.option("--by", default=getpass.getuser, show_default="this account", help="Owner of the register.")
@click.option("--reviewed-by", default=None, help="Second person who reviewed it.")
def nil(
    config_path: Path | None,
    kind: str,
    source: str | None,
    entries: int,
    at: datetime | None,
    by: str,
    reviewed_by: str | None,
) -> None:
    """Nil."""
    from compliance.app import config, registers, workspace

    said = registers.Stated(kind, source, entries, by, reviewed_by, at.replace(tzinfo=UTC) if at else None)
    with workspace.opened(config.load(config_path), say) as opened:
        click.echo(registers.state(opened, said))


def _day(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%d}" if moment else None
