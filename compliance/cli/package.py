"""`compliance package`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, quiet_option, say
from compliance.cli.progress import speaker


@click.command(
    "package",
    help="Write what an auditor receives: the reports of AUDITS (the newest when none is named), the entries they rest "
    "on with proofs, and a verifier that needs only Python. DIR must not be there yet.",
)
@config_option
@json_option
@quiet_option
@click.argument("audits", nargs=-1)
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Folder to make.")
@click.option("--cited", is_flag=True, help="Only the entries that are cited, for who may not see the whole ledger.")
@click.option("--without-personal", is_flag=True, help="Without names, and without the reports that print them.")
@click.option(
    "--reports",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=None,
    help="Folder that holds the audits' folders (default: the configured output).",
)
def command(
    config_path: Path | None,
    as_json: bool,
    quiet: bool,
    audits: tuple[str, ...],
    output: Path,
    cited: bool,
    without_personal: bool,
    reports: Path | None,
) -> None:
    """Package."""
    from compliance.app import config, package

    wanted = package.Wanted(audits, reports, cited, not without_personal)
    done = package.make(config.load(config_path), output, wanted, say, speaker(quiet))
    if as_json:
        emit_json(
            {
                "path": str(done.path),
                "kind": done.kind,
                "origin": done.origin,
                "entries": done.size,
                "root": done.root.hex(),
                "vkey": done.vkey,
                "audits": list(done.audits),
                "reports": done.reports,
                "cited": done.cited,
                "disclosed": done.disclosed,
            }
        )
        return
    click.echo(f"package: {done.path}")
    click.echo(f"{done.size} entries, {done.reports} reports, {done.cited} cited entries with proofs")
    if not quiet:
        click.echo(f"tell the auditor by another way than the package:\n  --vkey '{done.vkey}'")
