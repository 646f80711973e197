"""The verifier that travels with every package: what it accepts, what it refuses, and what it says it did not check."""

from __future__ import annotations

import ast
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest

from compliance.ledger import Draft, Keys, proofs
from compliance.schemas.canonical import jsonable
from compliance.schemas.kinds.engine import Audit, Finding, Outcome
from compliance.verify import standalone
from tests.ledger.places import ORIGIN, START, Place, account, given, verdict
from tests.verify.exporting import REPORT, canonical, export, ndjson, package, seal, write

SIZE = 633
AUDIT = 614


def finding(number: int, rests_on: list[int]) -> Finding:
    return Finding(
        occurred_at=START,
        audit="a1",
        control="c1",
        number=number,
        of_source="db",
        resource=f"r{number}",
        verdict=Outcome.PASS,
        code="ok",
        reason="fine",
        rests_on=rests_on,
        waiver=None,
    )


def audit_of(name: str) -> Audit:
    return Audit(
        occurred_at=START,
        audit=name,
        frameworks=["soc2"],
        as_of=START,
        known="now",
        ledger_size=1,
        ledger_root="00",
        engine_version="1",
        profile=None,
        counts=None,
        reports=[{"name": "soc2.json", "sha256": sha256(REPORT.encode()).hexdigest()}],
    )


class Made:
    """A ledger, its key, and an export, a package and a cited package of it."""

    def __init__(self, folder: Path) -> None:
        place = Place(folder)
        with place.open() as ledger:
            people = [account(f"u{n}", email=f"u{n}@example.org", is_active=True) for n in range(10)]
            ledger.record_state(given(), people)
            ledger.record_state(given(run="r2"), people[1:])
            ledger.append([Draft("control_verdict", verdict(n, 'odd "\\\n\x01é\u2028')) for n in range(600)])
            assert ledger.size == AUDIT
            audit = ledger.append([Draft("audit", audit_of("a1"))]).first
            self.finding = ledger.append(
                [Draft("finding", finding(0, [2, 3, 300])), Draft("finding", finding(1, []))]
            ).first
            ledger.append([Draft("control_verdict", verdict(n)) for n in range(SIZE - ledger.size)])
            self.keys = Keys.open(folder / "keys", ORIGIN, create=False)
            self.size, self.root, self.notes = ledger.size, ledger.root, ledger.checkpoint
            cites = [self.finding, self.finding + 1]
            package(ledger, self.keys, folder / "package", audit, cites, clear=[2])
            package(ledger, self.keys, folder / "cited", audit, cites, clear=[2], cited=True)
        export(place.path, self.keys, folder / "export", personal=True)
        self.folder = folder

    def copy(self, kind: str, to: Path) -> Path:
        return Path(shutil.copytree(self.folder / kind, to / kind))

    def sealed(self, folder: Path, **changed: object) -> Path:
        """The folder with its manifest signed anew: what its owner could sign."""
        seal(folder, self.keys, folder.name, self.size, self.root, **changed)
        return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("made"))


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def run(folder: Path, *arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = standalone.main([str(folder), *arguments])
        return code, capsys.readouterr().out

    return run


Told = Callable[..., tuple[int, str]]


@pytest.mark.parametrize("kind", ["export", "package", "cited"])
def test_what_holds(made: Made, told: Told, kind: str) -> None:
    code, words = told(made.folder / kind, "--vkey", made.keys.vkey, "--anchor", f"{made.size}:{made.root.hex()}")

    assert code == 0, words
    assert f"{made.size} entries, root {made.root.hex()}" in words
    assert "1 anchored statements" in words


@pytest.mark.parametrize("kind", ["export", "package", "cited"])
def test_without_a_key_it_says_that_nothing_vouches(made: Made, told: Told, kind: str) -> None:
    code, words = told(made.folder / kind)

    assert code == 3
    assert "NO KEY WAS GIVEN" in words


def test_it_needs_nothing_but_the_standard_library() -> None:
    tree = ast.parse(Path(standalone.__file__).read_text(), feature_version=(3, 9))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.split(".")[0] for name in names} <= set(sys.stdlib_module_names)


def test_as_a_program_of_its_own(made: Made) -> None:
    """Copied into the package, in an empty environment, isolated from everything installed."""
    script = made.folder / "package" / "verify.py"
    for arguments, code in (((), 3), (("--vkey", made.keys.vkey), 0), (("--vkey", "x"), 2), (("--nonsense",), 2)):
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(script), str(script.parent), *arguments],
            capture_output=True, text=True, env={"LC_ALL": "C"}, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["export", "package", "cited"])
