"""Many entries at once: records that come as Arrow, and the Arrow that goes into DuckDB."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, get_args

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from compliance.ledger.keystore import KeyStore
from compliance.ledger.line import Built, Events, Personal, Rows, build_events, check_source, owner, split
from compliance.ledger.store import ENTRY
from compliance.ledger.tree import WIDTH
from compliance.schemas import canonical
from compliance.schemas.canonical import instant
from compliance.schemas.errors import EvidenceError
from compliance.schemas.evidence import Evidence, kind_named

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z").match
_LARGEST = 1 << 30  # bytes of records for which a column of lines is one array of Arrow
_SCALARS: dict[str, type] = {"VARCHAR": str, "BOOLEAN": bool, "BIGINT": int}


_FORMS = {
    "VARCHAR": r'"[^"\\\x00-\x1f]*"',
    "BOOLEAN": "true|false",
    "BIGINT": "0|-?[1-9][0-9]{0,14}",
    "TIMESTAMP": r'"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"',
}


def rows(kind: str, source: str, table: pa.Table, keystore: KeyStore) -> Rows | Events:
    """The entries of a table of records. Raises EvidenceError naming the first row that does not fit the kind."""
    cls = kind_named(kind)
    check_source(source)
    extra = set(table.column_names) - {"record", "key", "observed_at"}
    if extra or "record" not in table.column_names or not len(table):
        raise EvidenceError(f"{kind}: a table needs rows and the column record (and key, observed_at), not {extra}")
    events = None if cls.personal_columns() else _events(cls, source, table)
    if events is not None:
        return events
    texts = table["record"].to_pylist()
    count = len(texts)
    none = [None] * count
    observed = _instants(table["observed_at"]).to_pylist() if "observed_at" in table.column_names else none
    parts: Sequence[Personal | None] = none
    if cls.personal_columns():
        texts, keys, parts = _parted(cls, source, texts, keystore)
    else:
        keys = _keys(cls, _records(texts, cls))
    _check_keys(kind, table, keys)
    return Rows([kind] * count, [source] * count, none, keys, [False] * count, observed, parts, texts)


def _check_keys(kind: str, table: pa.Table, keys: list[str | None]) -> None:
    if "key" in table.column_names and table["key"].to_pylist() != keys:
        raise EvidenceError(f"{kind}: the keys given beside the records are not theirs")


def _events(kind: type[Evidence], source: str, table: pa.Table) -> Events | None:
    """The rows, when all records have the usual form; None when one needs a closer look, whatever comes of it."""
    form, column = _usual(kind), table["record"]
    if form is None or not pa.types.is_string(column.type) or column.nbytes > _LARGEST:
        return None
    records = pa.concat_arrays(column.chunks)
    try:
        records.validate(full=True)
    except pa.ArrowInvalid:
        return None
    if kind.key:
        found = pc.extract_regex(records, form)
        good = found.null_count == 0
    else:
        good = pc.all(pc.match_substring_regex(records, form), skip_nulls=False).as_py()
    if not good:
        return None
    keys = pa.nulls(len(records), pa.string())
    if kind.key:
        parts: list[Any] = []
        for name in kind.key:
            quote = '"' if kind.columns()[name] == "BIGINT" else ""
            parts += ["," + quote, pc.struct_field(found, name), quote]
        keys = pc.binary_join_element_wise("[" + parts[0][1:], *parts[1:], "]", "")
    if "key" in table.column_names:
        _check_keys(kind.kind, table, keys.to_pylist())
    observed = pa.nulls(len(records), pa.string())
    if "observed_at" in table.column_names:
        observed = pa.concat_arrays(_instants(table["observed_at"]).chunks)
    return Events(kind.kind, source, keys, observed, records)


@cache
def _usual(kind: type[Evidence]) -> str | None:
    """A pattern that only canonical records of the kind match, though not all: no text with escapes, no integer of more
    than 15 digits, nothing nested. It captures the key. None when no record of the kind could match."""
    members = []
    for name, duck in sorted(kind.columns().items()):
        null = type(None) in get_args(kind.model_fields[name].annotation) and name not in kind.key
        form = None if duck == "JSON" or duck.endswith("[]") else _FORMS.get(duck, _FORMS["TIMESTAMP"])
        if name in kind.key:
            if form is None or duck == "BOOLEAN":
                return None
            form = f"(?P<{name}>{form})"
        if form is None and not null:
            return None
        choices = [*([form] if form else []), *(["null"] if null else [])]
        members.append(f'"{name}":(?:{"|".join(choices)})')
    return r"^\{" + ",".join(members) + r"\}\z"


def _keys(kind: type[Evidence], records: Iterable[dict[str, Any]]) -> list[str | None]:
    names, dumps = kind.key, orjson.dumps
    if not names:
        return [None for _ in records]
    if len(names) > 1 and all(kind.columns()[name] == "VARCHAR" for name in names):
        parts = itemgetter(*names)
        return [dumps(parts(record)).decode() for record in records]
    return [
        dumps([value if type(value := record[name]) is str else str(value) for name in names]).decode()
        for record in records
    ]


def _records(texts: Sequence[str], kind: type[Evidence]) -> Iterator[dict[str, Any]]:
    """The records behind their texts, every one canonical, with exactly the columns of its kind, and with a key."""
    names = tuple(sorted(kind.columns()))
    check = _checker(kind)
    shapes: set[tuple[type, ...]] = set()  # types that were seen to be right: few in practice
    plain = [name for name, duck in kind.columns().items() if duck not in ("VARCHAR", "BOOLEAN")]
    loads, dumps, order = orjson.loads, orjson.dumps, orjson.OPT_SORT_KEYS
    n = 0
    try:
        for n, text in enumerate(texts):  # noqa: B007 -- told in the error
            record = loads(text)
            if tuple(record) != names or dumps(record, None, order).decode() != text:
                raise EvidenceError(f"not canonical, or without exactly the columns of {kind.kind}")
            shape = tuple(map(type, record.values()))
            if shape not in shapes:
                check(record)
                shapes.add(shape)
            for name in plain:
                value = record[name]
                if type(value) is str:
                    if not _INSTANT(value):
                        raise EvidenceError(f"column {name} is not a time of the form 2026-11-23T06:45:50.123456Z")
                elif value is not None:
                    canonical.check(value, name, 2)  # the record is the first level
            yield record
    except (orjson.JSONDecodeError, EvidenceError, TypeError) as error:
        raise EvidenceError(f"record {n}: {error}") from error


def _checker(kind: type[Evidence]) -> Callable[[dict[str, Any]], None]:
    """A check of the types of a record's columns."""
    wanted: dict[str, tuple[type, ...]] = {}
    for name, duck in kind.columns().items():
        null = type(None) in get_args(kind.model_fields[name].annotation)
        shapes = (list,) if duck.endswith("[]") else (_SCALARS.get(duck, str),) if duck != "JSON" else (dict, list)
        wanted[name] = (*shapes, type(None)) if null and name not in kind.key else shapes

    def check(record: dict[str, Any]) -> None:
        for name, types in wanted.items():
            if type(record[name]) not in types:
                raise EvidenceError(f"column {name} is of the wrong type, or NULL where it must not be")

    return check


