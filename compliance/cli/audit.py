"""`compliance audit`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from compliance.cli.options import config_option, controls_option, emit_json, json_option, quiet_option, say
from compliance.cli.progress import collecting, speaker

if TYPE_CHECKING:
    from compliance.app.workspace import Workspace
    from compliance.controls.catalogue import Catalogue

FORMATS = ("pdf", "json", "csv", "html")


def moment(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    """A moment as ISO 8601; a date alone is its last second, a time without zone is UTC."""
    if value is None:
        return None
    try:
        if len(value) == 10:
            return datetime.fromisoformat(value).replace(hour=23, minute=59, second=59, tzinfo=UTC)
        found = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a moment; write 2026-06-30 or 2026-06-30T12:00:00Z") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def listed(allowed: tuple[str, ...], value: str) -> list[str]:
    """A comma-separated choice, refused with what is allowed."""
    chosen = [item.strip() for item in value.split(",") if item.strip()]
    for item in chosen:
        if item not in allowed:
            raise click.BadParameter(f"{item!r} is not one of {', '.join(allowed)}")
    return chosen


@click.command(
    "audit",
    help="Collect, evaluate, and write a working paper (PDF) and a result (JSON) per framework.\n\n"
    "Without a configuration, looks at this machine and writes compliance.toml first. FRAMEWORKS: soc2 iso27001 "
    "pci_dss ferpa gdpr lfpdppp; all of them when none is named.",
)
@config_option
@controls_option
@click.argument("frameworks", nargs=-1)
@click.option(
    "--period",
    "over",
    default=None,
    metavar="A..B",
    help="Judge a period of days (UTC); reads nothing.",
)
@click.option("--as-of", callback=moment, default=None, help="Judge the evidence as it stood then; needs --no-collect.")
@click.option(
    "--known",
    type=click.Choice(["then", "now"]),
    default=None,
    help="With --as-of (default then) or --period (default now): only what was recorded by then, or everything "
    "recorded so far about that time.",
)
@click.option(
    "--definitions",
    type=click.Choice(["then", "now"]),
    default="now",
    show_default=True,
    help="With --as-of or --period: by the controls and parameters at hand, or by those that judged at the time.",
)
@click.option(
    "--explain", is_flag=True, help="With --as-of: why verdicts about that moment are others now; nothing is judged."
)
@click.option("--no-collect", is_flag=True, help="Judge what the ledger holds, read nothing.")
@click.option("--format", "formats", default="pdf,json,csv,html", show_default=True, help="Comma-separated.")
@click.option("--language", "languages", default=None, help="en, es or en,es (default: the configuration's).")
@click.option("--output", "-o", type=click.Path(file_okay=False, path_type=Path), default=None, help="Folder.")
@json_option
@quiet_option
@click.pass_context
def command(
    ctx: click.Context,
    config_path: Path | None,
    folders: tuple[Path, ...],
    frameworks: tuple[str, ...],
    over: str | None,
    as_of: datetime | None,
    known: str | None,
    definitions: str,
    explain: bool,
    no_collect: bool,
    formats: str,
    languages: str | None,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Audit. Exit 1 when something fails, 3 when nothing fails but not everything could be decided."""
    from compliance.app import audit, packs, period, publish, verdicts, workspace
    from compliance.reports import gate, text

    if over is not None and as_of is not None:
        raise click.UsageError("--period and --as-of exclude each other: a period ends at its own last moment")

    if explain and as_of is None:
        raise click.UsageError("--explain speaks of a moment: name it with --as-of")
    if definitions == "then" and as_of is None and over is None:
        raise click.UsageError("--definitions then speaks of the past: name a moment with --as-of, or a --period")
    tell = speaker(quiet)
    wanted_formats = listed(FORMATS, formats)
    no_collect = no_collect or explain or over is not None
    asked = (
        period.asked(over, frameworks=frameworks, known=known or "now", definitions=definitions)
        if over is not None
        else None
    )
    known_as = known or "then" if as_of else "now"
    wanted = audit.Wanted(frameworks, as_of, known_as, collect=not no_collect, definitions=definitions)
    catalogue = packs.here(folders, config_path)
    if asked is None:
        audit.possible(wanted, catalogue)
    else:
        period.possible(asked, workspace.now(), catalogue)
    config = workspace.configured(config_path, say, propose=not no_collect)
    plan = audit.plan(config, wanted, catalogue)
    chosen = listed(("en", "es"), languages) if languages else list(config.audit.languages)
    if explain and as_of is not None:
        with workspace.opened(config, say, must_exist=True) as opened:
            _explained(opened, catalogue, as_of, tell, as_json)
        return
    with workspace.opened(config, say, must_exist=no_collect) as opened:
        with collecting(quiet) as show:
            if asked is not None:
                result = period.perform(opened, asked, catalogue, say=tell)
            else:
                result = audit.perform(opened, plan, say=tell, progress=show)
        written = publish.publish(
            result,
            output or config.resolve(config.audit.output),
            languages=chosen,  # type: ignore[arg-type]  # checked by `listed` and by the configuration
            formats=wanted_formats,
            progress=tell,
        )
        verdicts.close(opened, result, written.files)
    judged = gate.gate(result)
    if as_json:
        emit_json({**gate.gate_document(judged), "folder": str(written.folder), "files": [f for f, _ in written.files]})
    else:
        for line in text.summary_lines(result):
            click.echo(line)
        click.echo(f"reports: {written.folder}")
    ctx.exit(130 if audit.interrupted(result) else judged.exit_code)


def _explained(
    opened: Workspace, catalogue: Catalogue, as_of: datetime, tell: Callable[[str], None], as_json: bool
) -> None:
    from dataclasses import asdict

    from compliance.app import explaining

    found, missing = explaining.explain(opened, catalogue, as_of, tell)
    if as_json:
        emit_json({"as_of": as_of.isoformat(), "differences": [asdict(one) for one in found], "no_definition": missing})
        return
    for one in found:
        late = f" (entries {', '.join(map(str, one.late))})" if one.late else ""
        versions = f" version {one.version_then} to {one.version_now}" if one.version_then != one.version_now else ""
        click.echo(f"{one.control}: {one.then} then, {one.now} now: {', '.join(one.causes)}{late}{versions}")
    click.echo(f"{len(found)} controls differ; of {len(missing)} the ledger keeps no definition from then")
