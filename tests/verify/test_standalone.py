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

from compliance.ledger import Draft, Keys
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
        assert f"{name} is missing" in words
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
        assert code == (0 if name in optional else 4), (name, words)


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
    assert told(manifest) == (4, "BROKEN: manifest.json is missing, or is not a file\n")


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "a/../../b", "a//b", "./a", "a\\b", "C:/x", "a/", "\u202ex", "x" * 1001, ""]
)
def test_paths_that_leave_the_folder(made: Made, told: Told, tmp_path: Path, name: str) -> None:
    folder = made.copy("export", tmp_path)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    files[name] = {"bytes": 0, "sha256": sha256(b"").hexdigest()}
    code, words = told(made.sealed(folder, files=files))

    assert code == 4
    assert "it names a file" in words or "a key is not of the form" in words


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


LINES = {
    "another value": (at(50, '"verdict":"pass"', '"verdict":"fail"'), "entry 50: its line does not give its leaf hash"),
    "a space": (at(50, '"gone":false', '"gone": false'), "entry 50: not canonical JSON: it is not in"),
    "a space in the record": (at(50, '"audit":"a1"', '"audit": "a1"'), "entry 50: not canonical"),
    "a float": (at(50, '"control_version":1', '"control_version":1.0'), "entry 50: not canonical"),
    "a large number": (at(50, '"control_version":1', '"control_version":9007199254740992'), "entry 50: not canonical"),
    "minus zero": (at(50, '"control_version":1', '"control_version":-0'), "entry 50: not canonical"),
    "a leading zero": (at(50, '"control_version":1', '"control_version":01'), "entry 50: not canonical"),
    "NaN": (at(50, '"control_version":1', '"control_version":NaN'), "entry 50: not canonical"),
    "a doubled key": (at(50, '"audit":"a1"', '"audit":"a0","audit":"a1"'), "entry 50: not canonical"),
    "another order": (at(50, '{"audit":"a1",', '{"zudit":"a1",'), "entry 50: not canonical"),
    "a capital in a key": (at(50, '"audit":', '"Audit":'), "entry 50: not canonical"),
    "an escape": (at(50, '"audit":"a1"', '"audit":"\\u00611"'), "entry 50: not canonical"),
    "a lone surrogate": (at(50, '"audit":"a1"', '"audit":"\\ud800"'), "entry 50: not canonical"),
    "a nested doubled key": (at(50, '"audit":"a1"', '"audit":{"a":1,"a":1}'), "entry 50: not canonical"),
    "nested nine deep": (
        at(50, '"audit":"a1"', '"audit":' + "[" * 8 + "]" * 8),
        "entry 50: not canonical JSON: it is nested too deeply",
    ),
    "nested far deeper": (at(50, '"audit":"a1"', '"audit":' + "[" * 20_000 + "]" * 20_000), "entry 50: not canonical"),
    "another v": (at(50, '"v":1', '"v":2'), "entry 50: it is not of version 1"),
    "no number as v": (at(50, '"v":1', '"v":true'), "entry 50: member v is not of its form"),
    "no list of texts as key": (at(50, '"key":["', '"key":[1,"'), "entry 50: member key is not of its form"),
    "no alias": (at(3, '"alias":"p_', '"alias":"q_'), "entry 3: member alias is not of its form"),
    "a negative collection": (at(3, '"collection":1', '"collection":-1'), "entry 3: member collection is not of its"),
    "no name as kind": (at(50, '"kind":"', '"kind":"A'), "entry 50: member kind is not of its form"),
    "a source with a quote": (at(50, '"source":"', '"source":"\\"'), "entry 50: member source is not of its form"),
    "one member more": (at(50, ',"v":1', ',"v":1,"w":1'), "entry 50: an object with the members at, coll"),
    "another member's order": (at(50, '"collection":null,"gone":false', '"gone":false,"collection":null'), "entry 50"),
    "a number ahead": (at(50, '"seq":50', '"seq":51'), "entry 50: its line has the number of another entry"),
    "a tombstone with a record": (at(50, '"gone":false', '"gone":true'), "entry 50: a tombstone has a record"),
    "no instant": (at(50, '"at":"2026-11-', '"at":"2026-13-'), "entry 50: member at is not of its form"),
    "time going back": (at(50, '"at":"2026', '"at":"2025'), "entry 50: its time lies before"),
    "not UTF-8": (lambda lines: [*lines[:50], b"\xff" + lines[50][1:], *lines[51:]], "entry 50: not canonical"),
    "a line too long": (at(50, '"audit":"a1"', '"audit":"' + "a" * 70_000 + '"'), "line is longer than 65535 bytes"),
    "no last line feed": (lambda lines: [*lines[:-1], lines[-1][:-1]], "has more in it than whole lines"),
    "an empty line": (lambda lines: [*lines[:50], b"\n", *lines[50:]], "entry 50: not canonical"),
    "a carriage return": (at(50, '"v":1}', '"v":1}\r'), "entry 50: not canonical JSON: it is not in"),
    "a missing line": (lambda lines: lines[:50] + lines[51:], "entry 50: its line has the number of another"),
    "swapped lines": (lambda lines: [*lines[:50], lines[51], lines[50], *lines[52:]], "entry 50"),
    "a line more": (lambda lines: [*lines, lines[-1]], f"entry {SIZE}: its line has the number of another"),
    "another genesis": (at(0, '"kind":"genesis"', '"kind":"genesos"'), "entry 0: it is not the genesis entry"),
    "another origin": (at(0, f'"origin":"{ORIGIN}"', '"origin":"x"'), "entry 0: it is not the genesis entry"),
    "no row of a collection": (at(3, '"collection":1', '"collection":null'), "entry 1: it says 10 entries"),
    "a row of another kind": (at(3, '"kind":"user_account"', '"kind":"user_group"'), "entry 3: it is not of the kind"),
    "a stray row": (at(50, '"collection":null', '"collection":1'), "entry 50: it says it belongs to a collection"),
    "another digest": (at(1, '"snapshot_sha256":"', '"snapshot_sha256":"00'), "entry 1: the set rebuilt"),
    "a wrong count": (at(12, '"rows":9', '"rows":8'), "entry 12: the set rebuilt from its chain"),
    "another previous": (at(12, '"previous":1', '"previous":0'), "entry 12: it names 0 as the link before it"),
    "another base": (at(12, '"base":1', '"base":0'), "entry 12: it builds on collection 0"),
    "a boolean count": (at(12, '"stored":1', '"stored":true'), "entry 12: member stored is not of its form"),
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


def first_proof(folder: Path) -> Path:
    return min((folder / "proofs").iterdir())


FILES = {
    "a changed tile": (
        lambda f: (f / "tile/0/000").write_bytes(bytes(32) + (f / "tile/0/000").read_bytes()[32:]),
        "entry 0: its line does not give its leaf hash in tile/0/000",
    ),
    "a torn tile": (lambda f: (f / "tile/0/001").write_bytes(bytes(100)), "tile/0/001 is not what its entries give"),
    "a tile more": (lambda f: write(f, "tile/0/002", bytes(8192)), "tile/0/002 lies beyond the entries"),
    "a checkpoint less": (lambda f: (f / "checkpoints.ndjson").write_text(""), "not covered by a signed checkpoint"),
    "a checkpoint of another size": (
        rewrite("checkpoints.ndjson", '"size":1}', '"size":2}'),
        "the checkpoint of 2 entries: it is about 1 entries",
    ),
    "a checkpoint twice": (
        lambda f: (f / "checkpoints.ndjson").write_text(
            (f / "checkpoints.ndjson").read_text().splitlines(keepends=True)[0] + (f / "checkpoints.ndjson").read_text()
        ),
        "the checkpoint of 1 entries: it is out of order",
    ),
    "another newest note": (
        lambda f: (f / "checkpoint").write_text(
            json.loads((f / "checkpoints.ndjson").read_text().splitlines()[0])["note"]
        ),
        "",
    ),
    "a citation of another control": (
        rewrite("citations.ndjson", '"control":"c1"', '"control":"c2"'),
        "it does not say what citations.ndjson says of it",
    ),
    "a citation of another ground": (
        rewrite("citations.ndjson", "[2,3,300]", "[2,3]"),
        "entry 300: it is proven, but neither cited",
    ),
    "a citation of no entry": (rewrite("citations.ndjson", "300]", "9000]"), "are not numbers below 633"),
    "a proof of another entry": (
        lambda f: (f / "proofs/2.tlog-proof").write_bytes((f / "proofs/3.tlog-proof").read_bytes()),
        "entry 2: its proof does not hold: it is about another entry",
    ),
    "a proof of an entry that is not cited": (
        lambda f: write(f, "proofs/4.tlog-proof", (f / "proofs/2.tlog-proof").read_bytes()),
        "",
    ),
    "no entry of the audit": (
        lambda f: (f / f"proofs/{AUDIT}.tlog-proof").unlink(),
        "",
    ),
    "another report": (lambda f: write(f, "reports/a1/soc2.json", "{} "), "reports/a1/soc2.json is not the report"),
    "a report more": (lambda f: write(f, "reports/a1/more.json", "{}"), "reports/a1/more.json is not the report"),
    "a changed proof": (
        lambda f: (f / "proofs/2.tlog-proof").write_text(
            (f / "proofs/2.tlog-proof").read_text().replace("extra ", "extra AAAA").replace("AAAA", "", 0)
        ),
        "entry 2: its proof does not hold",
    ),
    "other personal content": (
        lambda f: (f / "disclosed.ndjson").write_text(
            ndjson([{"clear": canonical({"salt": "0", "values": {}}), "seq": 2}])
        ),
        "entry 2: the personal content that is disclosed is not what",
    ),
    "personal content of no cited entry": (rewrite("disclosed.ndjson", '"seq":2', '"seq":4'), "which is not cited"),
    "another file below anchors": (lambda f: write(f, "anchors/git/state.json", "{}"), 3),
    "a time stamp": (lambda f: write(f, f"anchors/tsa/{1:020d}-{'0' * 64}.tsr", b"\x30"), 3),
    "an anchored note of another ledger": (
        lambda f: write(f, f"anchors/git/{633:020d}-{'0' * 64}", "x\n633\nAAAA\n\n— x AAAAAAAA\n"),
        f"anchors/git/{633:020d}-{'0' * 64}: the checkpoint is of 'x'",
    ),
    "an anchored note without a word": (
        lambda f: write(f, f"anchors/git/{633:020d}-{json.loads((f / 'manifest.json').read_text())['root']}", ""),
        ": the checkpoint is of ''",
    ),
    "an anchored note of no entries": (
        lambda f: write(f, f"anchors/git/{0:020d}-{sha256(b'').hexdigest()}", "x"),
        "is about no entries",
    ),
    "a checkpoint of no entries": (
        lambda f: (f / "checkpoints.ndjson").write_text(
            (f / "checkpoints.ndjson").read_text() + ndjson([{"note": "x", "size": 0}])
        ),
        "the checkpoint of 0 entries: it is out of order",
    ),
    "an anchored note of a longer ledger": (
        lambda f: write(f, f"anchors/git/{634:020d}-{'0' * 64}", "x"),
        "634 entries: of the 633 here some were lost",
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
        (13, made.root, "--anchor 13: it names another root"),
        (634, made.root, "were lost"),
        (0, made.root, "is about no entries"),
    ):
        code, words = told(folder, "--vkey", made.keys.vkey, "--anchor", f"{size}:{root.hex()}")
        assert code == 4
        assert said in words

    forged = made.keys.sign(13, made.root)  # the key was stolen, or misused
    write(folder, f"anchors/git/{13:020d}-{made.root.hex()}", forged)
    code, words = told(made.sealed(folder), "--vkey", made.keys.vkey)
    assert code == 4
    assert "it names another root: history was rewritten" in words


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
    assert "it is not signed by" in told(folder)[1]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"size": SIZE + 1}, f"{SIZE} entries"),
        ({"size": SIZE - 1}, "has more entries than it may"),
        ({"size": 2**60}, "out of range"),
        ({"root": "00" * 32}, "manifest.json names another root"),
        ({"root": "x"}, "member root is not of its form"),
        ({"format": 2}, "not of format 1"),
        ({"kind": "else"}, "member kind is not of its form"),
        ({"created_at": "2026-11-26"}, "member created_at is not of its form"),
        ({"origin": "x"}, "the ledger is called"),
        ({"more": 1}, "an object with the members"),
        ({"size": "1"}, "member size is not of its form"),
        ({"size": True}, "member size is not of its form"),
        ({"vkey": "x"}, "not a public key"),
    ],
)
def test_manifests(made: Made, told: Told, tmp_path: Path, changed: dict[str, object], words: str) -> None:
    folder = made.copy("export", tmp_path)
    code, said = told(made.sealed(folder, **changed))

    assert code == 4
    assert words in said


