"""`compliance controls list|show|lint|test|mutate`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import controls_option, emit_json, json_option, say, table

language_option = click.option("--language", type=click.Choice(["en", "es"]), default="en", help="Language of texts.")


@click.group("controls", help="Control definitions: list, show, lint, test, mutate.")
def command() -> None:
    """The group."""


@command.command("list", help="Every control: those evaluated, and those no collector can feed yet.")
@json_option
@controls_option
@language_option
@click.option("--domain", default=None, help="Only this domain (access, tls, net, …).")
def list_(folders: tuple[Path, ...], as_json: bool, language: str, domain: str | None) -> None:
    """List."""
    from compliance.app import packs

    loaded = packs.here(folders)
    rows = [
        {
            "control": item.id,
            "version": item.control.version,
            "severity": item.control.severity.value,
            "state": "evaluated",
            "kinds": list(item.kinds) if as_json else [],  # which takes parsing its SQL
            "title": item.control.title.in_(language),
        }
        for item in loaded.controls.values()
    ] + [
        {
            "control": item.id,
            "version": None,
            "severity": item.severity.value,
            "state": "no collector yet",
            "kinds": item.needs,
            "title": item.title.in_(language),
        }
        for item in loaded.planned.values()
    ]
    domains = sorted({str(row["control"]).partition(".")[0] for row in rows})
    if domain is not None and domain not in domains:
        raise click.BadParameter(f"{domain!r} is not one of {', '.join(domains)}", param_hint="--domain")
    chosen = sorted(
        (row for row in rows if domain in (None, str(row["control"]).partition(".")[0])),
        key=lambda r: str(r["control"]),
    )
    if as_json:
        emit_json(chosen)
        return
    table(
        ("control", "severity", "state", "title"),
        [(r["control"], r["severity"], r["state"], r["title"]) for r in chosen],
    )


@command.command("show", help="One control: question, why, rule, parameters, evidence, and where it bears.")
@json_option
@controls_option
@language_option
@click.argument("control")
def show(folders: tuple[Path, ...], control: str, as_json: bool, language: str) -> None:
    """Show."""
    from compliance.app import definitions, packs

    found = definitions.describe(control, language, packs.here(folders))
    if as_json:
        emit_json(found.data)
        return
    for line in found.lines:
        click.echo(line)


@command.command("lint", help="Check definitions: the files given, or all of ours. Exit 2 when something is wrong.")
@json_option
@controls_option
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def lint(ctx: click.Context, folders: tuple[Path, ...], files: tuple[Path, ...], as_json: bool) -> None:
    """Lint."""
    from compliance.app import definitions, packs

    checked, problems = definitions.lint(files, packs.here(folders))
    if as_json:
        emit_json(problems)
    else:
        for problem in problems:
            click.echo(f"{problem['path']}:{problem['line']}: [{problem['rule']}] {problem['message']}")
    say(f"{checked} controls, {len(problems)} problems")
    ctx.exit(2 if problems else 0)


@command.command(
    "test", help="Run the cases of the controls given by id or file, or of all. Exit 1 when one does not hold."
)
@json_option
@controls_option
@click.argument("controls", nargs=-1)
@click.pass_context
def test(ctx: click.Context, folders: tuple[Path, ...], controls: tuple[str, ...], as_json: bool) -> None:
    """Test."""
    from compliance.app import definitions, packs

    outcomes = definitions.test(controls, packs.here(folders))
    broken = [item for item in outcomes if item["problems"]]
    if as_json:
        emit_json(outcomes)
    else:
        for item in broken:
            click.echo(f"{item['path']}:{item['line']}: {item['case']}: {'; '.join(item['problems'])}")
    say(f"{len(outcomes)} cases, {len(broken)} do not hold")
    ctx.exit(1 if broken else 0)


@command.command(
    "mutate",
    help="Change the SQL of the controls given by id or file, or of all, one thing at a time, and name each change on "
    "which no case breaks. Exit 1 when there is one. A change that means the same is answered in the SQL: -- same: why",
)
@json_option
@controls_option
@click.argument("controls", nargs=-1)
@click.pass_context
def mutate(ctx: click.Context, folders: tuple[Path, ...], controls: tuple[str, ...], as_json: bool) -> None:
    """Mutate."""
    from compliance.app import definitions, packs

    outcomes = definitions.mutate(controls, packs.here(folders))
    if as_json:
        emit_json(outcomes)
    alive = answered = 0
    for item in outcomes:
        for survivor in item["survivors"]:
            answered += survivor["answered"]
            if survivor["answered"]:
                continue
            alive += 1
            if not as_json:
                click.echo(f"{survivor['path']}:{survivor['line']}: {survivor['change']}")
    made = sum(item["mutants"] for item in outcomes)
    say(f"{made} mutants of {len(outcomes)} controls: {alive} survive, {answered} are answered as meaning the same")
    ctx.exit(1 if alive else 0)
