"""`compliance sources list|discover|check`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, say, table


@click.group("sources", help="Configured sources: list, discover, check access.")
def command() -> None:
    """The group."""


@command.command("list", help="The configured sources and the kinds each promises to answer for.")
@config_option
@json_option
def list_(config_path: Path | None, as_json: bool) -> None:
    """List."""
    from compliance.app import config

    sources = config.load(config_path).sources
    if as_json:
        emit_json(
            [
                {
                    "source": s.name,
                    "collector": s.collector.name,
                    "enabled": s.common.enabled,
                    "environment": s.common.environment,
                    "owner": s.common.owner,
                    "kinds": [k.kind for k in s.kinds],
                }
                for s in sources
            ]
        )
        return
    table(
        ("source", "collector", "enabled", "environment", "kinds"),
        [
            (
                s.name,
                s.collector.name,
                "yes" if s.common.enabled else "no",
                s.common.environment,
                len(s.kinds),
            )
            for s in sources
        ],
    )
    if not sources:
        say("no sources are configured; `compliance init` proposes some")


@command.command("discover", help="What of the known types is on this machine, without credentials.")
@config_option
@json_option
def discover_(config_path: Path | None, as_json: bool) -> None:
    """Discover."""
    from compliance.app import config, discover

    found, failed = discover.discover()
    new = discover.unconfigured(found, config.load(config_path).sources)
    rows = [
        {
            "collector": item.collector,
            "name": item.found.name,
            "settings": dict(item.found.settings),
            "seen": item.found.seen,
            "configured": item not in new,
        }
        for item in found
    ]
    if as_json:
        emit_json({"found": rows, "could_not_look": [{"collector": f.collector, "message": f.message} for f in failed]})
        return
    table(
        ("collector", "name", "configured", "seen"),
        [(r["collector"], r["name"], "yes" if r["configured"] else "no", r["seen"]) for r in rows],
    )
    for missed in failed:
        say(f"could not look for {missed.collector}: {missed.message}")


@command.command("check", help="Least-privilege probe: which kinds each source can read, and which right is missing.")
@config_option
@json_option
@click.argument("names", nargs=-1)
@click.pass_context
def check(ctx: click.Context, config_path: Path | None, as_json: bool, names: tuple[str, ...]) -> None:
    """Check. Exit 3 when something could not be read."""
    from compliance.app import access, config

    rows = access.check(config.load(config_path), names)
    if as_json:
        emit_json(
            [
                {"source": s, "kind": a.kind, "readable": a.readable, "message": a.message, "remedy": a.remedy}
                for s, a in rows
            ]
        )
    else:
        table(
            ("source", "kind", "readable", "message", "what would mend it"),
            [(s, a.kind, "yes" if a.readable else "NO", a.message, a.remedy) for s, a in rows],
        )
    if not all(a.readable for _, a in rows):
        ctx.exit(3)
