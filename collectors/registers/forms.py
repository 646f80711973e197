"""The forms of a file: its bytes as rows with the lines they stand on. A file that may be cut off is refused."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from compliance.collectors.registers.sheet import Fault, Row, Sheet, Unreadable

_UTF8 = "save it as UTF-8 (in Excel: CSV UTF-8)"


def text_of(content: bytes, place: str) -> str:
    """The text of a file in UTF-8, with or without a mark of its encoding in front. Raises Unreadable with the line."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable(place, [Fault(1, None, "is in UTF-16", _UTF8)])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(place, [Fault(line, None, "is not in UTF-8", _UTF8)]) from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise Unreadable(place, [Fault(line, None, "holds a zero byte: it is damaged, or no text", _UTF8)])
    return text


def csv_sheet(content: bytes, place: str) -> Sheet:
    """Rows of a file with `,` or `;` between cells; which one, the header says."""
    text = text_of(content, place)
    if not text.strip():
        what = "is empty: even a register without entries has a header"
        raise Unreadable(place, [Fault(1, None, what, "write the header (`compliance registers init` makes one)")])
    if not text.endswith(("\n", "\r")):
        raise Unreadable(place, [_cut_off(text)])
    first = text.splitlines()[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in first else ",", strict=True)
    header: list[str] | None = None
    rows: list[Row] = []
    faults: list[Fault] = []
    header_line = 1
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            what = f"a quoted cell that begins in or after this line is damaged or never ends ({error})"
            raise Unreadable(place, [Fault(line, None, what, "close it with a quotation mark")]) from None
        if not any(cell.strip() for cell in cells):
            continue  # an empty line holds nothing that could be dropped
        if header is None:
            header, header_line = [cell.strip() for cell in cells], line
        elif len(cells) != len(header):
            what = f"has {len(cells)} cells, and the header has {len(header)}"
            write = "put cells with the separator in them between quotation marks; the file may also be cut off here"
            faults.append(Fault(line, None, what, write))
        else:
            rows.append(Row(line, dict(zip(header, cells, strict=True))))
    assert header is not None  # the text has more than white space
    if faults and len(set(header)) == len(header):
        raise Unreadable(place, faults)
    return Sheet(header, rows, header_line)


def json_sheet(content: bytes, place: str) -> Sheet:
    """A list of objects. Rows are numbered: JSON is often one line."""
    text = text_of(content, place)
    try:
        given = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise Unreadable(place, [Fault(error.lineno, None, f"is no JSON: {error.msg}", "mend this line")]) from None
    except (_Twice, RecursionError) as error:
        raise Unreadable(place, [Fault(None, None, str(error), "correct it")]) from None
    if not isinstance(given, list):
        raise Unreadable(place, [Fault(1, None, "is no list of entries", "write a list of objects: [{…}, {…}]")])
    return Sheet(None, [_row(number, item, place) for number, item in enumerate(given, start=1)])


def jsonl_sheet(content: bytes, place: str) -> Sheet:
    """One object a line."""
    text = text_of(content, place)
    if text and not text.endswith("\n"):
        raise Unreadable(place, [_cut_off(text)])
    rows = []
    for line, one in enumerate(text.split("\n"), start=1):
        if not one.strip():
            continue
        try:
            given = json.loads(one, object_pairs_hook=_object, parse_constant=_constant)
        except json.JSONDecodeError as error:
            raise Unreadable(place, [Fault(line, None, f"is no JSON: {error.msg}", "mend this line")]) from None
        except (_Twice, RecursionError) as error:
            raise Unreadable(place, [Fault(line, None, str(error), "correct it")]) from None
        rows.append(_row(line, given, place))
    return Sheet(None, rows)


def yaml_sheet(content: bytes, place: str) -> Sheet:
    """A list of mappings; every scalar is read by its column, so that `no` in a text stays a text."""
    text = text_of(content, place)
    if text and not text.endswith("\n"):
        raise Unreadable(place, [_cut_off(text)])
    try:
        documents = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        what = f"is no YAML: {error.problem or error.context}"
        raise Unreadable(place, [Fault(line, None, what, "mend this line")]) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Unreadable(place, [Fault(None, None, f"is no YAML: {type(error).__name__}", "correct it")]) from None
    if len(documents) != 1 or not isinstance(documents[0], yaml.SequenceNode):
        what = "is no list of entries"
        raise Unreadable(
            place, [Fault(1, None, what, "write a list: each entry begins with `- `; [] when there is none")]
        )
    rows = []
    for node in documents[0].value:
        line = node.start_mark.line + 1
        try:
            rows.append(_row(line, _plain(node), place))
        except _Twice as error:
            raise Unreadable(place, [Fault(line, None, str(error), "correct it")]) from None
    return Sheet(None, rows)


class _Twice(Exception):
    """A name is there twice in one object, or a number is none."""


class _Loader(yaml.SafeLoader):
    """Refuses aliases: an entry that is elsewhere cannot be read in its place."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not read; write the entry out", mark)
        return super().compose_node(parent, index)


def _plain(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _object([(str(_plain(key)), _plain(item)) for key, item in node.value])
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    empty = node.tag == "tag:yaml.org,2002:null"
    return None if empty else node.value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Twice(f"the name {twice if twice.isidentifier() else 'of a column'} is there twice in one entry")
    return found


def _constant(name: str) -> Any:
    raise _Twice(f"{name} is no value")


def _row(line: int, given: Any, place: str) -> Row:
    if not isinstance(given, Mapping):
        raise Unreadable(place, [Fault(line, None, "is no entry with named columns", 'write {"column": "value"}')])
    return Row(line, dict(given))


def _cut_off(text: str) -> Fault:
    line = text.count("\n") + 1
    write = "check that its last entry is whole, and save it with a line break at the end"
    return Fault(line, None, "the last line does not end: the file may be cut off", write)


SHEETS: Mapping[str, Callable[[bytes, str], Sheet]] = {
    "csv": csv_sheet,
    "json": json_sheet,
    "jsonl": jsonl_sheet,
    "yaml": yaml_sheet,
}
