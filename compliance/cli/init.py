"""`compliance init`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import config_option, say


@click.command("init", help="Write compliance.toml from what is found on this machine. Never overwrites one.")
@config_option
@click.option("--organisation", default="(organisation not named)", help="Name printed on reports.")
def command(config_path: Path | None, organisation: str) -> None:
    """Discover and write."""
    from compliance.app import discover
    from compliance.app.where import FILE

    path = config_path or Path(FILE)
    found, failed = discover.discover(progress=lambda name: say(f"looking for {name} …"))
    discover.write_config(path, found, failed, organisation=organisation)
    for item in found:
        say(f"found {item.collector}: {item.found.name} ({item.found.seen})")
    for missed in failed:
        say(f"could not look for {missed.collector}: {missed.message}")
    say(f"wrote {path} with {len(found)} sources; next: compliance audit")
