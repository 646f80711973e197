"""`compliance frameworks list|show|requirements`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from compliance.cli.audit import listed, moment
from compliance.cli.options import config_option, controls_option, emit_json, json_option, quiet_option, say, table
from compliance.cli.progress import speaker

language_option = click.option("--language", type=click.Choice(["en", "es"]), default="en", help="Language of titles.")


@click.group("frameworks", help="Frameworks and their requirements: list, show, judge them.")
def command() -> None:
    """The group."""


@command.command("list", help="The frameworks, with the number of requirements and how far controls reach.")
@json_option
@controls_option
@language_option
def list_(folders: tuple[Path, ...], as_json: bool, language: str) -> None:
    """List."""
    from compliance.app import packs

    loaded = packs.here(folders)
    rows = []
    for framework in loaded.frameworks.values():
        items = framework.requirements
        mapped = sum(1 for r in items if any(link.control in loaded.controls for link in r.direct))
        rows.append(
            {
                "framework": framework.id,
                "name": framework.name.in_(language),
                "edition": framework.edition,
                "requirements": len(items),
                "with_controls": mapped,
            }
        )
    if as_json:
        emit_json(rows)
        return
    table(
        ("framework", "name", "requirements", "with a control of ours"),
        [(r["framework"], r["name"], r["requirements"], r["with_controls"]) for r in rows],
    )


@command.command("show", help="One framework's requirements, or one requirement with its controls.")
@json_option
@controls_option
@language_option
@click.argument("framework")
@click.argument("requirement", required=False)
def show(folders: tuple[Path, ...], framework: str, requirement: str | None, as_json: bool, language: str) -> None:
    """Show."""
    from compliance.app import audit, packs
    from compliance.app.where import nearest
    from compliance.schemas.errors import ConfigError

    loaded = packs.here(folders)
    items = audit.framework(loaded, framework).requirements
    found = [r for r in items if requirement in (None, r.id)]
    if requirement is not None and not found:
        raise ConfigError(
            f"{framework} has no requirement {requirement!r}{nearest(requirement, [r.id for r in items])}",
            remedy=f"compliance frameworks show {framework}",
        )
    if as_json:
        emit_json([r.model_dump(mode="json") for r in found])
        return
    if requirement is None:
        table(
            ("id", "title", "automation", "manual evidence", "controls", "condition"),
            [
                (r.id, r.title.in_(language), r.automation, ", ".join(r.manual), len(r.direct), r.condition)
                for r in found
            ],
        )
        return
    one = found[0]
    click.echo(f"{framework} {one.id}  {one.title.in_(language)}")
    click.echo(f"automation: {one.automation}; manual evidence: {', '.join(one.manual) or 'none'}")
    if one.brings:
        click.echo(f"a person brings: {one.brings.in_(language)}")
    if one.condition:
        click.echo(f"applies unless declared off: {one.condition}")
    table(
        ("bearing", "control", "here", "why"),
        [
            (bearing, link.control, "yes" if link.control in loaded.controls else "no collector yet", link.why)
            for bearing, links in (("direct", one.direct), ("supporting", one.supporting))
            for link in links
        ],
    )


@command.command(
    "requirements",
    help="What decides each requirement, what a person must still bring and in which form, and its verdict on what the "
    "ledger holds. Nothing is collected and no verdict recorded.\n\nFRAMEWORKS: soc2 iso27001 pci_dss ferpa gdpr "
    "lfpdppp; all of them when none is named. With --format pdf a working paper each, and for iso27001 the "
    "statement of applicability. Exit 1 when something fails, 3 when nothing fails but not all could be decided, "
    "whatever --verdict shows.",
)
@config_option
@controls_option
@click.argument("frameworks", nargs=-1)
@click.option(
    "--verdict",
    "statuses",
    multiple=True,
    type=click.Choice(["fail", "waived", "unknown", "manual", "not_evaluated", "pass", "not_applicable"]),
    help="Only these; repeatable. manual: waits for what a person brings.",
)
@click.option("--as-of", callback=moment, default=None, help="Judge the evidence as it stood then.")
@click.option(
    "--known",
    type=click.Choice(["then", "now"]),
    default=None,
    help="With --as-of (default then): only what was recorded by then, or everything recorded so far about that time.",
)
@click.option("--format", "form", type=click.Choice(["text", "json", "csv", "pdf"]), default="text", show_default=True)
@click.option("--language", "languages", default=None, help="en, es or en,es (default: the configuration's).")
@click.option(
    "--output", "-o", type=click.Path(file_okay=False, path_type=Path), default=None, help="Folder of the PDFs."
)
@quiet_option
@click.pass_context
def requirements(
    ctx: click.Context,
    config_path: Path | None,
    folders: tuple[Path, ...],
    frameworks: tuple[str, ...],
    statuses: tuple[str, ...],
    as_of: datetime | None,
    known: str | None,
    form: str,
    languages: str | None,
    output: Path | None,
    quiet: bool,
) -> None:
    """Requirements."""
    from compliance.app import audit, packs, workspace
    from compliance.app import requirements as judging
    from compliance.reports import gate

    if known is not None and as_of is None:
        raise click.UsageError("--known speaks of a moment: name it with --as-of")
    wanted = audit.Wanted(frameworks, as_of, known or "then" if as_of else "now", collect=False)
    catalogue = packs.here(folders, config_path)
    audit.possible(wanted, catalogue)
    config = workspace.configured(config_path, say, propose=False)
    plan = audit.plan(config, wanted, catalogue)
    spoken: Any = listed(("en", "es"), languages) if languages else list(config.audit.languages)
    tell = speaker(quiet)
    with workspace.opened(config, say, must_exist=True) as opened:
        found = judging.judge(opened, plan, tell)
    first = spoken[0]
    match form:
        case "json":
            click.echo(judging.as_json(found, statuses), nl=False)
        case "csv":
            click.echo(judging.as_csv(found, statuses, first), nl=False)
        case "pdf":
            folder = output or config.resolve(config.audit.output)
            with workspace.private_files():
                for path in judging.write(found, statuses, spoken, folder, tell):
                    click.echo(path)
        case _:
            for line in judging.as_lines(found, statuses, first):
                click.echo(line)
    ctx.exit(gate.gate(found.result).exit_code)
