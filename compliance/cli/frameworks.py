"""`compliance frameworks list|show`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import controls_option, emit_json, json_option, table

language_option = click.option("--language", type=click.Choice(["en", "es"]), default="en", help="Language of titles.")


@click.group("frameworks", help="Frameworks and their requirements: list, show.")
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
