"""`compliance waiver request|approve|revoke|list`."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, say, table

by_option = click.option("--by", default=getpass.getuser, show_default="this account", help="Who takes this step.")


@click.group(
    "waiver",
    help="Accept a failing finding for a while. A request changes nothing until another person approves it; "
    "an accepted finding is shown as failed and accepted, never as passed.",
)
def command() -> None:
    """The group."""


@command.command("request", help="Ask that a failing finding be accepted until a date.")
@config_option
@click.argument("control")
@click.option("--source", required=True, help="Source it is limited to.")
@click.option("--resource", default=None, help="Resource it is limited to, exactly as the finding names it.")
@click.option("--reason", required=True, help="Why it is accepted.")
@click.option("--compensating", default=None, help="What protects meanwhile.")
@click.option("--expires", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Last day it holds (UTC).")
@by_option
def request(
    config_path: Path | None,
    control: str,
    source: str,
    resource: str | None,
    reason: str,
    compensating: str | None,
    expires: datetime,
    by: str,
) -> None:
    """Request."""
    from compliance.app import config, decisions, workspace

    last = expires.replace(hour=23, minute=59, second=59, tzinfo=UTC)
    asked = decisions.WaiverRequest(control, source, resource, reason, compensating, last, by)
    with workspace.opened(config.load(config_path), say, must_exist=True) as opened:
        name = decisions.request_waiver(opened, asked)
    click.echo(name)
    say(f"{name} is requested; a second person approves it: compliance waiver approve {name} --by NAME")


@command.command("approve", help="Approve a request. Never by the person who asked.")
@config_option
@click.argument("waiver")
@by_option
def approve(config_path: Path | None, waiver: str, by: str) -> None:
    """Approve."""
    from compliance.app import config, decisions, workspace

    with workspace.opened(config.load(config_path), say, must_exist=True) as opened:
        decisions.approve_waiver(opened, waiver, by)
    say(f"{waiver} is in force, approved by {by}")


@command.command("revoke", help="End a waiver now.")
@config_option
@click.argument("waiver")
@click.option("--reason", required=True)
@by_option
def revoke(config_path: Path | None, waiver: str, reason: str, by: str) -> None:
    """Revoke."""
    from compliance.app import config, decisions, workspace

    with workspace.opened(config.load(config_path), say, must_exist=True) as opened:
        decisions.revoke_waiver(opened, waiver, by, reason)
    say(f"{waiver} is revoked")


@command.command("list", help="Every waiver as it stands now, expired and refused ones too.")
@config_option
@json_option
def list_(config_path: Path | None, as_json: bool) -> None:
    """List."""
    from compliance.app import config, decisions, workspace

    with workspace.opened(config.load(config_path), say, must_exist=True) as opened:
        views = decisions.list_waivers(opened)
    if not views:
        say("no waiver was ever requested")
    if as_json:
        emit_json(list(views))
        return
    table(
        (
            "waiver",
            "state",
            "control",
            "source",
            "resource",
            "expires",
            "requested by",
            "approved by",
            "why not in force",
        ),
        [
            (
                v.waiver,
                v.state,
                v.control,
                v.source,
                v.resource,
                f"{v.expires_at:%Y-%m-%d}" if v.expires_at else "",
                v.requested_by,
                v.approved_by,
                v.why_not,
            )
            for v in views
        ],
    )
