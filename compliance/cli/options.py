"""Options and printing that several commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

config_option = click.option(
    "--config",
    "-c",
    "config_path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Configuration file (default: compliance.toml in this folder).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable output on stdout.")
controls_option = click.option(
    "--controls",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with more controls (checks/, frameworks/), beside those of [controls]; repeatable.",
)
quiet_option = click.option("--quiet", "-q", is_flag=True, help="No progress, only results and problems.")


def emit_json(value: Any) -> None:
    """Write `value` as JSON to stdout, keys in given order, times as ISO 8601."""
    import orjson

    def other(item: Any) -> Any:
        if isinstance(item, Path):
            return str(item)
        if isinstance(item, set | frozenset | tuple):
            return list(item)
        if hasattr(item, "model_dump"):
            return item.model_dump(mode="json")
        raise TypeError(f"{type(item).__name__} is not JSON")

    sys.stdout.write(orjson.dumps(value, default=other, option=orjson.OPT_INDENT_2).decode() + "\n")


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A plain table on stdout: aligned columns on a terminal, tab-separated when piped."""
    cells = [[("" if cell is None else str(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in cells:
            click.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table

    shown = Table(*headers, box=None, pad_edge=False, header_style="bold")
    for row in cells:
        shown.add_row(*(_plain(cell) for cell in row))
    Console(no_color="NO_COLOR" in os.environ, highlight=False).print(shown)


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)  # never markup: names come from audited systems


def say(text: str) -> None:
    """One line for the reader, on stderr."""
    click.echo(text, err=True)
