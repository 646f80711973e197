"""Packages whose owner, who has the signing key, wants an auditor to believe more than was evidenced."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from compliance.verify import standalone
from tests.verify.exporting import ndjson, write
from tests.verify.test_standalone import Made

Told = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("made"))


@pytest.fixture
def told(made: Made, capsys: pytest.CaptureFixture[str]) -> Told:
    def run(folder: Path, *arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = standalone.main([str(folder), "--vkey", made.keys.vkey, *arguments])
        return code, capsys.readouterr().out

    return run


@pytest.mark.parametrize("kind", ["export", "package"])
def test_an_anchored_note_of_no_entries_hides_no_other(made: Made, told: Told, tmp_path: Path, kind: str) -> None:
    """Statements are compared as entries come by; one about none must not stand before all others."""
    wrong = f"20:{'0' * 64}"
    folder = made.copy(kind, tmp_path)
    empty = sha256(b"").digest()
    write(folder, f"anchors/git/{0:020d}-{empty.hex()}", made.keys.sign(0, empty))
    made.sealed(folder)

    code, words = told(folder, "--anchor", wrong)
    assert code == 4
    assert "about no entries" in words
    code, words = told(made.folder / kind, "--anchor", f"0:{empty.hex()}", "--anchor", wrong)
    assert code == 4
    assert "about no entries" in words


def test_a_finding_that_the_citations_leave_out(made: Made, told: Told, tmp_path: Path) -> None:
    """The README calls citations.ndjson every finding of the audits: where all entries are there, that is checked."""
    folder = made.copy("package", tmp_path)
    rows = [json.loads(line) for line in (folder / "citations.ndjson").read_text().splitlines()]
    left = rows.pop()
    write(folder, "citations.ndjson", ndjson(rows))
    (folder / f"proofs/{left['entry']}.tlog-proof").unlink()
    made.sealed(folder)

    code, words = told(folder)
    assert code == 4
    assert f"entry {left['entry']}: it is a finding of audit 'a1' that citations.ndjson leaves out" in words


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("package", "soc2-report.pdf"),
        ("package", "report/a1/soc2.pdf"),
        ("package", "cited.ndjson"),
        ("cited", "entries/000000000000.ndjson.gz"),
        ("cited", "tile/0/000"),
        ("cited", "personal.ndjson"),
        ("export", "citations.ndjson"),
        ("export", "disclosed.ndjson"),
        ("export", "proofs/1.tlog-proof"),
        ("export", "cited.ndjson"),
    ],
)
def test_a_signed_file_that_nothing_is_compared_with(
    made: Made, told: Told, tmp_path: Path, kind: str, name: str
) -> None:
    """Its digest holds, and that is all: the verifier says so, and does not end with 0."""
    folder = made.copy(kind, tmp_path)
    write(folder, name, "all is well\n")
    made.sealed(folder)

    code, words = told(folder)
    assert code == 3
    assert f"NOT CHECKED: {name} " in words
