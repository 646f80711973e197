"""Copies from outside are compared at any size, in whatever order they come."""

from __future__ import annotations

import random
from hashlib import sha256
from pathlib import Path

import pytest

from compliance.ledger import Draft, Keys
from compliance.verify import Verification, verify
from tests.ledger.places import ORIGIN, Place, verdict

SIZE = 600  # two full tiles and an unfinished one


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, list[bytes]]:
    """A ledger, and its root at every size from 0 on."""
    place = Place(tmp_path_factory.mktemp("grown"))
    with place.open() as ledger:
        for upto in (3, 255, 256, 257, 400, 512, SIZE):
            ledger.append([Draft("control_verdict", verdict(n)) for n in range(upto - ledger.size)])
        assert ledger.size == SIZE
        return place, [sha256(b"").digest(), *(ledger.root_at(size) for size in range(1, SIZE + 1))]


def check(place: Place, **outside: list[str]) -> Verification:
    return verify(place.path, lock_store=place.lock, outside=outside)


def test_every_size_agrees_in_any_order(grown: tuple[Place, list[bytes]]) -> None:
    place, roots = grown
    claims = [f"{size}:{root.hex()}" for size, root in enumerate(roots)]
    random.Random(1).shuffle(claims)

    found = check(place, paper=claims, none=[])

    assert found.ok, found.problems
    assert [(a.name, a.copies, a.state, a.size, a.agreed) for a in found.anchors] == [
        ("paper", SIZE + 1, "ok", SIZE, SIZE),
        ("none", 0, "empty", 0, 0),
    ]


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513, SIZE])
def test_one_wrong_root_is_found_at_any_size(grown: tuple[Place, list[bytes]], size: int) -> None:
    place, roots = grown
    wrong = bytes([roots[size][0] ^ 1]) + roots[size][1:]

    found = check(
        place, good=[f"{SIZE}:{roots[SIZE].hex()}"], bad=[f"{SIZE}:{roots[SIZE].hex()}", f"{size}:{wrong.hex()}"]
    )

    assert [p.what for p in found.problems] == [
        f"anchor bad names another root at {size} entries: history was rewritten"
    ]
    assert [a.state for a in found.anchors] == ["ok", "differs"]


def test_notes_are_judged_by_their_signature_first(grown: tuple[Place, list[bytes]], tmp_path: Path) -> None:
    place, roots = grown
    own = Keys.open(place.folder / "keys", ORIGIN, create=False)
    stolen = own.sign(SIZE, bytes(32))
    other = Keys.open(tmp_path / "k1", ORIGIN).sign(SIZE, roots[SIZE])
    foreign = Keys.open(tmp_path / "k2", "example.org/evidence/other").sign(SIZE, roots[SIZE])
    broken = own.sign(SIZE, roots[SIZE]).replace(f"\n{SIZE}\n", "\n599\n")

    found = check(
        place,
        good=[own.sign(300, roots[300]), own.sign(SIZE, roots[SIZE])],
        stolen=[stolen],
        other=[other],
        foreign=[foreign],
        broken=[broken],
        garbage=["garbage", own.sign(2, roots[2])],
        ahead=[own.sign(SIZE, roots[SIZE]), own.sign(SIZE + 5, bytes(32))],
    )

    assert {a.name: a.state for a in found.anchors} == {
        "good": "ok", "stolen": "differs", "other": "differs", "foreign": "differs", "broken": "differs",
        "garbage": "unreadable", "ahead": "ahead",
    }  # fmt: skip
    for name in ("stolen", "other", "foreign", "broken", "ahead"):
        assert sum(f"anchor {name} " in p.what for p in found.problems) == 1, name
    assert not any("good" in p.what or "garbage" in p.what for p in found.problems)
    assert next(a for a in found.anchors if a.name == "ahead").agreed == SIZE


def test_what_cannot_be_recomputed_never_agrees(grown: tuple[Place, list[bytes]], tmp_path: Path) -> None:
    import shutil

    import duckdb

    place, roots = grown
    copy = tmp_path / "copy.duckdb"
    shutil.copy(place.path, copy)
    with duckdb.connect(str(copy)) as raw:
        raw.execute("DELETE FROM entry WHERE seq = 10")
        raw.execute("DELETE FROM tile WHERE n = 0")

    found = verify(copy, lock_store=place.lock, outside={"a": [f"{SIZE}:{roots[SIZE].hex()}"]})

    assert not found.ok
    assert [(a.state, a.agreed) for a in found.anchors] == [("unreadable", 0)]
