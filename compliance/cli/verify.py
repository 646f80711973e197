"""`compliance verify`."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.cli.options import config_option, emit_json, json_option, quiet_option, say

_file = click.Path(dir_okay=False, path_type=Path)


@click.command(
    "verify",
    help="Recompute every line, leaf, tile, root and signature of a ledger and name the first bad entry. "
    "LEDGER is a ledger file or a folder of sealed segments; without it, the configured one with its anchors. Exit 0 "
    "when all agree, 4 when not, 3 when all that was given agrees but an anchor or some entries could not be checked.",
)
@config_option
@json_option
@quiet_option
@click.argument("ledger", required=False, type=click.Path(path_type=Path))
@click.option("--segments", type=click.Path(file_okay=False, path_type=Path), help="Folder of its sealed months.")
@click.option("--vkey", "vkeys", multiple=True, help="Public key the checkpoints must carry (default: this machine's).")
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="SIZE:ROOT|FILE",
    help="What you hold of this ledger: size:root as a report prints it, a checkpoint, or a folder of them.",
)
@click.option("--prove", type=click.IntRange(0), metavar="ENTRY", help="Write the proof that this entry is in it.")
@click.option("--size", type=click.IntRange(1), help="Prove against the checkpoint of this size, not the newest.")
@click.option(
    "--consistency", type=(click.IntRange(1), click.IntRange(1)), metavar="SIZE1 SIZE2", default=None,
    help="Write the proof that the checkpoint of SIZE2 extends that of SIZE1.",
)  # fmt: skip
@click.option("--check-proof", type=_file, help="Check a proof; needs --vkey, and --line if it is about an entry.")
@click.option("--line", type=_file, help="The entry's line: read by --check-proof, written by --prove.")
@click.option("--output", "-o", type=_file, help="Write the proof here instead of to stdout.")
@click.pass_context
def command(
    ctx: click.Context,
    config_path: Path | None,
    as_json: bool,
    quiet: bool,
    ledger: Path | None,
    anchors: tuple[str, ...],
    segments: Path | None,
    vkeys: tuple[str, ...],
    prove: int | None,
    size: int | None,
    consistency: tuple[int, int] | None,
    check_proof: Path | None,
    line: Path | None,
    output: Path | None,
) -> None:
    """Verify."""
    if sum(option is not None for option in (prove, consistency, check_proof)) > 1:
        raise click.UsageError("--prove, --consistency and --check-proof exclude each other")
    if check_proof is not None:
        _check(check_proof, line, vkeys, quiet)
    elif prove is not None:
        _prove(config_path, ledger, prove, size, vkeys, line, output)
    elif consistency is not None:
        _consistency(config_path, ledger, consistency, vkeys, output)
    else:
        if size is not None or line is not None or output is not None:
            raise click.UsageError("--size, --line and --output belong to proofs")
        if len(vkeys) > 1:
            raise click.UsageError("give one --vkey: the key that the ledger is signed with")
        _verify(ctx, config_path, ledger, segments, vkeys[0] if vkeys else None, anchors, as_json=as_json, quiet=quiet)


def _verify(
    ctx: click.Context,
    config_path: Path | None,
    ledger: Path | None,
    segments: Path | None,
    vkey: str | None,
    anchors: tuple[str, ...],
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    from compliance.app import check

    checked = check.check(config_path, ledger, vkey, anchors, segments)
    if as_json:
        emit_json(check.as_json(checked))
    elif not quiet or checked.exit_code:
        for text in check.lines(checked):
            click.echo(text)
    ctx.exit(checked.exit_code)


def _check(proof: Path, line: Path | None, vkeys: tuple[str, ...], quiet: bool) -> None:
    from compliance.app import prove

    if not vkeys:
        raise click.UsageError("--check-proof needs --vkey: a proof says nothing without a key that you know")
    shown = prove.check(proof, line, vkeys)
    if not quiet:
        click.echo(shown)


def _prove(
    config_path: Path | None, ledger: Path | None, entry: int, size: int | None, vkeys: tuple[str, ...],
    line: Path | None, output: Path | None,
) -> None:  # fmt: skip
    from compliance.app import prove

    proof = prove.inclusion(config_path, ledger, entry, vkeys, size)
    if line is not None:
        prove.save(line, proof.line)
    _write(proof.text, output)


def _consistency(
    config_path: Path | None, ledger: Path | None, sizes: tuple[int, int], vkeys: tuple[str, ...], output: Path | None
) -> None:
    from compliance.app import prove

    _write(prove.consistency(config_path, ledger, *sizes, vkeys), output)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    from compliance.app import prove

    prove.save(output, text)
    say(f"wrote {output}")
