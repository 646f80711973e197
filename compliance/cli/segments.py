"""`compliance ledger seal|segments|drop|fetch-segments|rebuild`: months outside the ledger file."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, quiet_option, say, table
from compliance.cli.progress import speaker

_folder = click.Path(file_okay=False, path_type=Path)


@click.command(
    "seal",
    help="Write every closed month as a sealed segment, verify it from where it lies, and record it. Nothing leaves "
    "the ledger file.",
)
@config_option
@json_option
@quiet_option
@click.option("--to", "folder", type=_folder, default=None, help="Folder (default: [ledger] segments).")
@click.pass_context
def seal(ctx: click.Context, config_path: Path | None, as_json: bool, quiet: bool, folder: Path | None) -> None:
    """Seal."""
    from compliance.app import archive, config

    done = archive.seal(config.load(config_path), folder, say, speaker(quiet))
    if as_json:
        emit_json(done)
    else:
        if not done:
            say("nothing to seal: every month that is over is sealed")
        for row in done:
            copy = f", copy in {row['locked']}" if row["locked"] else ""
            click.echo(f"{row['month']}: entries {row['first']} to {row['last']} in {row['folder']}{copy}")
    for row in (row for row in done if row["problem"]):
        say(f"NOT LOCKED: {row['month']}: {row['problem']}")
        say(f"hint: {row['remedy']}; the next `compliance ledger seal` tries again")
    ctx.exit(3 if any(row["problem"] for row in done) else 0)


@click.command("segments", help="Closed months: their entries, where they are, whether they are sealed or dropped.")
@config_option
@json_option
@click.option("--verify", "deep", is_flag=True, help="Verify every segment now; exit 4 when one does not hold.")
@click.pass_context
def segments(ctx: click.Context, config_path: Path | None, as_json: bool, deep: bool) -> None:
    """List."""
    from compliance.app import archive, config

    rows = archive.listing(config.load(config_path), say, deep=deep)
    if as_json:
        emit_json(rows)
    else:
        names = ("month", "first", "last", "entries", "state", "bytes", "verified", "locked")
        words = {True: "yes", False: "NO", None: ""}
        table(names, [[*(row[n] for n in names[:-2]), words[row["verified"]], row["locked"] or "no"] for row in rows])
        for row in rows:
            if row["problem"]:
                say(row["problem"])
    if any(row["verified"] is False for row in rows):
        ctx.exit(4)


@click.command(
    "drop",
    help="Let sealed months leave the ledger file: each segment is verified now, the step is recorded, and a new file "
    "that never held their entries takes the place of the old one. They are read from their segments from then on.",
)
@config_option
@json_option
@quiet_option
@click.option("--before", required=True, metavar="YYYY-MM", help="Months before this one.")
@click.option("--yes", is_flag=True, help="Do it; without it, only what would leave is said.")
@click.option("--reason", default="sealed months leave the file", show_default=True, help="Why, for the record.")
@click.option("--by", default=getpass.getuser, show_default="this account", help="Who decides it.")
def drop(config_path: Path | None, as_json: bool, quiet: bool, before: str, yes: bool, reason: str, by: str) -> None:
    """Drop."""
    from compliance.app import archive, config

    done = archive.drop(config.load(config_path), before, say, speaker(quiet), yes=yes, reason=reason, by=by)
    if as_json:
        sizes = {"first_entry": done.start, "bytes_before": done.before, "bytes_after": done.after} if done else {}
        emit_json({"months": done.months if done else [], **sizes})
    elif done is None:
        say("nothing to drop: no month before it is in the file")
    else:
        click.echo(f"dropped {', '.join(done.months)}: the file begins with entry {done.start}")
        click.echo(f"{done.before} bytes before, {done.after} after")


@click.command(
    "fetch-segments",
    help="Bring every month from the bucket in [ledger.segments_bucket] into the folder DIR: locked versions alone, "
    "whatever was put over them, each month verified. Exit 3 when a month is not whole there, 4 when one does not "
    "verify.",
)
@config_option
@json_option
@quiet_option
@click.option("--vkey", default=None, help="Public key it must be signed with (default: this machine's key).")
@click.argument("folder", metavar="DIR", type=_folder)
@click.pass_context
def fetch(
    ctx: click.Context, config_path: Path | None, as_json: bool, quiet: bool, vkey: str | None, folder: Path
) -> None:
    """Fetch."""
    from compliance.app import archive, config

    rows = archive.fetch(config.load(config_path), folder, speaker(quiet), vkey=vkey)
    if as_json:
        emit_json(rows)
    else:
        names = ("month", "state", "folder")
        table(names, [[row[name] for name in names] for row in rows])
    for row in rows:
        for words in (*row["remarks"], *([f"{row['month']}: {row['problem']}"] if row["problem"] else [])):
            say(words)
    states = {row["state"] for row in rows}
    ctx.exit(4 if "does not verify" in states else 3 if "not whole" in states else 0)


@click.command(
    "rebuild",
    help="Make the ledger file TARGET from sealed segments alone, for a drill or when the file is lost. Exit 3 when "
    "the lock store of this machine names entries that no segment holds.",
)
@config_option
@json_option
@quiet_option
@click.option("--from", "source", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--expect", metavar="SIZE:ROOT", default=None, help="What an anchor or a report says; refuse otherwise.")
@click.option("--vkey", default=None, help="Public key it must be signed with (default: this machine's key).")
@click.argument("target", type=click.Path(path_type=Path))
@click.pass_context
def rebuild(
    ctx: click.Context, config_path: Path | None, as_json: bool, quiet: bool, source: Path, expect: str | None,
    vkey: str | None, target: Path,
) -> None:  # fmt: skip
    """Rebuild."""
    from compliance.app import archive, config

    wanted = archive.parsed_anchor(expect) if expect else None
    done = archive.rebuild(config.load(config_path), source, target, speaker(quiet), vkey=vkey, expect=wanted)
    found = done.rebuilt
    if as_json:
        emit_json(
            {
                "path": str(done.path), "origin": found.origin, "last_month": found.month, "entries": found.size,
                "root": found.root.hex(), "signed": done.checkpoint, "expected": expect,
                "lock_store_names": done.named, "missing": done.missing,
            }
        )  # fmt: skip
    else:
        click.echo(f"{done.path}: {found.size} entries up to the end of {found.month}, root {found.root.hex()}")
        if expect:
            click.echo(f"agrees with {expect}")
    if done.missing:
        say(
            f"MISSING: entries {found.size} to {done.named - 1}, recorded after {found.month}. The lock store names "
            "them; no segment holds them. If a backup, copy or export of the file is newer, use that instead. If not, "
            "they are lost: put this file in the ledger's place, move the lock store aside and keep it, and run "
            "`compliance ledger adopt`, which records who decided it and why."
        )
        ctx.exit(3)
