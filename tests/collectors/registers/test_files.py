"""Files are read whole or not at all, and every fault is named with its place and without what stands there."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from compliance.collectors.registers import Registers, files
from compliance.collectors.testing import Conformance
from compliance.schemas.errors import Truncated
from compliance.schemas.messages import Cause, Complete
from tests.collectors.registers.conftest import GOOD, HEADER, KIND, context
from tests.collectors.said import Said

Told = Callable[..., Said]
ROW = "incident,*,2026-11-03,Ana Ruiz,2026-11-01,0,,\n"


def test_a_good_register_is_read(told: Told, folder: Path) -> None:
    said = told({"owner": "Ana Ruiz"}, time_zone="America/Mexico_City")
    first, second = said.rows(KIND)
    assert first.returned_at == datetime(2026, 11, 3, 15, tzinfo=UTC)
    assert first.covers_until == datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert (first.entries, first.reviewed_by, first.expires_at) == (0, "Luis Mora", None)
    assert (second.of_source, second.covers_until, second.entries) == ("desk", None, 2)
    row = said.one("kept_register", of_kind=KIND)
    assert (row.owner, row.form, row.rows, row.readable) == ("Ana Ruiz", "csv", 2, True)
    (request,) = said.complete[KIND].requests
    assert (request.text, request.digest) == (str(folder / f"{KIND}.csv"), row.sha256)


RECORDS = [
    {"of_kind": "incident", "of_source": "*", "returned_at": "2026-11-03T09:00-06:00", "by_person": "Ana Ruiz",
     "covers_until": "2026-11-01", "entries": 0, "reviewed_by": "Luis Mora"},
    {"of_kind": "breach", "of_source": "desk", "returned_at": "2026-11-03", "by_person": "Eva Sol", "entries": 2,
     "expires_at": "2026-12-01", "covers_until": None},
]  # fmt: skip
YAML = """
- of_kind: incident
  of_source: "*"
  returned_at: 2026-11-03T09:00-06:00
  by_person: Ana Ruiz
  covers_until: 2026-11-01
  entries: 0
  reviewed_by: Luis Mora
