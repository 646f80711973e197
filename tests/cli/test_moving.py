"""A ledger that moves: export, import, copy, compact."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compliance.verify import verify
from tests.cli.helpers import Place, filled
from tests.cli.test_segments import CONFIG
from tests.ledger.places import Place as LedgerPlace
from tests.ledger.places import account, given

HOLD = """
import sys
from pathlib import Path
from compliance.app import config, workspace
with workspace.opened(config.load(None), print) as opened:
    print("held", flush=True)
    sys.stdin.read()
"""


def status(place: Place) -> tuple[int, str]:
    found = place.run("ledger", "status", "--json").json
    return found["entries"], found["root"]


def test_a_ledger_is_exported_and_imported(copy: Place) -> None:
    size, root = status(copy)
    done = copy.run("ledger", "export", "../out", "--json")
    assert done.code == 0, done.words
    assert (done.json["entries"], done.json["root"], done.json["problems"]) == (size, root, [])
    assert "README.txt" in {p.name for p in (copy.folder.parent / "out").iterdir()}

    refused = copy.run("ledger", "import", "../out")
    assert refused.code == 2
    assert "compliance.duckdb exists" in refused.err

    copy.ledger.unlink()
    done = copy.run("ledger", "import", "../out")
    assert done.code == 0, done.words
    assert f"{size} entries, root {root}" in done.out
    assert copy.run("verify", "-q").code == 0
    assert status(copy) == (size, root)
    assert copy.ledger.stat().st_mode & 0o077 == 0
    assert copy.run("collect").code == 0
    assert copy.run("verify", "-q").code == 0


def test_who_was_erased_stays_erased_in_an_import(place: Place) -> None:
    """Also where the key store comes back from a backup made before the erasure."""
    place.configure(CONFIG)
    subjects = place.folder / "subjects"
    with LedgerPlace(place.folder).open() as ledger:
        ledger.record_state(given(), [account(name, email=f"{name}@example.org") for name in ("jane", "john")])
        alias = str(ledger.entry(2).subject)
    shutil.copytree(subjects, place.folder / "backup")
    with LedgerPlace(place.folder).open() as ledger:
        assert ledger.erase(alias, reason="asked for")
        size = ledger.size
    assert place.run("ledger", "export", "out").code == 0
    shutil.rmtree(place.folder / "data")
    shutil.rmtree(subjects)
    shutil.copytree(place.folder / "backup", subjects)

    done = place.run("ledger", "import", "out")

    assert done.code == 0, done.words
    with LedgerPlace(place.folder).open() as ledger:
        people = [entry.record["account"] for entry in ledger.entries("user_account")]
        assert (ledger.size, people, ledger.keystore.erased(alias)) == (size, [None, "john"], True)
    verified = place.run("verify", "--json")
    assert verified.code == 0, verified.words
    assert verified.json["personal_checked"] == 1
    texts = b"".join(path.read_bytes() for path in (*subjects.iterdir(), *(place.folder / "data").iterdir()))
    assert b"jane" not in texts


def test_an_import_needs_a_key_from_outside(copy: Place) -> None:
    vkey = copy.run("keys", "export").out.strip()
    assert copy.run("ledger", "export", "../out").code == 0
    shutil.rmtree(copy.home)
    refused = copy.run("ledger", "import", "../out", "--to", "made.duckdb")
    assert (refused.code, "--vkey" in refused.err) == (2, True)
    wrong = vkey[:-6] + "AAAAAA"
    assert copy.run("ledger", "import", "../out", "--to", "made.duckdb", "--vkey", wrong).code in (2, 4)
    assert not (copy.folder / "made.duckdb").exists()
    assert copy.run("ledger", "import", "../out", "--to", "made.duckdb", "--vkey", vkey).code == 0
    assert verify(copy.folder / "made.duckdb", vkey=vkey).ok


def test_an_older_export_is_not_imported_over_a_newer_lock_store(copy: Place) -> None:
    assert copy.run("ledger", "export", "../out").code == 0
    assert copy.run("collect").code == 0
    copy.ledger.unlink()
    refused = copy.run("ledger", "import", "../out")
    assert refused.code == 4, refused.words
    assert not copy.ledger.exists()


def test_a_ledger_that_does_not_hold_is_exported_only_as_it_is(copy: Place) -> None:
    copy.sql("UPDATE entry SET line = replace(line, 'collection', 'collectiom') WHERE seq = 3")
    refused = copy.run("ledger", "export", "../out")
    assert refused.code == 4
    assert "compliance verify" in refused.err
    assert not (copy.folder.parent / "out").exists()

    done = copy.run("ledger", "export", "../out", "--as-is", "--json")
    assert done.code == 4
    assert any("entry 3" in problem for problem in done.json["problems"])
    out = copy.folder.parent / "out"
    assert "DOES NOT VERIFY" in (out / "README.txt").read_text()
    assert json.loads((out / "manifest.json").read_bytes())["problems"] == done.json["problems"]
    refused = copy.run("ledger", "import", "../out", "--to", "made.duckdb")
    assert refused.code == 2
    assert "does not verify" in refused.err


def test_an_investigator_exports_without_a_key_and_with_holes(copy: Place) -> None:
    copy.sql("DELETE FROM entry WHERE seq = 5; INSERT INTO entry SELECT * FROM entry WHERE seq = 7")
    copy.sql("DELETE FROM tile; INSERT INTO tile VALUES (0, 9, NULL)")
    shutil.rmtree(copy.home)
    done = copy.run("ledger", "export", "../out", "--as-is")
    assert done.code == 4, done.words
    assert not (copy.folder.parent / "out" / "manifest.note").exists()
    assert (copy.folder.parent / "out" / "tile" / "0" / "009").read_bytes() == b""


def test_what_is_there_is_never_overwritten(copy: Place) -> None:
    there = copy.folder / "there"
    there.mkdir()
    for arguments in (("export", "there"), ("export", "there", "--as-is"), ("copy", "there")):
        refused = copy.run("ledger", *arguments)
        assert (refused.code, "exists" in refused.err) == (2, True), refused.words
    assert list(there.iterdir()) == []


def test_a_copy_verifies_on_its_own(copy: Place) -> None:
    vkey = copy.run("keys", "export").out.strip()
    size, root = status(copy)
    done = copy.run("ledger", "copy", "../copy.duckdb")
    assert done.code == 0, done.words
    found = verify(copy.folder.parent / "copy.duckdb", vkey=vkey)
    assert found.ok, found.problems
    assert (found.size, found.root.hex()) == (size, root)


def test_a_copy_waits_for_the_writer(copy: Place) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=copy.folder,
        env=copy.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    started = copy.start("ledger", "copy", "../copy.duckdb")
    assert started.stderr
    assert "waiting" in started.stderr.readline()
    holder.communicate("")
    out, err = started.communicate(timeout=120)
    assert started.returncode == 0, out + err
    assert verify(copy.folder.parent / "copy.duckdb").ok


def test_a_ledger_is_compacted(copy: Place) -> None:
    found = status(copy)
    done = copy.run("ledger", "compact", "--json")
    assert done.code == 0, done.words
    assert done.json["entries"] == found[0]
    assert done.json["bytes_after"] == copy.ledger.stat().st_size
    assert status(copy) == found
    assert copy.run("verify", "-q").code == 0
    assert copy.run("collect").code == 0


def test_compacting_hides_no_trace_of_an_attack(copy: Place) -> None:
    copy.sql("CREATE TABLE foreign_table(i INTEGER)")
    before = copy.ledger.read_bytes()
    refused = copy.run("ledger", "compact")
    assert refused.code == 4
    assert "foreign_table" in refused.err
    assert copy.ledger.read_bytes() == before


@pytest.mark.root
def test_a_full_disk_is_said_and_leaves_nothing(copy: Place, little: Path) -> None:
    rest = filled(little)
    os.truncate(rest, rest.stat().st_size - 8192)  # room to begin, not to end
    for arguments in (("export", str(little / "out")), ("copy", str(little / "copy.duckdb"))):
        done = copy.run("ledger", *arguments)
        assert done.code == 2, done.words
        assert "cannot be written" in done.err
        assert "free space" in done.err
        assert {p.name for p in little.iterdir()} == {"rest"}
    assert copy.run("verify", "-q").code == 0


@pytest.mark.root
def test_compacting_on_a_full_disk_leaves_the_old_file(copy: Place, little: Path) -> None:
    shutil.move(copy.ledger, little / "compliance.duckdb")
    copy.configure((copy.folder / "compliance.toml").read_text() + f'\n[ledger]\npath = "{little}/compliance.duckdb"\n')
    found = status(copy)
    filled(little)
    done = copy.run("ledger", "compact")
    assert done.code == 2, done.words
    assert "cannot be written" in done.err
    (little / "rest").unlink()
    assert {p.name for p in little.iterdir()} == {"compliance.duckdb", "compliance.duckdb.lock"}
    assert status(copy) == found
    assert copy.run("verify", "-q").code == 0
