"""Anchors from the command line: written after each command, compared by verify, shown by doctor and every report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.anchors.conftest import mount as mount_fixture
from tests.cli.helpers import Place, code_source
from tests.cli.test_keys import pem

mount = mount_fixture


@pytest.fixture
def here(place: Place, clone: Path) -> Place:
    """A place that reads one clone."""
    return place.configure(code_source(clone))


def folder(place: Place, path: Path, more: str = "") -> Place:
    text = (place.folder / "compliance.toml").read_text().split("[anchors.")[0]
    return place.configure(f'{text}[anchors.office]\ntype = "folder"\npath = "{path}"\n{more}')


@pytest.fixture
def anchored(here: Place, mount: Path) -> Iterator[Place]:
    """A place with an anchor on another file system, after one collection."""
    done = folder(here, mount).run("collect")
    assert done.code == 0, done.words
    return here


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def size(place: Place) -> int:
    found: int = place.run("ledger", "status", "--json").json["entries"]
    return found


def test_every_command_that_appends_anchors_its_newest_checkpoint(anchored: Place, mount: Path) -> None:
    assert names(mount)[-1].startswith(f"{size(anchored):020d}-")
    assert len(names(mount)) == 1, "one a command, and none for looking"

    assert anchored.run("collect").code == 0

    assert len(names(mount)) == 2
    verified = anchored.run("verify", "--json")
    assert verified.code == 0
    (view,) = verified.json["anchors"]
    assert (view["name"], view["type"], view["state"], view["tail"], view["shared"]) == (
        "office",
        "folder",
        "ok",
        0,
        None,
    )
    assert view["agreed"] == verified.json["size"]
    assert "anchor     office (folder)" in anchored.run("verify").out
    assert "anchor     office (folder)" in anchored.run("verify", str(anchored.ledger)).out, "the same file by its name"


def test_without_anchors_the_words_say_who_vouches(here: Place) -> None:
    assert here.run("collect").code == 0
    for command in (("verify",), ("doctor",), ("anchor", "status"), ("anchor", "list")):
        done = here.run(*command)
        assert "only the lock store vouches for this ledger" in done.words, command
    done = here.run("anchor", "push")
    assert done.code == 2
    assert "docs/anchors.md" in done.err
    assert not list(here.home.rglob("anchors/*")), "no anchor is invented"


def test_an_anchor_that_is_away_fails_nothing_and_is_tried_again(anchored: Place, mount: Path, tmp_path: Path) -> None:
    away = tmp_path / "away"
    folder(anchored, away)
    before = size(anchored)

    done = anchored.run("collect")

    assert done.code == 0
    assert "anchor office: not written, tried again at the next command: unreachable:" in done.err
    assert size(anchored) > before
    shown = anchored.run("anchor", "status", "--json")
    assert shown.code == 3
    assert (shown.json[0]["state"], shown.json[0]["last"]["attempts"]) == ("unreachable", 1)
    assert anchored.run("collect").code == 0
    assert anchored.run("anchor", "status", "--json").json[0]["last"]["attempts"] == 2
    verified = anchored.run("verify")
    assert verified.code == 3
    assert "NOT CHECKED: unreachable" in verified.out
    assert "every line, leaf, tile, root and signature agrees" in verified.out
    looked = {row["what"]: row for row in anchored.run("doctor", "--json").json}
    assert looked["anchor office"]["state"] == "warning"
    assert "not written 2 times" in looked["anchor office"]["message"]
    away.mkdir()
    done = anchored.run("collect")
    assert (done.code, done.err.count("anchor office")) == (0, 0)
    assert len(names(away)) == 1
    assert anchored.run("anchor", "status", "--json").json[0]["last"]["attempts"] == 0


def test_a_schedule(anchored: Place, mount: Path) -> None:
    folder(anchored, mount, 'every = "1d"\n')
    assert anchored.run("collect").code == 0
    assert len(names(mount)) == 1, "not due"
    tail = anchored.run("verify", "--json").json["anchors"][0]["tail"]
    assert tail > 0

    done = anchored.run("anchor", "push", "--json")

    assert (done.code, done.json[0]["state"]) == (0, "written")
    assert len(names(mount)) == 2
    assert anchored.run("verify", "--json").json["anchors"][0]["tail"] == 0


def test_lists_and_status(anchored: Place, mount: Path) -> None:
    listed = anchored.run("anchor", "list", "--json")
    assert listed.code == 0
    assert [copy["size"] for copy in listed.json["copies"]] == [size(anchored)]
    (mount / ("0" * 20 + "-" + "0" * 64)).write_text("no note")
    listed = anchored.run("anchor", "list")
    assert listed.code == 3
    assert "not a signed checkpoint" in listed.err
    status = anchored.run("anchor", "status")
    assert status.code == 3
    assert "unreadable" in status.out


def test_what_a_report_prints_is_an_anchor(anchored: Place, tmp_path: Path) -> None:
    found = anchored.run("verify", "--json").json
    line = f"{found['size']}:{found['root']}"
    assert anchored.run("collect").code == 0
    copy = tmp_path / "handed.duckdb"
    shutil.copy(anchored.ledger, copy)

    good = anchored.run("verify", str(copy), "--vkey", found["vkey"], "--anchor", line)
    bad = anchored.run("verify", str(copy), "--vkey", found["vkey"], "--anchor", f"{found['size']}:{'0' * 64}")
    ahead = anchored.run("verify", str(copy), "--vkey", found["vkey"], "--anchor", f"{10**6}:{found['root']}")
    alone = anchored.run("verify", str(copy), "--vkey", found["vkey"])
    wrong = anchored.run("verify", str(copy), "--vkey", found["vkey"], "--anchor", "12:abc")

    assert good.code == 0, good.words
    assert (bad.code, ahead.code, wrong.code) == (4, 4, 2)
    assert "history was rewritten" in bad.out
    assert "names 1000000 entries" in ahead.out
    assert "--anchor 12:abc" in wrong.err
    if alone.code == 0:
        assert "vouches for this ledger" in alone.out


def test_a_rolled_back_ledger_is_refused_everywhere(anchored: Place, mount: Path) -> None:
    locks = next(anchored.home.rglob("locks"))
    older = anchored.folder.parent / "older"
    shutil.copytree(locks, older / "locks")
    shutil.copy(anchored.ledger, older / "ledger")
    assert anchored.run("collect").code == 0
    shutil.rmtree(locks)
    shutil.copytree(older / "locks", locks)
    shutil.copy(older / "ledger", anchored.ledger)

    verified, audited = anchored.run("verify"), anchored.run("audit", "soc2", "--format", "json")
    looked = anchored.run("doctor")
    pushed = anchored.run("anchor", "push")

    assert verified.code == 4
    assert "CONTRADICTS: it names" in verified.out
    assert audited.code == 4
    assert "anchor office names" in audited.err
    assert looked.code == 2
    assert "broken" in looked.out
    assert pushed.code == 4
    assert "rolled back or rewritten" in pushed.out
    assert len(names(mount)) == 2


def evidence_intact(place: Place, tmp: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The ledger part of an audit's JSON, and the control."""
    done = place.run("audit", "soc2", "--format", "json", "-o", str(tmp / "out"), timeout=240)
    assert done.code in (1, 3), done.words
    document = json.loads((tmp / "out" / "latest" / "soc2.json").read_text())
    (control,) = [item for item in document["controls"] if item["id"] == "engine.evidence_intact"]
    return document["ledger"], control