def test_every_file_is_needed_and_no_other(made: Made, told: Told, tmp_path: Path, kind: str) -> None:
    names = sorted(path.relative_to(made.folder / kind) for path in (made.folder / kind).rglob("*") if path.is_file())
    for n, name in enumerate(names):
        folder = made.copy(kind, tmp_path / str(n))
        (folder / name).unlink()
        code, words = told(folder, "--vkey", made.keys.vkey)
        assert code == 4, name
        assert f"{name} is missing" in words or f"BROKEN: {name.parent}/ is empty" in words
    folder = made.copy(kind, tmp_path)
    (folder / "more").write_text("x")
    assert told(folder) == (4, "BROKEN: more is not in the manifest\n")


@pytest.mark.parametrize("kind", ["export", "package", "cited"])
def test_a_required_file_that_the_manifest_leaves_out_too(made: Made, told: Told, tmp_path: Path, kind: str) -> None:
    """A missing part is never skipped, also when its owner signs that it is not there."""
    optional = {"disclosed.ndjson", "personal.ndjson", "verify.py", "README.txt", "reports/a1/soc2.json"}
    folder = made.folder / kind
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for n, name in enumerate(sorted(names - {"manifest.json", "manifest.note"})):
        copy = made.copy(kind, tmp_path / str(n))
        (copy / name).unlink()
        for folder_ in (copy / name).parents:
            if not any(folder_.iterdir()):
                folder_.rmdir()
        code, words = told(made.sealed(copy), "--vkey", made.keys.vkey)
        expected = 0 if name in optional else 4
        assert code == expected, (name, words)


@pytest.mark.parametrize("kind", ["export", "package", "cited"])
def test_every_changed_file_is_named(made: Made, told: Told, tmp_path: Path, kind: str) -> None:
    folder = made.folder / kind
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size):
        name, content = path.relative_to(folder), path.read_bytes()
        copy = made.copy(kind, tmp_path)
        for place in (0, len(content) // 2, len(content) - 1):
            (copy / name).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            code, words = told(copy, "--vkey", made.keys.vkey)
            assert code == 4, (name, place)
            assert name.name in words or name.name.startswith("manifest.")
        shutil.rmtree(copy)


def test_links_and_special_files(made: Made, told: Told, tmp_path: Path) -> None:
    link = made.copy("package", tmp_path / "a")
    (link / "README.txt").rename(tmp_path / "README.txt")
    (link / "README.txt").symlink_to(tmp_path / "README.txt")
    assert told(link) == (4, "BROKEN: README.txt is a link\n")

    folder = made.copy("package", tmp_path / "b")
    (folder / "reports").rename(tmp_path / "reports")
    (folder / "reports").symlink_to(tmp_path / "reports")
    assert told(folder) == (4, "BROKEN: reports is a link\n")

    pipe = made.copy("package", tmp_path / "c")
    os.mkfifo(pipe / "pipe")
    assert told(pipe) == (4, "BROKEN: pipe is not a file\n")
    (pipe / "pipe").unlink()
    (pipe / "checkpoint").unlink()
    os.mkfifo(pipe / "checkpoint")
    assert told(pipe) == (4, "BROKEN: checkpoint is not a file\n")

    manifest = made.copy("package", tmp_path / "d")
    (manifest / "manifest.json").rename(tmp_path / "manifest.json")
    (manifest / "manifest.json").symlink_to(tmp_path / "manifest.json")
    assert told(manifest) == (4, "BROKEN: manifest.json is a link\n")


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "a/../../b", "a//b", "./a", "a\\b", "C:/x", "a/", "\u202ex", "x" * 1001, ""]
)
def test_paths_that_leave_the_folder(made: Made, told: Told, tmp_path: Path, name: str) -> None:
    folder = made.copy("export", tmp_path)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    files[name] = {"bytes": 0, "sha256": sha256(b"").hexdigest()}
    code, words = told(made.sealed(folder, files=files))

    assert code == 4
    assert f"BROKEN: {ascii(name)[1:-1]} is missing" in words


