"""Many entries at once: records that come as Arrow, and the Arrow that goes into DuckDB."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, get_args

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from compliance.ledger.keystore import KeyStore
from compliance.ledger.line import Built, Personal, Row, check_source, owner, split
from compliance.ledger.store import ENTRY
from compliance.schemas import canonical
from compliance.schemas.errors import EvidenceError
from compliance.schemas.evidence import Evidence, kind_named

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z").match
_SCALARS: dict[str, type] = {"VARCHAR": str, "BOOLEAN": bool, "BIGINT": int}


def rows(kind: str, source: str, table: pa.Table, keystore: KeyStore) -> list[Row]:
    """The entries of a table of records. Raises EvidenceError naming the first row that does not fit the kind."""
    cls = kind_named(kind)
    check_source(source)
    extra = set(table.column_names) - {"record", "key", "observed_at"}
    if extra or "record" not in table.column_names or not len(table):
        raise EvidenceError(f"{kind}: a table needs rows and the column record (and key, observed_at), not {extra}")
    check = _checker(cls)
    personal = bool(cls.personal_columns())
    texts = table["record"].to_pylist()
    keys = table["key"].to_pylist() if "key" in table.column_names else None
    observed = _instants(table["observed_at"]) if "observed_at" in table.column_names else [None] * len(texts)
    key_of = _keyer(cls)
    made = []
    for n, text in enumerate(texts):
        record = _parsed(text, n, check)
        part = None
        if personal:
            parts = split(cls, source, record, keystore, named=False)
            key = parts.key
            if parts.values is not None:
                part = Personal(owner(cls, source, record, keystore, None), parts.values)
                text = canonical.encode(parts.record).decode()
        else:
            key = key_of(record, n)
        if keys is not None and keys[n] != key:
            raise EvidenceError(f"record {n}: its key is not the one given beside it")
        made.append(Row(kind, source, None, key, False, observed[n], part, text))
    return made


def _parsed(text: str, n: int, check: Callable[[dict[str, Any]], str | None]) -> dict[str, Any]:
    try:
        record: dict[str, Any] = orjson.loads(text)
        canonical.check(record)
    except (orjson.JSONDecodeError, EvidenceError) as error:
        raise EvidenceError(f"record {n}: {error}") from error
    if orjson.dumps(record, option=orjson.OPT_SORT_KEYS) != text.encode():
        raise EvidenceError(f"record {n} is not in canonical form")
    wrong = check(record)
    if wrong:
        raise EvidenceError(f"record {n}: {wrong}")
    return record


def _checker(kind: type[Evidence]) -> Callable[[dict[str, Any]], str | None]:
    """A check of names and types of a record's columns: all of them, and nothing else."""
    names = frozenset(kind.columns())
    plain: list[tuple[str, frozenset[type]]] = []
    times: list[tuple[str, bool]] = []
    others: list[tuple[str, tuple[type, ...]]] = []
    for name, duck in kind.columns().items():
        null = type(None) in get_args(kind.model_fields[name].annotation)
        nothing: tuple[type, ...] = (type(None),) if null else ()
        if duck in _SCALARS:
            plain.append((name, frozenset({_SCALARS[duck], *nothing})))
        elif duck == "TIMESTAMP":
            times.append((name, null))
        else:
            others.append((name, (list, *nothing) if duck.endswith("[]") else (dict, list, *nothing)))

    def check(record: dict[str, Any]) -> str | None:
        if type(record) is not dict or record.keys() != names:
            return f"it does not have exactly the columns of {kind.kind}"
        for name, types in plain:
            if type(record[name]) not in types:
                return f"column {name} is of the wrong type"
        for name, null in times:
            value = record[name]
            if not (null if value is None else type(value) is str and _INSTANT(value)):
                return f"column {name} is not a time of the form 2026-11-23T06:45:50.123456Z"
        for name, shapes in others:
            if not isinstance(record[name], shapes):
                return f"column {name} is of the wrong type"
        return None

    return check


def _keyer(kind: type[Evidence]) -> Callable[[dict[str, Any], int], str | None]:
    names = kind.key

    def key_of(record: dict[str, Any], n: int) -> str | None:
        if not names:
            return None
        values = [record[name] for name in names]
        if None in values:
            raise EvidenceError(f"record {n}: a key column of {kind.kind} is NULL")
        return orjson.dumps([v if type(v) is str else str(v) for v in values]).decode()

    return key_of


def _instants(times: pa.ChunkedArray) -> list[str | None]:
    whole = times.cast(pa.timestamp("us", "UTC"))
    text: list[str | None] = pc.strftime(whole, format="%Y-%m-%dT%H:%M:%SZ").to_pylist()
    return text


def entry_table(rows: Sequence[Row], built: Built, first: int, at: datetime) -> pa.Table:
    """The rows of table `entry`, in its column order."""
    n = len(rows)
    kinds, sources, collections, keys, gone, observed, personal, _ = zip(*rows, strict=True)
    moment = pa.scalar(at.replace(tzinfo=None), pa.timestamp("us"))
    subjects = [p.subject.alias if p else None for p in personal]
    if any(observed):
        # strptime of Arrow knows no fractions: cut the Z and let the cast read the rest
        seen = pc.utf8_slice_codeunits(pa.array(observed, pa.string()), 0, 26).cast(pa.timestamp("us"))
    else:
        seen = pa.nulls(n, pa.timestamp("us"))
    columns = [
        pa.array(range(first, first + n), pa.int64()),
        pa.repeat(moment, n),
        pa.array(kinds, pa.string()),
        pa.array(sources, pa.string()),
        pa.array(collections, pa.int64()),
        pa.array(keys, pa.string()),
        pa.array(subjects, pa.string()),
        pa.array(gone, pa.bool_()),
        seen,
        pa.array(built.lines, pa.string()),
    ]
    return pa.table(columns, schema=ENTRY)


def personal_table(built: Built) -> pa.Table | None:
    """The rows of table `personal`; None when there are none."""
    if not built.personal:
        return None
    seqs, subjects, contents = zip(*built.personal, strict=True)
    arrays = [pa.array(seqs, pa.int64()), pa.array(subjects, pa.string()), pa.array(contents, pa.binary())]
    return pa.table(arrays, names=["seq", "subject", "content"])
