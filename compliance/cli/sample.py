"""`compliance sample`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from compliance.cli.options import config_option, emit_json, json_option, say

if TYPE_CHECKING:
    from compliance.app.samples import Sample


@click.group("sample", help="Samples of an audit's population, drawn by the auditor's seed: draw, show, retest.")
def command() -> None:
    """The group."""


@command.command("draw", help="Draw members of what a control judged in an audit, and record the draw.")
@config_option
@click.option("--audit", required=True, help="Audit whose population it is.")
@click.option("--control", required=True, help="Control whose population it is.")
@click.option("--size", type=click.IntRange(1), required=True, help="Members to draw.")
@click.option("--seed", required=True, help="The auditor's own: any text.")
@click.option("--by", required=True, help="Who draws.")
@json_option
def draw(config_path: Path | None, audit: str, control: str, size: int, seed: str, by: str, as_json: bool) -> None:
    """Draw and record."""
    from compliance.app import samples, workspace

    config = workspace.configured(config_path, say, propose=False)
    with workspace.opened(config, say, must_exist=True) as opened:
        _tell(samples.draw(opened, audit, control, size=size, seed=seed, by=by), as_json)


@command.command("show", help="Draw a recorded sample again and compare; exit 4 when it differs.")
@config_option
@click.argument("sample")
@json_option
def show(config_path: Path | None, sample: str, as_json: bool) -> None:
    """Draw again."""
    from compliance.app import samples, workspace

    config = workspace.configured(config_path, say, propose=False)
    with workspace.opened(config, say, must_exist=True) as opened:
        _tell(samples.show(opened, sample), as_json)


@command.command("retest", help="Record what was found on testing one item of a sample.")
@config_option
@click.argument("sample")
@click.argument("number", type=int)
@click.option("--found", required=True, help="What the test showed.")
@click.option("--by", required=True, help="Who tested.")
@click.option("--reviewed-by", default=None, help="A second person.")
def retest(config_path: Path | None, sample: str, number: int, found: str, by: str, reviewed_by: str | None) -> None:
    """Record a test by hand."""
    from compliance.app import samples, workspace

    config = workspace.configured(config_path, say, propose=False)
    with workspace.opened(config, say, must_exist=True) as opened:
        click.echo(samples.retest(opened, sample, number, found=found, by=by, reviewed_by=reviewed_by))


def _tell(sample: Sample, as_json: bool) -> None:
    from compliance.app import samples

    if as_json:
        emit_json(samples.plain(sample))
        return
    click.echo(f"{sample.sample}: {len(sample.items)} of {sample.population} of {sample.control}, entry {sample.entry}")
    click.echo(f"population {sample.population_sha256}, seed {sample.seed}")
    for item in sample.items:
        tested = f"  tested: {', '.join(item.retests)}" if item.retests else ""
        click.echo(f"{item.number:>6}  {item.verdict:<14} {item.source} {item.resource}{tested}")
