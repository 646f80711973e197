"""Anchors in a package: copies under their names, and what could not be read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from compliance.app import anchoring, package, workspace
from compliance.app import config as configuration
from compliance.ledger import Draft
from compliance.schemas.kinds.engine import Audit
from tests.servers.authority import Authority


def audited(folder: Path) -> tuple[configuration.Config, list[str]]:
    """A ledger with an audit that has no findings, and the notes that were signed on the way."""
    with (folder / "compliance.toml").open("a"):
        pass
    config = configuration.load(folder / "compliance.toml")
    with workspace.opened(config, print) as opened:
        moment = workspace.now()
        entry = Audit(
            occurred_at=moment,
            audit="a1",
            frameworks=[],
            as_of=moment,
            known="now",
            ledger_size=1,
            ledger_root=opened.ledger.root.hex(),
            engine_version="0",
            reports=[],
        )
        notes = [opened.ledger.checkpoint]
        notes.append(opened.ledger.append([Draft("audit", entry)]).checkpoint)
        return config, notes


def check(folder: Path) -> tuple[int, str]:
    vkey = (folder / "manifest.json").read_text().rpartition('"vkey":"')[2].removesuffix('"}')
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", ".", "--vkey", vkey],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_what_anchors_hold_goes_in_and_is_compared(tmp_path: Path) -> None:
    config, notes = audited(tmp_path)
    anchors = [package.Anchored("other disk", notes), package.Anchored("git", notes[:1])]

    done = package.make(config, tmp_path / "out", package.Wanted(), print, print, anchors)

    assert (done.cited, done.reports) == (1, 0)
    names = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").glob("anchors/*/*"))
    assert [name.rpartition("-")[0] for name in names] == [
        "anchors/git/00000000000000000001",
        "anchors/other-disk/00000000000000000001",
        "anchors/other-disk/00000000000000000002",
    ]
    code, text = check(tmp_path / "out")
    assert code == 0, text
    assert "3 anchored statements" in text


def test_what_could_not_be_read_is_never_agreement(tmp_path: Path) -> None:
    config, notes = audited(tmp_path)
    package.make(
        config, tmp_path / "out", package.Wanted(), print, print, [package.Anchored("s3", [*notes, "torn"], ["denied"])]
    )
    code, text = check(tmp_path / "out")
    assert code == 3, text
    assert "NOT CHECKED: anchors/s3/NOT-READ.txt is what was signed" in text


def test_an_anchor_that_knows_more_breaks_the_package(tmp_path: Path) -> None:
    config, notes = audited(tmp_path)
    ahead = notes[-1].replace("\n2\n", "\n9\n", 1)
    package.make(config, tmp_path / "out", package.Wanted(), print, print, [package.Anchored("s3", [ahead])])
    code, text = check(tmp_path / "out")
    assert code == 4, text
    assert "is about 9 entries, here are 2" in text


def test_time_stamps_go_in_for_openssl(tmp_path: Path) -> None:
    """Token and note lie side by side, README.txt has the command, and it holds; verify.py says that it reads none."""
    with Authority() as authority:
        settings = f'type = "tsa"\nurl = "{authority.url}"\nca = "{authority.ca}"\n'
        (tmp_path / "compliance.toml").write_text(f"[anchors.t]\n{settings}")
        config, notes = audited(tmp_path)
        for item in anchoring.configured(config, workspace.places(config)):
            item.anchor.put(notes[-1])
        package.make(config, tmp_path / "out", package.Wanted(), print, print)
        (token,) = (tmp_path / "out").glob("anchors/t/*.tsr")
        note = token.with_suffix("")
        readme = (tmp_path / "out/README.txt").read_text("utf-8")
        (line,) = re.findall(r"(openssl ts -verify -data NOTE .*)", readme)
        command = line.replace("NOTE", str(note)).replace("CAfile CA", f"CAfile {authority.ca}").split()

        assert note.read_text("utf-8") == notes[-1]
        assert "Verification: OK" in run(command)
        other = [str(authority.ca) if word == str(note) else word for word in command]
        assert "Verification: OK" not in run(other), "it is about this note and no other"
        code, text = check(tmp_path / "out")
        assert code == 0, text
        assert f"anchors/t/{token.name} is what was signed; the time in it is for openssl" in text
        token.write_bytes(token.read_bytes() + b"\0")
        assert check(tmp_path / "out")[0] == 4


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
