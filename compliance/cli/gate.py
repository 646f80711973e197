"""`compliance gate`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from compliance.cli.audit import listed, moment
from compliance.cli.options import config_option, controls_option, quiet_option, say
from compliance.cli.progress import collecting, speaker

FORMATS = ("text", "json", "sarif", "junit")


@click.command(
    "gate",
    help="Collect, evaluate and fail the build on violations. No PDF.\n\n"
    "Exit 1: a violation at or above --fail-on. Exit 3: nothing failed, but not everything could be decided. "
    "Controls that no collector can feed yet are counted and listed, and alone never cause exit 3.",
)
@config_option
@controls_option
@click.argument("frameworks", nargs=-1)
@click.option(
    "--fail-on",
    type=click.Choice(["critical", "high", "medium", "low"]),
    default="low",
    show_default=True,
    help="Lowest severity that fails the build.",
)
@click.option("--new-only", is_flag=True, help="Only violations that the baseline does not know; needs --baseline.")
@click.option("--baseline", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Known violations.")
@click.option("--write-baseline", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write one.")
@click.option("--baseline-expires", callback=moment, default=None, help="End of the written baseline; needed with it.")
@click.option("--allow-unknown", is_flag=True, help="Undecided controls do not cause exit 3; they are still listed.")
@click.option("--no-collect", is_flag=True, help="Judge what the ledger holds, read nothing.")
@click.option(
    "--format", "formats", default="text", show_default=True, help="text, json, sarif, junit; comma-separated."
)
@click.option("--output", "-o", type=click.Path(path_type=Path), default=None, help="Folder for several formats.")
@quiet_option
@click.pass_context
def command(
    ctx: click.Context,
    config_path: Path | None,
    folders: tuple[Path, ...],
    frameworks: tuple[str, ...],
    fail_on: str,
    new_only: bool,
    baseline: Path | None,
    write_baseline: Path | None,
    baseline_expires: datetime | None,
    allow_unknown: bool,
    no_collect: bool,
    formats: str,
    output: Path | None,
    quiet: bool,
) -> None:
    """Gate."""
    from compliance.app import audit, gates, packs, verdicts, workspace

    chosen = listed(FORMATS, formats)
    if len(chosen) > 1 and output is None:
        raise click.UsageError("several formats need a folder: -o DIR")
    if (write_baseline is None) != (baseline_expires is None):
        raise click.UsageError("--write-baseline and --baseline-expires go together: a baseline has an end")
    asked = gates.Asked(fail_on, new_only, baseline, allow_unknown, baseline_expires)
    known = gates.check(asked)
    wanted = audit.Wanted(frameworks, collect=not no_collect)
    catalogue = audit.possible(wanted, packs.here(folders, config_path))
    config = workspace.configured(config_path, say, propose=not no_collect)
    plan = audit.plan(config, wanted, catalogue)
    with workspace.opened(config, say, must_exist=no_collect) as opened:
        with collecting(quiet) as show:
            result = audit.perform(opened, plan, say=speaker(quiet), progress=show)
        verdicts.close(opened, result, ())
    judged = gates.judge(result, asked, known)
    if write_baseline is not None and baseline_expires is not None:
        count = gates.keep(result, write_baseline, baseline_expires)
        say(f"wrote {count} known violations to {write_baseline}")
    for name, content in gates.documents(result, judged, chosen):
        if output is None:
            click.echo(content.decode(), nl=not content.endswith(b"\n"))
        else:
            gates.write(output / name, content)
    if output is not None:
        say(f"{len(judged.violations)} violations, {len(judged.undecided)} undecided; wrote {output}")
    ctx.exit(130 if audit.interrupted(result) else judged.exit_code)