def _parted(
    kind: type[Evidence], source: str, texts: list[str], keystore: KeyStore
) -> tuple[list[str], list[str | None], list[Personal | None]]:
    public: list[str] = []
    keys: list[str | None] = []
    personal: list[Personal | None] = []
    for text, record in zip(texts, _records(texts, kind), strict=True):
        parts = split(kind, source, record, keystore, named=False)
        keys.append(parts.key)
        if parts.values is None:
            public.append(text)
            personal.append(None)
        else:
            public.append(canonical.encode(parts.record).decode())
            personal.append(Personal(owner(kind, source, record, keystore, None), parts.values))
    return public, keys, personal


def _instants(times: pa.ChunkedArray) -> pa.ChunkedArray:
    whole = times.cast(pa.timestamp("us", "UTC"))
    return pc.strftime(whole, format="%Y-%m-%dT%H:%M:%SZ")


def event_table(events: Events, first: int, at: datetime) -> pa.Table:
    """The rows of table `entry` for events, numbered from `first`."""
    n = len(events.records)
    seqs = pa.array(range(first, first + n), pa.int64())
    columns = [
        seqs,
        _moment(at, n),
        pa.repeat(events.kind, n),
        pa.repeat(events.source, n),
        pa.nulls(n, pa.int64()),
        events.keys,
        pa.nulls(n, pa.string()),
        pa.repeat(False, n),
        _seen(events.observed),
        build_events(events, seqs, instant(at)),
    ]
    return pa.table(columns, schema=ENTRY)


def entry_table(rows: Rows, built: Built, first: int, at: datetime) -> pa.Table:
    """The rows of table `entry`, in its column order."""
    n = len(rows.kinds)
    subjects = [p.subject.alias if p else None for p in rows.personal]
    columns = [
        pa.array(range(first, first + n), pa.int64()),
        _moment(at, n),
        _text(rows.kinds),
        _text(rows.sources),
        pa.array(rows.collections, pa.int64()),
        pa.array(rows.keys, pa.string()),
        pa.array(subjects, pa.string()),
        pa.array(rows.gone, pa.bool_()),
        _seen(pa.array(rows.observed, pa.string())),
        pa.array(built.lines, pa.string()),
    ]
    return pa.table(columns, schema=ENTRY)


def lines(entries: pa.Table | pa.RecordBatch) -> Iterator[bytes]:
    """The lines of rows of table `entry`, a tile at a time made into objects: so they stay in the cache."""
    column = entries["line"].cast(pa.binary())
    return chain.from_iterable(column[n : n + WIDTH].to_pylist() for n in range(0, len(column), WIDTH))


def _moment(at: datetime, n: int) -> pa.Array:
    return pa.repeat(pa.scalar(at.replace(tzinfo=None), pa.timestamp("us")), n)


def _seen(observed: pa.Array) -> pa.Array:
    if observed.null_count == len(observed):
        return pa.nulls(len(observed), pa.timestamp("us"))
    # strptime of Arrow knows no fractions: cut the Z and let the cast read the rest
    return pc.utf8_slice_codeunits(observed, 0, 26).cast(pa.timestamp("us"))


def _text(values: Sequence[str]) -> pa.Array:
    """A column of text that is mostly one and the same."""
    if values.count(values[0]) == len(values):
        return pa.repeat(pa.scalar(values[0], pa.string()), len(values))
    return pa.array(values, pa.string())


def personal_table(built: Built) -> pa.Table | None:
    """The rows of table `personal`; None when there are none."""
    if not built.personal:
        return None
    seqs, subjects, contents = zip(*built.personal, strict=True)
    arrays = [pa.array(seqs, pa.int64()), pa.array(subjects, pa.string()), pa.array(contents, pa.binary())]
    return pa.table(arrays, names=["seq", "subject", "content"])
