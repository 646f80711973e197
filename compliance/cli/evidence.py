"""`compliance evidence list|show|schema|entry`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, say, table


@click.group("evidence", help="What is in the ledger: kinds, rows, one entry, JSON Schema.")
def command() -> None:
    """The group."""


@command.command("list", help="Every kind of evidence, and what the ledger holds of it now.")
@config_option
@json_option
def list_(config_path: Path | None, as_json: bool) -> None:
    """List."""
    from compliance.app import config, holdings

    rows = holdings.kinds(config.load(config_path), say)
    if as_json:
        emit_json(rows)
        return
    table(
        ("kind", "shape", "sources", "rows now", "last complete", "what it is"),
        [(r["kind"], r["shape"], ", ".join(r["sources"]), r["rows"], r["completed_at"], r["summary"]) for r in rows],
    )


@command.command("show", help="The newest rows of one kind, from every source or one.")
@config_option
@click.argument("kind")
@click.option("--source", default=None)
def show(config_path: Path | None, kind: str, source: str | None) -> None:
    """Show, as JSON: rows are data."""
    from compliance.app import config, holdings

    emit_json(holdings.rows(config.load(config_path), kind, source, say))


@command.command(
    "entry", help="One entry: its signed line, its leaf hash, and the personal content where it can be read."
)
@config_option
@click.argument("number", type=click.IntRange(min=0))
def entry(config_path: Path | None, number: int) -> None:
    """Entry, as JSON."""
    from compliance.app import config, holdings

    emit_json(holdings.entry(config.load(config_path), number, say))


@command.command("schema", help="The JSON Schema of one kind.")
@click.argument("kind")
def schema(kind: str) -> None:
    """Schema."""
    from compliance.app import holdings
    from compliance.schemas.evidence import json_schema

    emit_json(json_schema(holdings.kind_called(kind)))
