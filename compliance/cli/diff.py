"""`compliance diff`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, say, table


@click.command(
    "diff",
    help="Compare two recorded audits: what is new, regressed, still failing, fixed, gone, or no longer decided, and "
    "whether evidence or a definition made the change. Without names the last two; `compliance trend` lists them.\n\n"
    "Exit 1: something is new or regressed. Exit 3: nothing is, but something is no longer decided.",
)
@config_option
@json_option
@click.argument("earlier", required=False)
@click.argument("later", required=False)
@click.option("--all", "everything", is_flag=True, help="Also what still fails.")
@click.pass_context
def command(
    ctx: click.Context,
    config_path: Path | None,
    as_json: bool,
    earlier: str | None,
    later: str | None,
    everything: bool,
) -> None:
    """Diff."""
    from compliance.app import comparing, config, workspace
    from compliance.controls.comparison import Change, counts

    with workspace.opened(config.load(config_path), say, must_exist=True) as opened:
        found = comparing.diff(opened, earlier, later)
    shown = [item for item in found.differences if everything or as_json or item.change is not Change.STILL]
    rows = [
        {
            "change": item.change.value,
            "cause": item.cause.value,
            "control": item.resource[0],
            "source": item.resource[1],
            "resource": item.resource[2],
            "then": f"{item.then.verdict.value}:{item.then.code}" if item.then else None,
            "now": f"{item.now.verdict.value}:{item.now.code}" if item.now else None,
            "reason": (item.now or item.then).reason if item.now or item.then else None,  # type: ignore[union-attr]
        }
        for item in shown
    ]
    if as_json:
        emit_json(
            {
                "then": {"audit": found.then.audit, "as_of": found.then.as_of, "entry": found.then.entry},
                "now": {"audit": found.now.audit, "as_of": found.now.as_of, "entry": found.now.entry},
                "counts": counts(found.differences),
                "definitions_changed": found.definitions,
                "verdicts": [dict(zip(("control", "then", "now"), one, strict=True)) for one in found.verdicts],
                "erased": found.erased,
                "differences": rows,
            }
        )
    else:
        headers = ("change", "cause", "control", "source", "resource", "then", "now")
        table(headers, [[row[name] for name in headers] for row in rows])
    say(
        f"{found.then.audit} → {found.now.audit}: "
        + ", ".join(f"{n} {name}" for name, n in counts(found.differences).items())
        + f"; {len(found.definitions)} definitions changed"
        + (f"; {found.erased} findings name nobody any more and were not compared" if found.erased else "")
    )
    ctx.exit(found.exit_code)
