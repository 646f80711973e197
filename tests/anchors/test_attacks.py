"""The attacks that a ledger cannot show from inside: undetected without an anchor, detected with one of each type."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from compliance.app import anchoring, check, config, workspace
from compliance.ledger import Draft, Ledger
from tests.ledger.places import ORIGIN, Place, verdict
from tests.servers.authority import Authority
from tests.servers.seaweedfs import WRITER, SeaweedFs

pytestmark = pytest.mark.xdist_group("seaweedfs")

TYPES = ("log", "folder", "git", "s3", "tsa")


@pytest.fixture(scope="module")
def vault() -> Iterator[SeaweedFs]:
    with SeaweedFs() as server:
        server.bucket("attacked")
        yield server


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with Authority() as server:
        yield server


@dataclass
class House:
    """A ledger with its configuration. `older` is a copy of file and lock store at an earlier size."""

    place: Place
    mount: Path
    anchors: str = ""
    sizes: list[int] = field(default_factory=list)

    @property
    def older(self) -> Path:
        return self.place.folder / "older"

    def load(self) -> config.Config:
        path = self.place.folder / "compliance.toml"
        path.write_text(
            f'[ledger]\npath = "{self.place.path}"\norigin = "{ORIGIN}"\nkeys = "{self.place.folder / "keys"}"\n'
            f'lock_store = "{self.place.lock}"\nkeystore = "{self.place.keystore}"\n{self.anchors}'
        )
        return config.load(path)

    def check(self, *handed: str) -> check.Checked:
        self.load()
        return check.check(self.place.folder / "compliance.toml", None, None, handed)

    def write(self, count: int, reason: str = "ok") -> tuple[anchoring.Pushed, ...]:
        """Append, then anchor as every command does."""
        with self.place.open() as ledger:
            ledger.append([Draft("control_verdict", verdict(n, reason)) for n in range(count)])
            self.sizes.append(ledger.size)
            return self.anchor(ledger)

    def anchor(self, ledger: Ledger) -> tuple[anchoring.Pushed, ...]:
        loaded = self.load()
        places = workspace.places(loaded)
        now = self.place.clock()
        return anchoring.write(places, anchoring.due(loaded, places, ledger, now), now)

    def keep_older(self) -> None:
        shutil.copytree(self.place.path.parent, self.older / "data")
        shutil.copytree(self.place.lock, self.older / "lock")

    def replace(self, source: Path) -> None:
        for name, target in (("data", self.place.path.parent), ("lock", self.place.lock)):
            shutil.rmtree(target)
            shutil.copytree(source / name, target)


@pytest.fixture
def house(tmp_path: Path, mount: Path) -> House:
    return House(Place(tmp_path), mount)


def configured(house: House, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The configuration of one anchor of a type."""
    if kind == "git":
        remote = house.mount / "remote.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", remote], check=True)
        return f'[anchors.a]\ntype = "git"\nurl = "{remote}"\n'
    if kind == "s3":
        vault = request.getfixturevalue("vault")
        monkeypatch.setenv("ANCHOR_KEY", WRITER[0])
        monkeypatch.setenv("ANCHOR_SECRET", WRITER[1])
        return (
            f'[anchors.a]\ntype = "s3"\nbucket = "attacked"\nprefix = "{house.place.folder.name}/"\n'
            f'endpoint = "{vault.endpoint}"\nretain_days = 2\n'
            'access_key_id = "env:ANCHOR_KEY"\nsecret_access_key = "env:ANCHOR_SECRET"\n'
        )
    if kind == "tsa":
        authority = request.getfixturevalue("authority")
        authority.mode = "good"
        return f'[anchors.a]\ntype = "tsa"\nurl = "{authority.url}"\nca = "{authority.ca}"\nfolder = "{house.mount}"\n'
    path = house.mount / "log" if kind == "log" else house.mount
    return f'[anchors.a]\ntype = "{kind}"\npath = "{path}"\n'