def test_gzip_files_that_are_not_one_whole_member(made: Made, told: Told, tmp_path: Path) -> None:
    name = "entries/000000000000.ndjson.gz"
    good = (made.folder / "export" / name).read_bytes()
    bomb = gzip.compress(bytes(300_000_000), 9, mtime=0)
    for content, words in (
        (good[:-9], "ends too early"),
        (good[:100], "ends too early"),
        (good + b"x", "has more in it"),
        (good + good, "has more in it"),
        (b"", "ends too early"),
        (b"nothing of the kind", "is not a gzip file"),
        (good[:50] + b"\0\0\0\0" + good[54:], "gzip"),
        (good[:-8] + bytes(8), "is not a gzip file"),
        (bomb, "a line is longer than 65535 bytes"),
    ):
        folder = made.copy("export", tmp_path)
        (folder / name).write_bytes(content)
        code, said = told(made.sealed(folder), "--vkey", made.keys.vkey)
        assert code == 4
        assert words in said or words == "gzip", said
        shutil.rmtree(folder)


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
    (folder / "entries/000000100000.ndjson.gz").unlink()
    assert "is missing" in told(folder)[1]


def test_usage(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proof = str(first_proof(made.folder / "package"))
    for arguments in (
        [],
        [str(tmp_path / "none")],
        [str(made.folder / "export"), "--proof", proof],
        ["--proof", proof],
        ["--proof", proof, "--line", proof],
        ["--consistency", proof],
        [str(made.folder / "export"), "--anchor", "5:x"],
        ["--proof", proof, "--line", str(tmp_path / "none"), "--vkey", made.keys.vkey],
        ["--proof", proof, "--line", proof, "--vkey", "nonsense"],
    ):
        with pytest.raises(SystemExit) as caught:
            standalone.main(arguments)
        assert caught.value.code == 2, arguments
    assert "Traceback" not in capsys.readouterr().err
