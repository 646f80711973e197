"""Packages whose owner, who has the signing key, wants an auditor to believe more than was evidenced."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from compliance.verify import standalone
from tests.verify.exporting import write
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
    """cited.ndjson holds every finding of its audits: where all entries are there, that is checked."""
    folder = made.copy("package", tmp_path)
    *lines, left, _ = (folder / "cited.ndjson").read_bytes().split(b"\n")
    number, kind = (json.loads(left)[name] for name in ("seq", "kind"))
    assert kind == "finding"
    write(folder, "cited.ndjson", b"".join(line + b"\n" for line in lines))
    (folder / f"proofs/{number}.tlog-proof").unlink()
    made.sealed(folder)

    code, words = told(folder)
    assert code == 4
    assert f"entry {number}: it is a finding of audit 'a1' that cited.ndjson leaves out" in words


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("package", "soc2-report.pdf"),
        ("package", "report/a1/soc2.pdf"),
        ("package", "citations.ndjson"),
        ("cited", "checkpoints.ndjson"),
        ("cited", "personal.ndjson"),
        ("cited", "anchors/tsa/note.tsr"),
        ("export", "citations.ndjson"),
        ("export", "disclosed.ndjson"),
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


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("cited", "entries/000000000000.ndjson.gz"),
        ("cited", "tile/0/000"),
        ("export", "proofs/1.tlog-proof"),
        ("export", "reports/a1/soc2.json"),
        ("package", "entries/000000100000.ndjson.gz"),
        ("package", "reports/a2/soc2.json"),
        ("package", "reports/a1/soc2.json.tsr"),
    ],
)
def test_a_signed_file_that_looks_like_evidence(made: Made, told: Told, tmp_path: Path, kind: str, name: str) -> None:
    """Nobody may take it for what entries vouch for: it breaks the folder."""
    folder = made.copy(kind, tmp_path)
    write(folder, name, "all is well\n")
    made.sealed(folder)

    code, words = told(folder)
    assert code == 4
    assert f"{name} belongs to no entry that is here" in words


def test_a_time_stamp_is_said_to_be_for_openssl(made: Made, told: Told, tmp_path: Path) -> None:
    """The verifier does not read it, says so, and ends with 0 when its note holds: the note is what is compared."""
    folder = made.copy("cited", tmp_path)
    name = f"anchors/tsa/{made.size:020d}-{made.root.hex()}"
    write(folder, name, made.notes)
    write(folder, f"{name}.tsr", b"\x30\x82")
    code, words = told(made.sealed(folder))
    assert code == 0
    assert f"{name}.tsr is what was signed; the time in it is for openssl" in words
    assert "1 anchored statements" in words

    write(folder, f"{name}.tsr", b"\x30\x83")
    assert told(folder)[0] == 4