def grow(house: House) -> None:
    """Two sizes, with a copy of everything at the first; the newest is anchored."""
    house.write(300)
    house.keep_older()
    house.write(40)


def cut_the_tail(house: House) -> None:
    """With DuckDB itself: the newest entries, their heads and checkpoints, and the lock store's notes of them."""
    size = house.sizes[0]
    with duckdb.connect(str(house.place.path)) as raw:
        raw.execute(f"DELETE FROM entry WHERE seq >= {size}")
        raw.execute(f"DELETE FROM head WHERE size > {size}")
        raw.execute(f"DELETE FROM checkpoint WHERE size > {size}")
        raw.execute(f"DELETE FROM tile WHERE (n + 1) * 256 > {size} AND level = 0")
    lines = (house.place.lock / "history").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if int(orjson.loads(line)["note"].split("\n")[1]) <= size]
    (house.place.lock / "history").write_bytes(b"".join(kept))
    (house.place.lock / "checkpoint").write_text(orjson.loads(kept[-1])["note"])


def restore_an_older_copy(house: House) -> None:
    """File and lock store as they were, from a backup."""
    house.replace(house.older)


def forge_everything(house: House) -> None:
    """A new history from the first entry on, of the same size, signed with the stolen key."""
    forged = Place(house.place.folder / "forged")
    forged.folder.mkdir()
    settings: dict[str, Any] = {**forged.settings(), "keys": house.place.folder / "keys"}
    with forged.open(**settings) as ledger:
        for size in house.sizes:
            ledger.append([Draft("control_verdict", verdict(n, "forged")) for n in range(size - ledger.size)])
        assert ledger.size == house.sizes[-1]
    for name in ("data", "lock"):
        shutil.copytree(forged.folder / name, house.place.folder / "fake" / name)
    house.replace(house.place.folder / "fake")