- {of_kind: breach, of_source: desk, returned_at: 2026-11-03, by_person: Eva Sol, entries: 2, expires_at: 2026-12-01}
"""


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        ("csv", "\ufeff" + GOOD.replace("\n", "\r\n")),
        ("csv", GOOD.replace(",", ";")),
        ("csv", GOOD + "\n,,,,,,,\n"),
        ("json", json.dumps(RECORDS)),
        ("jsonl", "".join(json.dumps(record) + "\n" for record in RECORDS)),
        ("yaml", YAML),
    ],
)
def test_every_form_gives_the_same_records(told: Told, folder: Path, ending: str, text: str) -> None:
    expected = told().rows(KIND)
    (folder / f"{KIND}.csv").unlink()
    (folder / f"{KIND}.{ending}").write_bytes(text.encode())
    assert told().rows(KIND) == expected


FAULTS = {
    "unknown column": (HEADER.replace("entries", "entires") + "\n", "line 1, column number 6", "write entries"),
    "column twice": (HEADER.replace("expires_at", "entries") + "\n",
        "line 1, column entries: this column is there", ""),
    "column missing": (HEADER.replace("returned_at,", "") + "\n", "column returned_at: this column is missing", ""),
    "no header": (ROW, "line 1, column number 1", ""),
    "a date": (f"{HEADER}\n{ROW}{ROW.replace('2026-11-03', '03/11/26')}",
        "line 3, column returned_at: is no date", "write"),
    "a number": (f"{HEADER}\n{ROW.replace(',0,', ',none,')}", "line 2, column entries: is no whole number", "digits"),
    "below its least": (f"{HEADER}\n{ROW.replace(',0,', ',-1,')}", "line 2, column entries: does not fit", ""),
    "empty key": (f"{HEADER}\n{ROW.replace('*', '')}",
        "line 2, column of_source: is empty, and is part of the key", ""),
    "key twice": (f"{HEADER}\n{ROW}{ROW}",
        "line 3, column of_kind, of_source, returned_at: the same key as line 2", ""),
    "a cell more": (f"{HEADER}\n{ROW.replace('Ana Ruiz', 'Ruiz, Ana')}",
        "line 2: has 9 cells, and the header has 8", "quot"),
    "a cell less": (f"{HEADER}\n{ROW}{ROW[:20]}\n", "line 3: has 3 cells", "cut off"),
    "no end": (f"{HEADER}\n{ROW}"[:-1], "line 2: the last line does not end", ""),
    "cut inside a cell": (f"{HEADER}\n{ROW}"[:-9], "line 2: the last line does not end", ""),
    "open quotation": (f'{HEADER}\n{ROW.replace("Ana Ruiz", chr(34) + "Ana Ruiz")}',
        "line 2: a quoted cell", "close"),
    "quotation inside": (f'{HEADER}\n{ROW.replace("Ana Ruiz", chr(34) + "Ana" + chr(34) + " R")}',
        "line 2: a quoted", ""),
    "empty file": ("", "line 1: is empty: even a register without entries has a header", ""),
    "after many lines": (f'{HEADER}\n"inc\nid\nent"{ROW[8:]}x{ROW.replace(",0,", ",y,")}',
        "line 5, column entries", ""),
}  # fmt: skip


@pytest.mark.parametrize(("text", "place", "write"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_a_gap_with_its_place(told: Told, folder: Path, text: str, place: str, write: str) -> None:
    (folder / f"{KIND}.csv").write_text(text)
    said = told()
    gap = said.gaps[KIND]
    assert gap.cause is Cause.MALFORMED
    assert gap.message.startswith(f"{KIND}.csv, {place.split(',')[0]}") or place in gap.message
    assert place in gap.message
    assert write in gap.remedy
    assert "Ruiz" not in gap.message + gap.remedy
    assert "kept_register" in said.gaps  # the only register there is could not be read


@pytest.mark.parametrize(
    ("content", "said_so"),
    [
        (GOOD.encode("utf-16"), "UTF-16"),
        (GOOD.replace("Ana", "Áña").encode("latin-1"), "line 2: is not in UTF-8"),
        (GOOD.replace("Ana", "A\0a").encode(), "line 2: holds a zero byte"),
    ],
)
def test_another_encoding_is_a_gap(told: Told, folder: Path, content: bytes, said_so: str) -> None:
    (folder / f"{KIND}.csv").write_bytes(content)
    assert said_so in told().gaps[KIND].message


@pytest.mark.parametrize(
    ("ending", "text", "said_so"),
    [
        ("json", "{}", "is no list of entries"),
        ("json", json.dumps(RECORDS)[:-4], "is no JSON"),
        ("json", '[{"of_kind": "a", "of_kind": "b"}]', "the name of_kind is there twice"),
        ("json", "[1]", "is no entry"),
        ("json", json.dumps([{**RECORDS[0], "entires": 1}]), "line 1, column number 8: its name is no column"),
        ("json", json.dumps([{**RECORDS[0], "entries": 1.5}]), "column entries: is no whole number"),
        ("json", json.dumps([{**RECORDS[0], "of_kind": True}]), "column of_kind: is no text"),
        ("json", json.dumps(RECORDS).replace("2,", "NaN,"), "NaN is no value"),
        ("jsonl", json.dumps(RECORDS[0]) + "\n" + json.dumps(RECORDS[1])[:30], "line 2: the last line does not end"),
        ("jsonl", json.dumps(RECORDS[0]) + "\n{\n", "line 2: is no JSON"),
        ("yaml", "of_kind: incident\n", "is no list of entries"),
        ("yaml", YAML.rstrip(), "does not end"),
        ("yaml", YAML + "- [\n", "is no YAML"),
        ("yaml", "- &a {of_kind: x}\n- *a\n", "line 2: is no YAML: aliases are not read"),
        ("yaml", YAML.replace("  entries: 0", "  entries: 0\n  entries: 1"), "line 2: the name entries is there twice"),
        ("yaml", YAML + YAML, "the same key as line 2"),
    ],
)
def test_other_forms_are_as_strict(told: Told, folder: Path, ending: str, text: str, said_so: str) -> None:
    (folder / f"{KIND}.csv").unlink()
    (folder / f"{KIND}.{ending}").write_text(text)
    assert said_so in told().gaps[KIND].message


def test_an_empty_register_is_complete_and_a_missing_one_a_gap(told: Told, folder: Path) -> None:
    (folder / f"{KIND}.csv").write_text(HEADER + "\n")
    assert told().rows(KIND) == []
    assert told().one("kept_register").rows == 0
    (folder / f"{KIND}.csv").unlink()
    assert told().gaps[KIND].cause is Cause.ABSENT
    (folder / f"{KIND}.xlsx").write_bytes(b"PK")
    gap = told().gaps[KIND]
    assert gap.cause is Cause.ABSENT
    assert "save register_return.xlsx as CSV UTF-8" in gap.remedy


def test_two_registers_of_one_kind_are_a_gap(told: Told, folder: Path) -> None:
    (folder / f"{KIND}.json").write_text("[]")
    gap = told().gaps[KIND]
    assert gap.cause is Cause.MALFORMED
    assert "more than one register" in gap.message


def test_columns_may_have_other_names_and_some_are_no_evidence(told: Told, folder: Path) -> None:
    text = GOOD.replace("entries", "Entradas").replace("reviewed_by", "Revisó").replace("of_kind", "Nota,of_kind")
    text = text.replace("\nincident", '\n"x, y",incident').replace("\nbreach", "\n,breach")
    (folder / f"{KIND}.csv").write_text(text)
    assert KIND in told().gaps
    said = told({"columns": {"entries": "Entradas", "reviewed_by": "Revisó"}, "ignore": ["Nota"]})
    assert [row.entries for row in said.rows(KIND)] == [0, 2]
    own = {"columns": {"entries": "Entradas", "reviewed_by": "Revisó"}, "ignore": ["Nota"]}
    (folder / f"{KIND}.csv").write_text(text.replace("Entradas", "entries"))
    assert "number 7" in told(own).gaps[KIND].message  # the column's own name is no name any more


def test_pipes_folders_and_large_files_are_gaps(told: Told, folder: Path) -> None:
    assert told(max_bytes=10).gaps[KIND].cause is Cause.TRUNCATED
    place = folder / f"{KIND}.csv"
    place.unlink()
    os.mkfifo(place)
    assert "no regular file" in told().gaps[KIND].message
    place.unlink()
    place.mkdir()
    assert KIND in told().gaps


def test_a_file_that_is_not_what_it_was_when_reading_began_is_a_gap() -> None:
    """The kernel says of this file that it is empty, and then gives something: as one that is written meanwhile."""
    with pytest.raises(Truncated, match="changed while it was read"):
        files.read(Path("/proc/self/status"), 2**30)


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "expected"),
    [(0o640, 0o755, False), (0o660, 0o755, True), (0o642, 0o755, True), (0o600, 0o777, True), (0o600, 0o1777, False)],
)
def test_who_may_change_a_register_is_recorded(
    told: Told, folder: Path, file_mode: int, folder_mode: int, expected: bool
) -> None:
    (folder / f"{KIND}.csv").chmod(file_mode)
    folder.chmod(folder_mode)
    row = told().one("kept_register")
    assert (row.others_may_write, row.mode) == (expected, f"{file_mode:04o}")
    said = [access.message for access in Registers().check(context(folder)) if access.kind == KIND]
    assert ("may change" in said[0]) is expected


def test_what_others_configured_stays_readable_when_one_register_is_not(told: Told, folder: Path) -> None:
    (folder / f"{KIND}.csv").write_text("broken")
    said = told()
    assert KIND in said.gaps
    assert not [message for message in said.messages if isinstance(message, Complete)]


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that any account may enter, and only this one writes, with a register in it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # not below pytest's own, which nobody else may enter
        folder = Path(name)
        folder.chmod(0o755)
        place = folder / f"{KIND}.csv"
        place.write_text(GOOD)
        place.chmod(0o444)
        yield folder


@contextmanager
def another_account() -> Iterator[None]:
    """Act as an account that owns nothing here, where this one is root."""
    if os.geteuid():
        yield
        return
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def test_read_access_to_file_and_folder_is_enough(readable: Path) -> None:
    place = readable / f"{KIND}.csv"
    with another_account():
        said = Said(Registers, context(readable))
        with pytest.raises(PermissionError):
            place.open("a")
    assert len(said.rows(KIND)) == 2
    assert said.one("kept_register").reader_may_write is False


@pytest.mark.parametrize("what", ["file", "folder"])
def test_access_that_is_taken_away_is_a_gap(readable: Path, what: str) -> None:
    (readable if what == "folder" else readable / f"{KIND}.csv").chmod(0)
    with another_account():
        said = Said(Registers, context(readable))
    readable.chmod(0o755)
    gap = said.gaps[KIND]
    assert gap.cause is Cause.DENIED
    assert f"give this account read access to {readable}" in gap.remedy
    assert said.gaps["kept_register"].cause is Cause.DENIED


class TestConformance(Conformance):
    collector = Registers

    @pytest.fixture(autouse=True)
    def _place(self, folder: Path) -> None:
        type(self)._heard.clear()
        self.settings = {"folder": str(folder), "time_zone": "UTC", "owner": "Ana Ruiz", "registers": {KIND: {}}}
        self.unreachable = {"folder": str(folder / "missing"), "registers": {KIND: {}}}


@pytest.mark.parametrize(
    ("given", "said_so"),
    [
        ({"registers": {}}, "at least 1"),
        ({"registers": {"incidents_": {}}}, "is no kind of evidence"),
        ({"registers": {"user_account": {}}}, "is read from systems"),
        ({"registers": {KIND: {"columns": {"x": "y"}}}}, "no column 'x'"),
        ({"registers": {KIND: {"table": "t"}}}, "set either sqlite or postgres"),
        ({"registers": {KIND: {"file": "a.xlsx"}}}, "save the spreadsheet as CSV UTF-8"),
        ({"registers": {KIND: {"file": "a.txt"}}}, "a register is one of .csv"),
        ({"folder": None, "registers": {KIND: {}}}, "has no place"),
        ({"registers": {KIND: {"time_zone": "Mexico"}}}, "is no time zone"),
        ({"registers": {KIND: {"file": "a.csv", "table": "t"}}, "sqlite": "x"}, "either a file or a table"),
    ],
)
def test_settings_that_cannot_be(given: dict[str, object], said_so: str) -> None:
    with pytest.raises(ValueError, match=said_so):
        Registers.Settings.model_validate({"folder": "/srv", **given})


def test_only_what_is_configured_is_promised(folder: Path) -> None:
    settings = context(folder).settings
    assert [kind.kind for kind in Registers().promises(settings)] == ["kept_register", KIND]
