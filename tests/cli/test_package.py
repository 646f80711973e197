"""What an auditor receives, and what he finds with plain Python when something in it was changed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance.ledger.note import format_vkey
from tests.cli.helpers import Done, Place


@pytest.fixture(scope="session")
def audited(collected: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place with two audits, the newer one with a working paper; read it, never change it."""
    folder = tmp_path_factory.mktemp("audited")
    shutil.copytree(collected.folder, folder / "work")
    shutil.copytree(collected.home, folder / "work-home")
    place = Place(folder / "work")
    for formats in ("json", "json,csv,pdf"):
        done = place.run("audit", "lfpdppp", "--no-collect", "--format", formats, timeout=600)
        assert done.code in (1, 3), done.words
    return place


@pytest.fixture(scope="session")
def package(audited: Place) -> Path:
    """A package of the newest audit; copy it before changing it."""
    done = audited.run("package", "-o", "../package", "--json")
    assert done.code == 0, done.words
    assert done.json["cited"] > 0
    assert done.json["reports"] > 3
    return audited.folder.parent / "package"


@pytest.fixture
def handed(package: Path, tmp_path: Path) -> Path:
    """The package as it was handed over, to change at will."""
    return Path(shutil.copytree(package, tmp_path / "handed"))


def check(folder: Path, *arguments: str) -> Done:
    """The auditor's command: no packages, no environment, not even the site module."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", ".", *arguments],
        cwd=folder, env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def vkey(place: Place) -> str:
    """The public key, as it lies in the folder of the key."""
    return next(place.home.rglob("vkey")).read_text().strip()


def test_a_package_holds_and_says_what_is_in_it(audited: Place, package: Path) -> None:
    key = vkey(audited)
    done = check(package, "--vkey", key)
    assert done.code == 0, done.words
    assert "holds" in done.out
    assert check(package).code == 3  # without a key from outside it proves little, and says so

    names = {p.relative_to(package).as_posix() for p in package.rglob("*") if p.is_file()}
    audits = audited.run("package", "-o", "../other", "--json").json["audits"]
    assert f"reports/{audits[0]}/lfpdppp-en.pdf" in names
    readme = (package / "README.txt").read_text("utf-8")
    assert readme.isprintable() is False  # it has lines
    assert max(map(len, readme.splitlines())) <= 125
    for words in ("python3 -I verify.py . --vkey", "ANOTHER WAY", "WHAT IT CANNOT SHOW", "LO QUE NO PUEDE MOSTRAR"):
        assert words in readme
    assert key not in readme


def test_root_and_size_of_an_earlier_report_are_an_anchor(audited: Place, package: Path) -> None:
    key = vkey(audited)
    audit = json.loads(next(package.glob("reports/*/audit.json")).read_bytes())
    size, root = audit["ledger"]["size"], audit["ledger"]["root"]
    assert check(package, "--vkey", key, "--anchor", f"{size}:{root}").code == 0
    wrong = root[:-1] + ("0" if root[-1] != "0" else "1")
    assert check(package, "--vkey", key, "--anchor", f"{size}:{wrong}").code == 4
    assert check(package, "--vkey", key, "--anchor", f"{size + 10**6}:{root}").code == 4


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def one(folder: Path, pattern: str) -> Path:
    return min(folder.glob(pattern))


CHANGES: dict[str, Callable[[Path], object]] = {
    "a byte of an entry": lambda f: flip(one(f, "entries/*")),
    "a byte of a tile or checkpoint list": lambda f: flip(f / "checkpoints.ndjson"),
    "a byte of the checkpoint": lambda f: flip(f / "checkpoint"),
    "a byte of a working paper": lambda f: flip(one(f, "reports/*/*.pdf")),
    "a byte of a proof": lambda f: flip(one(f, "proofs/*")),
    "a byte of a cited entry": lambda f: flip(f / "cited.ndjson"),
    "a byte of what is disclosed": lambda f: flip(f / "disclosed.ndjson"),
    "a byte of the verifier": lambda f: (f / "verify.py").write_bytes((f / "verify.py").read_bytes() + b"\n"),
    "a byte of the manifest": lambda f: flip(f / "manifest.json"),
    "a byte of the note": lambda f: flip(f / "manifest.note"),
    "a byte of the README": lambda f: flip(f / "README.txt"),
    "a report less": lambda f: one(f, "reports/*/*.csv").unlink(),
    "a proof less": lambda f: one(f, "proofs/*").unlink(),
    "no entries": lambda f: shutil.rmtree(f / "entries"),
    "no note": lambda f: (f / "manifest.note").unlink(),
    "a file more": lambda f: (f / "reports" / "extra.pdf").write_bytes(b"%PDF"),
    "a folder more": lambda f: (f / "more").mkdir(),
    "a link": lambda f: (f / "link").symlink_to("README.txt"),
    "an older report in the place of a newer": lambda f: shutil.copy(
        one(f, "reports/*/*.json"), one(f, "reports/*/*.csv")
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_whatever_is_changed_is_found(audited: Place, handed: Path, change: Callable[[Path], object]) -> None:
    change(handed)
    done = check(handed, "--vkey", vkey(audited))
    assert done.code == 4, done.words
    assert "BROKEN" in done.out


def test_the_package_of_somebody_else_does_not_hold_under_our_key(audited: Place, handed: Path) -> None:
    name = vkey(audited).split("+")[0]
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert check(handed, "--vkey", format_vkey(name, public)).code == 4


def test_a_cited_package_shows_only_what_is_cited(audited: Place, tmp_path: Path) -> None:
    done = audited.run("package", "-o", str(tmp_path / "cited"), "--cited", "--json")
    assert done.code == 0, done.words
    folder = tmp_path / "cited"
    assert check(folder, "--vkey", vkey(audited)).code == 0
    names = {p.name for p in folder.iterdir()}
    assert {"entries", "tile", "personal.ndjson", "checkpoints.ndjson"} & names == set()
    lines = (folder / "cited.ndjson").read_bytes().splitlines()
    assert len(lines) == done.json["cited"] < done.json["entries"]
    flip(folder / "cited.ndjson")
    assert check(folder, "--vkey", vkey(audited)).code == 4


def test_a_package_without_personal_content_names_nobody(audited: Place, tmp_path: Path) -> None:
    done = audited.run("package", "-o", str(tmp_path / "out"), "--without-personal", "--json")
    assert (done.code, done.json["disclosed"], done.json["reports"]) == (0, 0, 0), done.words
    assert check(tmp_path / "out", "--vkey", vkey(audited)).code == 0
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert {"reports", "disclosed.ndjson", "personal.ndjson"} & names == set()


def test_several_audits_go_into_one_package(audited: Place, tmp_path: Path) -> None:
    audits = sorted(p.name for p in (audited.folder / "audit").iterdir() if not p.is_symlink())
    assert len(audits) == 2
    done = audited.run("package", *audits, audits[0], "-o", str(tmp_path / "out"), "--json")
    assert done.code == 0, done.words
    assert done.json["audits"] == audits
    assert sorted(p.name for p in (tmp_path / "out" / "reports").iterdir()) == audits
    assert check(tmp_path / "out", "--vkey", vkey(audited)).code == 0


def test_an_audit_or_report_that_is_not_there_is_said(audited: Place, collected: Place, tmp_path: Path) -> None:
    done = audited.run("package", "nosuch", "-o", str(tmp_path / "out"))
    assert (done.code, "no audit is called 'nosuch'" in done.err) == (2, True)
    done = audited.run("package", "-o", str(tmp_path / "out"), "--reports", str(tmp_path))
    assert (done.code, "--reports" in done.err) == (2, True)
    done = audited.run("package", "-o", str(tmp_path))
    assert (done.code, "exists" in done.err) == (2, True)
    done = collected.run("package", "-o", str(tmp_path / "out"))
    assert (done.code, "holds no audit" in done.err) == (2, True)
    assert not (tmp_path / "out").exists()


def test_a_report_that_was_changed_is_not_packaged(audited: Place, tmp_path: Path) -> None:
    shutil.copytree(audited.folder / "audit", tmp_path / "audit", ignore=shutil.ignore_patterns("latest"))
    (paper,) = tmp_path.glob("audit/*/*.pdf")
    flip(paper)
    done = audited.run("package", "-o", str(tmp_path / "out"), "--reports", str(tmp_path / "audit"))
    assert done.code == 4, done.words
    assert "is not the report that entry" in done.err
    assert not (tmp_path / "out").exists()