Attack = Callable[[House], None]
ATTACKS: dict[str, tuple[Attack, str, str]] = {
    "the tail cut": (cut_the_tail, "ahead", "entries were lost, or this is an older copy"),
    "an older copy": (restore_an_older_copy, "ahead", "entries were lost, or this is an older copy"),
    "all forged": (forge_everything, "differs", "history was rewritten"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_without_an_anchor_it_is_not_seen_and_the_words_say_so(house: House, name: str) -> None:
    grow(house)

    ATTACKS[name][0](house)

    done = house.check()
    assert done.found.ok, done.found.problems
    assert done.exit_code == 0
    text = "\n".join(check.lines(done))
    assert "only the lock store vouches for this ledger" in text
    assert "would not be seen" in text


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", ATTACKS)
def test_with_an_anchor_it_is_seen(
    house: House, name: str, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.anchors = configured(house, kind, request, monkeypatch)
    grow(house)
    before = house.check()
    assert (before.exit_code, [view.state for view in before.anchors]) == (0, ["ok"]), before
    assert (before.anchors[0].agreed, before.anchors[0].tail) == (house.sizes[-1], 0)
    attack, state, says = ATTACKS[name]

    attack(house)

    done = house.check()
    assert done.exit_code == 4
    assert [view.state for view in done.anchors] == [state]
    assert any(says in problem.what and "anchor a " in problem.what for problem in done.found.problems)
    assert done.found.lock_store == "ok", "the lock store was rolled back with it"
    assert "CONTRADICTS" in "\n".join(check.lines(done))


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("form", ["size:root", "note", "folder", "log"])
def test_with_what_an_auditor_holds_it_is_seen(house: House, name: str, form: str) -> None:
    grow(house)
    found = house.check().found
    note = (house.place.lock / "checkpoint").read_text()
    held = house.place.folder / "held"
    if form == "size:root":
        handed = f"{found.size}:{found.root.hex()}"
    elif form == "folder":
        held.mkdir()
        (held / f"{found.size:020d}-{found.root.hex()}").write_text(note)
        handed = str(held)
    else:
        held.write_bytes(note.encode() if form == "note" else (house.place.lock / "history").read_bytes())
        handed = str(held)
    assert house.check(handed).exit_code == 0

    ATTACKS[name][0](house)

    done = house.check(handed)
    assert done.exit_code == 4
    assert [view.state for view in done.anchors] == [ATTACKS[name][1]]


def test_a_rollback_that_went_on_is_seen_and_nothing_is_anchored_over_it(house: House) -> None:
    house.anchors = f'[anchors.a]\ntype = "folder"\npath = "{house.mount}"\n'
    grow(house)
    restore_an_older_copy(house)

    pushed = house.write(100)

    assert [item.state for item in pushed] == ["contradicts"]
    assert len(list(house.mount.iterdir())) == 2
    done = house.check()
    assert done.exit_code == 4
    assert [view.state for view in done.anchors] == ["differs"]


def test_another_ledger_with_a_key_of_its_own(house: House) -> None:
    """File, lock store and key folder exchanged: the copies are signed by a key that this ledger does not know."""
    house.anchors = f'[anchors.a]\ntype = "folder"\npath = "{house.mount}"\n'
    grow(house)
    shutil.rmtree(house.place.path.parent)
    shutil.rmtree(house.place.lock)
    shutil.rmtree(house.place.folder / "keys")
    with house.place.open() as ledger:
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(house.sizes[-1])])

    done = house.check()

    assert done.exit_code == 4
    assert [view.state for view in done.anchors] == ["differs"]
    assert any("is not signed by" in problem.what for problem in done.found.problems)


def test_copies_from_before_and_after_a_new_key_agree(house: House) -> None:
    house.anchors = f'[anchors.a]\ntype = "folder"\npath = "{house.mount}"\n'
    house.write(10)
    with house.place.open() as ledger:
        ledger.rotate_key(reason="yearly", by="two people", key=None)
        house.anchor(ledger)
    house.write(20)

    done = house.check()

    assert done.exit_code == 0, done.found.problems
    assert len(done.found.keys) == 2
    assert (done.anchors[0].state, len(list(house.mount.iterdir()))) == ("ok", 3)


def test_a_copy_that_was_taken_away_is_missed(house: House) -> None:
    house.anchors = f'[anchors.a]\ntype = "folder"\npath = "{house.mount}"\n'
    grow(house)
    newest = max(house.mount.iterdir())
    newest.unlink()

    done = house.check()

    assert (done.exit_code, [view.state for view in done.anchors]) == (3, ["lost"])
    for copy in house.mount.iterdir():
        copy.unlink()
    assert [view.state for view in house.check().anchors] == ["lost"]
    assert "NOT CHECKED" in "\n".join(check.lines(house.check()))


def test_what_cannot_be_read_is_never_agreement(house: House) -> None:
    house.anchors = f'[anchors.a]\ntype = "folder"\npath = "{house.mount}"\n'
    grow(house)
    newest = max(house.mount.iterdir())
    newest.chmod(0o600)
    newest.write_text("not a note")
    done = house.check()
    assert (done.exit_code, [view.state for view in done.anchors]) == (3, ["lost"])
    os.unlink(newest)
    shutil.copy(house.place.lock / "checkpoint", newest)
    (house.mount / ("0" * 20 + "-" + "0" * 64)).write_text("not a note either")
    done = house.check()
    assert (done.exit_code, [view.state for view in done.anchors]) == (3, ["unreadable"])
    assert done.found.ok
    moved = house.mount.with_name(house.mount.name + "-gone")
    house.mount.rename(moved)
    try:
        done = house.check()
        assert (done.exit_code, [view.state for view in done.anchors]) == (3, ["unreachable"])
        ATTACKS["the tail cut"][0](house)
        assert house.check().exit_code == 3, "an anchor that is away shows nothing, and says so"
    finally:
        moved.rename(house.mount)
    assert house.check().exit_code == 4
