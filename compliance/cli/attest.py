"""`compliance attest`."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path

import click

from compliance.cli.options import config_option, say


@click.command(
    "attest",
    help="Record manual evidence. The date of the activity decides, not the date of recording; after --expires it no "
    "longer counts. Of the document a copy is kept beside the ledger, under its digest.",
)
@config_option
@click.argument("statement")
@click.option(
    "--form", required=True, help="document, attestation, contract, external_report, sample, interview, nil_return"
)
@click.option("--requirement", "requirements", multiple=True, help="framework:id, for instance soc2:CC1.1; repeatable.")
@click.option("--control", default=None, help="Control it bears on.")
@click.option(
    "--resource",
    "resources",
    multiple=True,
    help="Resource it speaks of, as findings of the control name it (db/host:5432); repeatable.",
)
@click.option("--on", "occurred", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Day of the activity.")
@click.option(
    "--expires",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day it counts (UTC): at most 366 days on, 15 months for external_report, 35 days for nil_return.",
)
@click.option("--by", default=getpass.getuser, show_default="this account", help="Who states it.")
@click.option("--reviewed-by", default=None, help="Second person who reviewed it.")
@click.option("--document", type=click.Path(dir_okay=False, path_type=Path), default=None, help="File it rests on.")
@click.option("--revokes", default=None, help="Attestation that this one takes back.")
def command(
    config_path: Path | None,
    statement: str,
    form: str,
    requirements: tuple[str, ...],
    control: str | None,
    resources: tuple[str, ...],
    occurred: datetime,
    expires: datetime,
    by: str,
    reviewed_by: str | None,
    document: Path | None,
    revokes: str | None,
) -> None:
    """Attest."""
    from compliance.app import config, decisions, workspace

    said = decisions.Statement(
        form=form,
        statement=statement,
        by=by,
        occurred_at=occurred.replace(tzinfo=UTC),
        expires_at=expires.replace(hour=23, minute=59, second=59, tzinfo=UTC),
        control=control,
        requirements=requirements,
        resources=resources,
        reviewed_by=reviewed_by,
        document=document,
        revokes=revokes,
    )
    with workspace.opened(config.load(config_path), say) as opened:
        click.echo(decisions.attest(opened, said))
