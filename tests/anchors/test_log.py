"""A file of notes that is only ever appended to."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from compliance.anchors import Log, Place
from compliance.schemas.errors import Denied, Unreachable
from tests.anchors.conftest import Notes


def log(path: Path, place: Place) -> Log:
    return Log.of(Log.Settings.model_validate({"path": str(path)}), place)


def test_lines_as_in_the_history_of_a_lock_store(tmp_path: Path, place: Place, note: Notes) -> None:
    anchor = log(tmp_path / "log", place)
    assert anchor.notes().kept == ()

    anchor.put(note(1))
    anchor.put(note(2))
    anchor.put(note(2))

    lines = (tmp_path / "log").read_bytes().splitlines()
    assert [set(orjson.loads(line)) for line in lines] == [{"at", "note"}] * 2
    held = anchor.notes()
    assert [kept.note for kept in held.kept] == [note(1), note(2)]
    assert all(kept.at is not None and kept.at.tzinfo for kept in held.kept)


def test_nothing_in_it_is_ever_changed(tmp_path: Path, place: Place, note: Notes) -> None:
    anchor = log(tmp_path / "log", place)
    before = b""
    for size in range(1, 5):
        anchor.put(note(size))
        now = (tmp_path / "log").read_bytes()
        assert now.startswith(before)
        before = now


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_line_that_a_crash_tore_stays_and_is_forgiven(tmp_path: Path, place: Place, note: Notes, cut: int) -> None:
    anchor = log(tmp_path / "log", place)
    anchor.put(note(1))
    anchor.put(note(2))
    torn = (tmp_path / "log").read_bytes()[:-cut]
    (tmp_path / "log").write_bytes(torn)
    assert [kept.note for kept in anchor.notes().kept] == [note(1)], "never acknowledged"

    anchor.put(note(3))

    assert (tmp_path / "log").read_bytes().startswith(torn)
    held = anchor.notes()
    assert held.unread == ()
    assert [kept.note for kept in held.kept][-1] == note(3)


def test_a_damaged_line_is_named(tmp_path: Path, place: Place, note: Notes) -> None:
    anchor = log(tmp_path / "log", place)
    for size in (1, 2, 3):
        anchor.put(note(size))
    lines = (tmp_path / "log").read_bytes().splitlines(keepends=True)
    for wrong in (b"garbage\n", b'{"note":1,"at":"2026-01-01"}\n', b'{"note":"x","at":"2026-01-01"}\n', b"[]\n"):
        (tmp_path / "log").write_bytes(lines[0] + wrong + lines[2])
        held = anchor.notes()
        assert [kept.note for kept in held.kept] == [note(1), note(3)]
        assert [item.where for item in held.unread] == [f"{tmp_path / 'log'}:2"]


def test_where_it_cannot_be(tmp_path: Path, place: Place, note: Notes) -> None:
    with pytest.raises(Unreachable):
        log(tmp_path / "absent" / "log", place).put(note(1))
    with pytest.raises(Unreachable):
        log(tmp_path / "absent" / "log", place).notes()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises((Unreachable, Denied)):
        log(tmp_path / "link", place).put(note(1))
    assert "same file system" in str(log(tmp_path / "log", place).same_machine(tmp_path.stat().st_dev))
