"""Progress on a terminal, silence when piped."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from compliance.app.runner import Progress


def speaker(quiet: bool) -> Callable[[str], None]:
    """Prints one line to stderr; says nothing when quiet or when stderr is not a terminal."""
    if quiet or not sys.stderr.isatty():
        return lambda text: None
    return lambda text: click.echo(text, err=True)


@contextmanager
def collecting(quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """A live list of sources while they are read; None where nobody watches."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True, no_color="NO_COLOR" in os.environ)
    columns = (
        SpinnerColumn(),
        TextColumn("reading", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[now]}", markup=False),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading", total=None, now="")

        def show(step: Progress) -> None:
            now = f"{step.source} {step.kind or ''} {step.step}"
            bar.update(task, total=step.total or None, completed=step.done, now=now)
            if step.step == "done" and step.kind and step.outcome not in (None, "complete"):
                console.print(f"not read: {step.source} {step.kind}: {step.outcome}", markup=False, highlight=False)

        yield show