def relines(folder: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines of the first file of entries."""
    path = folder / "entries" / "000000000000.ndjson.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(change(lines)), mtime=0))


def at(n: int, old: str, new: str) -> Callable[[list[bytes]], list[bytes]]:
    def change(lines: list[bytes]) -> list[bytes]:
        assert old.encode() in lines[n], (old, lines[n])
        lines[n] = lines[n].replace(old.encode(), new.encode(), 1)
        return lines

    return change


FORM = "entry 50: it is not in the form of a line"
LINES = {
    "another value": (at(50, '"verdict":"pass"', '"verdict":"fail"'), "entry 50: its line does not give its leaf hash"),
    "a space": (at(50, '"gone":false', '"gone": false'), FORM),
    "a space in the record": (at(50, '"audit":"a1"', '"audit": "a1"'), "entry 50: it is not in canonical form"),
    "a float": (at(50, '"control_version":1', '"control_version":1.0'), "entry 50: 1.0 is no integer"),
    "a large number": (at(50, '"control_version":1', '"control_version":9007199254740992'), "entry 50: 900719925474"),
    "minus zero": (at(50, '"control_version":1', '"control_version":-0'), "entry 50: it is not in canonical form"),
    "a leading zero": (at(50, '"control_version":1', '"control_version":01'), "entry 50: Expecting"),
    "NaN": (at(50, '"control_version":1', '"control_version":NaN'), "entry 50: NaN is no integer"),
    "a doubled key": (at(50, '"audit":"a1"', '"audit":"a0","audit":"a1"'), "entry 50: it is not in canonical form"),
    "another order": (at(50, '{"audit":"a1",', '{"zudit":"a1",'), "entry 50: it is not in canonical form"),
    "an escape": (at(50, '"audit":"a1"', '"audit":"\\u00611"'), "entry 50: it is not in canonical form"),
    "a lone surrogate": (at(50, '"audit":"a1"', '"audit":"\\ud800"'), "entry 50: it is not in canonical form"),
    "a nested doubled key": (at(50, '"audit":"a1"', '"audit":{"a":1,"a":1}'), "entry 50: it is not in canonical form"),
    "nested far deeper": (at(50, '"audit":"a1"', '"audit":' + "[" * 20_000 + "]" * 20_000), "entry 50: RecursionError"),
    "another v": (at(50, '"v":1', '"v":2'), FORM),
    "no number as v": (at(50, '"v":1', '"v":true'), FORM),
    "no list of texts as key": (at(50, '"key":["', '"key":[1,"'), FORM),
    "no alias": (at(3, '"alias":"p_', '"alias":"q_'), "entry 3: it is not in the form of a line"),
    "a negative collection": (at(3, '"collection":1', '"collection":-1'), "entry 3: it is not in the form of a line"),
    "no name as kind": (at(50, '"kind":"', '"kind":"A'), FORM),
    "a source with a quote": (at(50, '"source":"', '"source":"\\"'), FORM),
    "one member more": (at(50, ',"v":1', ',"v":1,"w":1'), FORM),
    "another member's order": (at(50, '"collection":null,"gone":false', '"gone":false,"collection":null'), FORM),
    "a number ahead": (at(50, '"seq":50', '"seq":51'), "entry 50: its line has the number of another entry"),
    "a tombstone with a record": (at(50, '"gone":false', '"gone":true'), "entry 50: a tombstone has a record"),
    "no instant": (at(50, '"at":"2026-11-', '"at":"2026-13-'), FORM),
    "time going back": (at(50, '"at":"2026', '"at":"2025'), "entry 50: its time lies before"),
    "not UTF-8": (lambda lines: [*lines[:50], b"\xff" + lines[50][1:], *lines[51:]], "entry 50: 'utf-8' codec"),
    "a line too long": (at(50, '"audit":"a1"', '"audit":"' + "a" * 70_000 + '"'), "line is longer than 65535 bytes"),
    "no last line feed": (lambda lines: [*lines[:-1], lines[-1][:-1]], "a line is longer than 65535 bytes, or does"),
    "an empty line": (lambda lines: [*lines[:50], b"\n", *lines[50:]], FORM),
    "a carriage return": (at(50, '"v":1}', '"v":1}\r'), FORM),
    "a missing line": (lambda lines: lines[:50] + lines[51:], "entry 50: its line has the number of another"),
    "swapped lines": (lambda lines: [*lines[:50], lines[51], lines[50], *lines[52:]], "entry 50"),
    "a line more": (lambda lines: [*lines, lines[-1]], f"entry {SIZE}: its line has the number of another"),
    "another genesis": (at(0, '"kind":"genesis"', '"kind":"genesos"'), "entry 0: it is not the genesis entry"),
    "another origin": (at(0, f'"origin":"{ORIGIN}"', '"origin":"x"'), "entry 0: it is not the genesis entry"),
    "no row of a collection": (at(3, '"collection":1', '"collection":null'), "entry 1: it says 10 entries"),
    "a row of another kind": (at(3, '"kind":"user_account"', '"kind":"user_group"'), "entry 1: it says 10 entries"),
    "a stray row": (at(50, '"collection":null', '"collection":1'), "entry 50: it says it belongs to a collection"),
    "another digest": (at(1, '"snapshot_sha256":"', '"snapshot_sha256":"00'), "entry 1: the set rebuilt"),
    "a wrong count": (at(12, '"rows":9', '"rows":8'), "entry 12: the set rebuilt from its chain"),
    "another previous": (at(12, '"previous":1', '"previous":0'), "entry 12: it names 0 as the link before it"),
    "another base": (at(12, '"base":1', '"base":0'), "entry 12: it builds on collection 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_lines_that_its_owner_signed_but_should_not_have(made: Made, told: Told, tmp_path: Path, name: str) -> None:
    change, words = LINES[name]
    folder = made.copy("export", tmp_path)
    relines(folder, change)

    code, said = told(made.sealed(folder), "--vkey", made.keys.vkey)

    assert code == 4
    assert words in said


def rewrite(name: str, old: str, new: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text("utf-8")
        assert old in text, (name, old)
        (folder / name).write_text(text.replace(old, new, 1), "utf-8")

    return change


def less(seq: str) -> Callable[[Path], object]:
    """Leave out a cited entry, and its proof."""

    def change(folder: Path) -> None:
        lines = (folder / "cited.ndjson").read_bytes().split(b"\n")[:-1]
        kept = [line + b"\n" for line in lines if json.loads(line)["seq"] != int(seq)]
        assert len(kept) == len(lines) - 1
        (folder / "cited.ndjson").write_bytes(b"".join(kept))
        (folder / f"proofs/{seq}.tlog-proof").unlink()

    return change


def first_proof(folder: Path) -> Path:
    return min((folder / "proofs").iterdir())


FILES = {
    "a changed tile": (
        lambda f: (f / "tile/0/000").write_bytes(bytes(32) + (f / "tile/0/000").read_bytes()[32:]),
        "entry 0: its line does not give its leaf hash in tile/0/000",
    ),
    "a torn tile": (lambda f: (f / "tile/0/001").write_bytes(bytes(100)), "tile/0/001 is not what its entries give"),
    "a tile more": (lambda f: write(f, "tile/0/002", bytes(8192)), "tile/0/002 belongs to no entry that is here"),
    "a checkpoint less": (lambda f: (f / "checkpoints.ndjson").write_text(""), "not covered by a signed checkpoint"),
    "a checkpoint of another size": (
        rewrite("checkpoints.ndjson", '"size":1}', '"size":2}'),
        "the checkpoint of 2 entries: it is about 1 entries",
    ),
    "a checkpoint twice": (
        lambda f: (f / "checkpoints.ndjson").write_text(
            (f / "checkpoints.ndjson").read_text().splitlines(keepends=True)[0] + (f / "checkpoints.ndjson").read_text()
        ),
        "the checkpoint of 1 entries: it is there twice",
    ),
    "another newest note": (
        lambda f: (f / "checkpoint").write_text(
            json.loads((f / "checkpoints.ndjson").read_text().splitlines()[0])["note"]
        ),
        "",
    ),
    "a finding that says something else": (
        rewrite("cited.ndjson", '"control":"c1"', '"control":"c2"'),
        "line and proof do not give the root",
    ),
    "a finding without what it rests on": (less("300"), "cited.ndjson lacks what findings in it rest on: ['300']"),
    "findings without their audit": (less(str(AUDIT)), "lacks what findings in it rest on: ['audit a1']"),
    "a cited line without its proof": (
        lambda f: (f / "proofs/3.tlog-proof").unlink(),
        "proofs/3.tlog-proof is missing",
    ),
    "a cited line of no ledger": (rewrite("cited.ndjson", '"seq":300', '"seq":301'), "entry 301: "),
    "a cited line with a space": (
        rewrite("cited.ndjson", '"gone":false', '"gone": false'),
        "not in the form of a line",
    ),
    "a proof of another entry": (
        lambda f: (f / "proofs/2.tlog-proof").write_bytes((f / "proofs/3.tlog-proof").read_bytes()),
        "entry 2: the proof is about entry 3, the line is that of another",
    ),
    "a proof of an entry that is not cited": (
        lambda f: write(f, "proofs/4.tlog-proof", (f / "proofs/2.tlog-proof").read_bytes()),
        "proofs/4.tlog-proof belongs to no entry that is here",
    ),
    "another report": (lambda f: write(f, "reports/a1/soc2.json", "{} "), "reports/a1/soc2.json is not the report"),
    "a report more": (lambda f: write(f, "reports/a1/more.json", "{}"), "reports/a1/more.json belongs to no entry"),
    "a changed proof": (
        lambda f: (f / "proofs/2.tlog-proof").write_text(
            (f / "proofs/2.tlog-proof").read_text().replace("extra ", "extra AAAA").replace("AAAA", "", 0)
        ),
        "entry 2: not base64 of 32 bytes",
    ),
    "other personal content": (
        lambda f: (f / "disclosed.ndjson").write_text(
            ndjson([{"clear": canonical({"salt": "0", "values": {}}), "seq": 2}])
        ),
        "entry 2 is not cited, or its line commits to other personal content",
    ),
    "personal content of no cited entry": (rewrite("disclosed.ndjson", '"seq":2', '"seq":4'), "entry 4 is not cited"),
    "another file below anchors": (lambda f: write(f, "anchors/git/state.json", "{}"), 3),
    "a time stamp over no note": (lambda f: write(f, f"anchors/tsa/{1:020d}-{'0' * 64}.tsr", b"\x30"), 3),
    "an anchored note of another ledger": (
        lambda f: write(f, f"anchors/git/{633:020d}-{'0' * 64}", "x\n633\nAAAA\n\n— x AAAAAAAA\n"),
        f"anchors/git/{633:020d}-{'0' * 64} of 633 entries: the checkpoint is of 'x'",
    ),
    "an anchored note without a word": (
        lambda f: write(f, f"anchors/git/{633:020d}-{json.loads((f / 'manifest.json').read_text())['root']}", ""),
        " of 633 entries: it is not a checkpoint",
    ),
    "an anchored note of no entries": (
        lambda f: write(f, f"anchors/git/{0:020d}-{sha256(b'').hexdigest()}", "x"),
        "is about no entries",
    ),
    "a checkpoint of no entries": (
        lambda f: (f / "checkpoints.ndjson").write_text(
            (f / "checkpoints.ndjson").read_text() + ndjson([{"note": "x", "size": 0}])
        ),
        "the checkpoint of 0 entries: it is not a checkpoint",
    ),
    "an anchored note of a longer ledger": (
        lambda f: write(f, f"anchors/git/{634:020d}-{'0' * 64}", "x"),
        "is about 634 entries, here are 633: some were lost",
    ),
}


@pytest.mark.parametrize("kind", ["package", "cited"])
@pytest.mark.parametrize("name", FILES)
def test_files_that_its_owner_signed_but_should_not_have(
    made: Made, told: Told, tmp_path: Path, name: str, kind: str
) -> None:
    if kind == "cited" and any(word in name for word in ("tile", "checkpoint", "newest note")):
        kind = "package"  # a cited package has no such files
    change, words = FILES[name]
    folder = made.copy(kind, tmp_path)
    change(folder)

    code, said = told(made.sealed(folder), "--vkey", made.keys.vkey)

    assert code == (words if isinstance(words, int) else 4), said
    assert isinstance(words, int) or words in said


def test_anchors(made: Made, told: Told, tmp_path: Path) -> None:
    folder = made.copy("export", tmp_path)
    rows = [json.loads(line) for line in (folder / "checkpoints.ndjson").read_text().splitlines()]
    for row in rows:
        root = standalone.unbase64(row["note"].split("\n")[2]).hex()
        write(folder, f"anchors/git/{row['size']:020d}-{root}", row["note"])
    code, words = told(made.sealed(folder), "--vkey", made.keys.vkey)
    assert code == 0
    assert f"{len(rows)} anchored statements" in words

    for size, root, said in (
        (13, made.root, "--anchor of 13 entries: it names another root"),
        (634, made.root, "some were lost"),
        (0, made.root, "is about no entries"),
    ):
        code, words = told(folder, "--vkey", made.keys.vkey, "--anchor", f"{size}:{root.hex()}")
        assert code == 4
        assert said in words

    forged = made.keys.sign(13, made.root)  # the key was stolen, or misused
    write(folder, f"anchors/git/{13:020d}-{made.root.hex()}", forged)
    code, words = told(made.sealed(folder), "--vkey", made.keys.vkey)
    assert code == 4
    assert "of 13 entries: it names another root: among entries 12 to 12 a line was changed, or history was" in words


def test_another_key_and_another_ledger(made: Made, told: Told, tmp_path: Path) -> None:
    other = Keys.open(tmp_path / "keys", ORIGIN)
    for kind in ("export", "package", "cited"):
        code, words = told(made.folder / kind, "--vkey", other.vkey)
        assert code == 4
        assert "key given" in words or "than the one given" in words
    folder = made.copy("export", tmp_path)
    seal(folder, other, "export", made.size, made.root)
    assert "manifest.json names another root, or another key" in told(folder)[1]
    seal(folder, made.keys, "export", made.size, made.root, vkey=other.vkey)
    assert f"manifest.note: it is not manifest.json that {other.vkey} signed" in told(folder)[1]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"size": SIZE + 1}, f"{SIZE} entries"),
        ({"size": SIZE - 1}, f"there are {SIZE} entries; the manifest names {SIZE - 1}"),
        ({"size": 2**60}, "is no integer below 2^53"),
        ({"root": "00" * 32}, "manifest.json names another root"),
        ({"root": "x"}, "manifest.json: non-hexadecimal"),
        ({"format": 2}, "not of format 1"),
        ({"kind": "else"}, "of no known kind"),
        ({"created_at": "2026-11-26"}, "its time is no instant"),
        ({"origin": "x"}, "not of 'x'"),
        ({"more": 1}, "an object with the members"),
        ({"size": "1"}, "each of its type"),
        ({"size": True}, "each of its type"),
        ({"vkey": "x"}, "not a public key"),
    ],
)
def test_manifests(made: Made, told: Told, tmp_path: Path, changed: dict[str, object], words: str) -> None:
    folder = made.copy("export", tmp_path)
    code, said = told(made.sealed(folder, **changed))

    assert code == 4
    assert words in said


def test_gzip_files_that_are_torn_or_hold_more(made: Made, told: Told, tmp_path: Path) -> None:
    name = "entries/000000000000.ndjson.gz"
    good = (made.folder / "export" / name).read_bytes()
    lines = gzip.decompress(good)
    bomb = gzip.compress(bytes(300_000_000), 9, mtime=0)
    for content, words in (
        (good[:-9], "ended before"),
        (good[:100], "ended before"),
        (good + b"x", "Not a gzipped file"),
        (good + good, f"entry {SIZE}: its line has the number of another entry"),
        (b"", f"there are 0 entries; the manifest names {SIZE}"),
        (b"nothing of the kind", "Not a gzipped file"),
        (good[:50] + b"\0\0\0\0" + good[54:], "gzip"),
        (good[:-8] + bytes(8), "CRC check failed"),
        (bomb, "a line is longer than 65535 bytes"),
    ):
        folder = made.copy("export", tmp_path)
        (folder / name).write_bytes(content)
        code, said = told(made.sealed(folder), "--vkey", made.keys.vkey)
        assert code == 4
        assert words in said or words == "gzip", said
        shutil.rmtree(folder)
    folder = made.copy("export", tmp_path)  # several members are one file to every reader (RFC 1952)
    (folder / name).write_bytes(gzip.compress(lines[:1000]) + gzip.compress(lines[1000:]))
    assert told(made.sealed(folder), "--vkey", made.keys.vkey)[0] == 0


def test_more_entries_than_one_file_holds(told: Told, tmp_path: Path) -> None:
    place = Place(tmp_path)
    with place.open() as ledger:
        table = pa.table({"record": [canonical(jsonable(verdict(0).row()))] * 100_300})
        ledger.append_table("control_verdict", "engine", table)
        vkey = ledger.vkey
        root = ledger.root.hex()
    folder = export(place.path, Keys.open(tmp_path / "keys", ORIGIN, create=False), tmp_path / "export")
    code, words = told(folder, "--vkey", vkey)
    assert code == 0
    assert f"100301 entries, root {root}" in words
    first, second = folder / "entries/000000000000.ndjson.gz", folder / "entries/000000100000.ndjson.gz"
    keys = Keys.open(tmp_path / "keys", ORIGIN, create=False)
    whole = gzip.decompress(first.read_bytes()) + gzip.decompress(second.read_bytes())
    first.write_bytes(gzip.compress(whole, 1))
    seal(folder, keys, "export", 100_301, bytes.fromhex(root))
    assert "there are 100301 entries" in told(folder)[1]
    second.unlink()
    assert "is missing" in told(folder)[1]


def test_usage(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proof = str(first_proof(made.folder / "package"))
    for arguments in (
        [],
        [str(tmp_path / "none")],
        [str(made.folder / "export"), proof],
        [proof],
        [proof, proof],
        [proof, proof, proof, "--vkey", made.keys.vkey],
        [proof, "--vkey", made.keys.vkey, "--anchor", f"5:{'0' * 64}"],
        [str(made.folder / "export"), "--anchor", "5:x"],
        [proof, str(tmp_path / "none"), "--vkey", made.keys.vkey],
        [proof, proof, "--vkey", "nonsense"],
    ):
        with pytest.raises(SystemExit) as caught:
            standalone.main(arguments)
        assert caught.value.code == 2, arguments
    assert "Traceback" not in capsys.readouterr().err


def test_another_checkpoint_than_the_newest(made: Made, told: Told, tmp_path: Path) -> None:
    folder = made.copy("export", tmp_path)
    first = json.loads((folder / "checkpoints.ndjson").read_text().splitlines()[0])["note"]
    write(folder, "checkpoint", first)
    code, words = told(made.sealed(folder), "--vkey", made.keys.vkey)
    assert code == 4
    assert "checkpoint: it names another size or root than manifest.json" in words


@pytest.mark.parametrize("kind", ["package", "cited"])
def test_a_proof_against_an_older_checkpoint(made: Made, told: Told, tmp_path: Path, kind: str) -> None:
    """It holds, but what a package cites is proven to be in the ledger that the package is of."""
    folder = made.copy(kind, tmp_path)
    with proofs.reading(made.folder / "data" / "ledger.duckdb") as (store, edge):
        write(folder, "proofs/2.tlog-proof", proofs.inclusion(store, edge, 2, AUDIT).text)
    code, words = told(made.sealed(folder), "--vkey", made.keys.vkey)
    assert code == 4
    assert "entry 2: its proof is not about the newest checkpoint" in words


def set_line(seq: int, at: str, **said: object) -> standalone.Entry:
    """A collection entry of a set, which is empty unless said otherwise."""
    empty = sha256(b"").hexdigest()
    record = {"base": 1, "of_kind": "k", "of_source": "s", "previous": None, "rows": 0, "snapshot_sha256": empty}
    record |= {"stored": 0, **said}
    text = (
        f'{{"at":"{at}","collection":null,"gone":false,"key":null,"kind":"collection","nonce":"{"0" * 32}",'
        f'"observed_at":null,"personal":null,"record":{canonical(record)},"seq":{seq},"source":"engine","v":1}}'
    )
    return standalone.Entry(text.encode())


def test_the_first_set_of_a_month_is_whole() -> None:
    for at, holds in (("2026-11-30T00:00:00.000000Z", True), ("2026-12-01T00:00:00.000000Z", False)):
        sets = standalone.Collections()
        sets.entry(set_line(1, "2026-11-23T06:45:50.123456Z"))
        if holds:
            sets.entry(set_line(2, at, previous=1))
            continue
        with pytest.raises(ValueError, match="first of its month"):
            sets.entry(set_line(2, at, previous=1))


def test_a_row_that_was_not_there_cannot_end() -> None:
    sets = standalone.Collections()
    first = set_line(1, "2026-11-23T06:45:50.123456Z", stored=1)
    sets.entry(first)
    text = first.line.decode().replace('"collection":null,"gone":false', '"collection":1,"gone":true')
    text = text.replace('"key":null,"kind":"collection"', '"key":["x"],"kind":"k"')
    text = text.partition('"record":')[0] + '"record":{},"seq":2,"source":"s","v":1}'
    row = standalone.Entry(text.encode())
    with pytest.raises(ValueError, match="entry 2 ends a row that was not there"):
        sets.entry(row)