def test_a_report_shows_its_anchors_and_only_one_outside_counts(anchored: Place, mount: Path, tmp_path: Path) -> None:
    ledger, control = evidence_intact(anchored, tmp_path)
    (view,) = ledger["anchors"]
    assert (view["state"], view["shared"]) == ("ok", None)
    assert view["agreed"] <= ledger["size"]
    assert "not_anchored" not in str(control["findings"])
    assert "no anchor" not in str(control["findings"])

    inside = tmp_path / "inside"
    inside.mkdir()
    ledger, control = evidence_intact(folder(anchored, inside), tmp_path)

    assert ledger["anchors"][0]["state"] == "ok"
    assert "same file system" in ledger["anchors"][0]["shared"]
    assert "no anchor outside this machine" in str(control["findings"])


def test_a_key_that_cannot_be_looked_at_is_not_taken_for_private(here: Place, mount: Path, tmp_path: Path) -> None:
    """In the environment nobody sees who can read it: all the rest holds, and the control does not pass."""
    secret = pem(tmp_path, "key.pem").read_text()
    place = Place(here.folder, {**here.extra, "LEDGER_KEY": secret})
    folder(place, mount)
    text = (place.folder / "compliance.toml").read_text()
    place.configure(f'[ledger]\nsigning_key = "env:LEDGER_KEY"\n\n{text}')
    assert place.run("collect").code == 0

    ledger, control = evidence_intact(place, tmp_path)

    assert ledger["anchors"][0]["state"] == "ok"
    assert control["verdict"] == "unknown"
    assert "lock store or private key could not be checked" in str(control["findings"])
