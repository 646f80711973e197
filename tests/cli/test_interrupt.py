"""Ctrl-C ends a command with 130 and says so, whatever was running."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

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


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        ("Query interrupted", 130, "error: interrupted"),  # what DuckDB makes of Ctrl-C during a query
        ("broken", 5, "the engine crashed: RuntimeError: broken"),
    ],
)
def test_an_error_of_duckdb_that_is_an_interrupt_is_told_from_a_crash(raised: str, code: int, said: str) -> None:
    program = PROGRAM.format(work=f'raise RuntimeError("{raised}")')
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (code, True, code == 5)
