"""Ctrl-C ends a command with 130 and says so, whatever was running."""

from __future__ import annotations

import signal
import subprocess
import sys

# A command of its own, among those of the command line.
PROGRAM = """
import signal, sys, types
signal.signal(signal.SIGINT, signal.default_int_handler)
import click, duckdb
from compliance import cli

@click.command()
def work():
    with duckdb.connect(":memory:") as connection:
        print("working", flush=True)
        {work}

cli.COMMANDS["work"] = ("work", "")
sys.modules["compliance.cli.work"] = types.SimpleNamespace(command=work)
sys.argv = ["compliance", "work"]
cli.main()
"""


def test_an_interrupt_is_no_crash() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(work="while True: pass")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "working\n"
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert said.strip().startswith("error: interrupted")


def test_another_error_of_that_sort_is_a_crash() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(work='raise RuntimeError("broken")')],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 5
    assert "the engine crashed: RuntimeError: broken" in done.stderr
    assert "Traceback" in done.stderr


def test_what_duckdb_makes_of_an_interrupt_is_one() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(work='raise RuntimeError("Query interrupted")')],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
