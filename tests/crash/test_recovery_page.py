"""docs/recovery.md says what the code says: every message that its tables quote is in the code, word for word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Words of DuckDB and of the system; tests/crash/test_log.py and tests/crash/run.py meet them.
OTHERS = {"Failure while replaying WAL", "Input/output error", "WAL"}


def quoted() -> list[str]:
    """The stretches of all quoted messages between their variable parts."""
    rows = [
        line.split("|") for line in (ROOT / "docs" / "recovery.md").read_text().splitlines() if line.startswith("|")
    ]
    messages = [message for row in rows for message in re.findall(r"`([^`]+)`", row[2])]
    parts = {part.strip(" :") for message in messages for part in re.split("…|process N", message)}
    return sorted(part for part in parts - OTHERS if len(part) > 6 and not part.startswith(("compliance", "next.pem")))


@pytest.fixture(scope="module")
def code() -> str:
    """All of the engine's source, with string literals that span lines joined."""
    text = "\n".join(path.read_text() for path in sorted((ROOT / "compliance").rglob("*.py")))
    return re.sub(r'"\s*\n\s*\+? ?f?"', "", text)


def test_there_are_messages() -> None:
    assert len(quoted()) > 10


@pytest.mark.parametrize("part", quoted())
def test_the_code_says_so(code: str, part: str) -> None:
    assert part in code
