"""Data on stdout, words on stderr; help that is fast and says what README says."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from compliance.cli import COMMANDS, EXIT_CODES
from tests.cli.helpers import ROOT, Place

HEAVY = ("duckdb", "pyarrow", "pydantic", "sqlmodel", "weasyprint", "sqlglot", "orjson", "rich", "psycopg", "redis")


def test_help_imports_nothing_heavy(place: Place) -> None:
    probe = (
        "import sys, compliance.cli\n"
        "sys.argv = ['compliance', '--help']\n"
        "try: compliance.cli.main()\n"
        f"finally: print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], env=place.environment, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"
    assert "Exit codes" in done.stdout


def test_every_command_has_its_help(place: Place) -> None:
    listed = place.run("--help").out
    for name, (module, summary) in COMMANDS.items():
        assert re.search(rf"^  {name} ", listed, re.MULTILINE)
        done = place.run(name, "--help")
        assert done.code == 0, module
        assert summary.split(".")[0].split(":")[0].split(" (")[0][:20] in done.out or done.out.startswith("Usage: ")
    assert place.names() == set()


def test_readme_shows_commands_that_exist(place: Place) -> None:
    text = (ROOT / "README.md").read_text()
    used = set(re.findall(r"^compliance ([a-z]+)(?: ([a-z]+))?", text, re.MULTILINE))
    assert used
    assert {name for name, _ in used} <= set(COMMANDS)
    for name, sub in used:
        if name in ("sources", "controls", "waiver"):
            assert place.run(name, sub, "--help").code == 0, (name, sub)


def test_readme_and_help_give_the_same_exit_codes() -> None:
    text = (ROOT / "README.md").read_text()
    table = dict(re.findall(r"^\| (\d+) \| (.+) \|$", text, re.MULTILINE))
    told = dict(re.findall(r"^  (\d+)  (.+)$", EXIT_CODES, re.MULTILINE))
    assert told.pop("0") == f"held: {table.pop('0')}"
    assert told == table


def test_the_configuration_in_readme_is_accepted(place: Place) -> None:
    text = (ROOT / "README.md").read_text()
    example = text.split("```toml\n", 1)[1].split("```", 1)[0]
    done = place.configure(example).run("audit", "--no-collect")
    assert done.code == 2
    assert "there is no ledger" in done.err


LISTS = [
    ("sources", "list"), ("sources", "discover"), ("sources", "check"), ("controls", "list"),
    ("controls", "show", "tls.hsts"), ("controls", "lint"), ("controls", "test", "tls.hsts"), ("frameworks", "list"),
    ("frameworks", "show", "soc2"), ("frameworks", "show", "soc2", "CC6.1"), ("evidence", "list"), ("waiver", "list"),
    ("ledger", "status"), ("keys", "list"), ("doctor",), ("verify",),
]  # fmt: skip


@pytest.mark.parametrize("arguments", LISTS, ids=" ".join)
def test_what_is_shown_is_also_json(collected: Place, arguments: tuple[str, ...]) -> None:
    done = collected.run(*arguments, "--json")
    assert done.code == 0, done.words
    assert isinstance(done.json, list | dict)
    assert "\x1b" not in done.words


def test_a_collection_as_json_has_nothing_beside_it(copy: Place) -> None:
    done = copy.run("collect", "--json")
    assert done.code == 0
    assert done.json["interrupted"] is False
    assert {row["outcome"] for row in done.json["outcomes"]} == {"complete"}
    assert done.err == ""


def test_an_audit_is_silent_when_piped_and_its_stdout_is_data(copy: Place) -> None:
    done = copy.run("audit", "soc2", "--no-collect", "--format", "json", "-o", "out", "--json")
    assert done.err == ""
    assert set(done.json["files"]) == {"audit.json", "soc2.json"}
    written = json.loads((copy.folder / "out/latest/audit.json").read_text())
    assert written["summary"]
    assert copy.run("verify", "--quiet").out == ""


def terminal(place: Place, *arguments: str) -> str:
    """What a person sees on a terminal."""
    done = subprocess.run(
        ["script", "-qec", " ".join([sys.executable, "-m", "compliance", *arguments]), "/dev/null"],
        cwd=place.folder, env=place.environment | {"TERM": "xterm-256color"} | place.extra,
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.stdout


def test_colour_only_where_it_is_wanted(collected: Place) -> None:
    colourful = terminal(collected, "controls", "show", "tls.hst")
    assert "\x1b[31m" in colourful
    plain = terminal(Place(collected.folder, {"NO_COLOR": "1"}), "controls", "show", "tls.hst")
    assert "error: no control is called 'tls.hst'" in plain
    assert "\x1b[3" not in plain
    table = terminal(Place(collected.folder, {"NO_COLOR": "1"}), "sources", "list")
    assert "collector" in table
    assert not re.search(r"\x1b\[3\d", table)


def test_a_reader_that_goes_away_is_no_crash(collected: Place) -> None:
    shown = collected.start("controls", "list", "--json")
    assert shown.stdout
    shown.stdout.close()
    assert shown.stderr
    err = shown.stderr.read()
    shown.stderr.close()
    assert shown.wait(60) == 141
    assert "Traceback" not in err
