"""Many events of one kind as columns: into lines and sealed personal content, without an object of Python per value.

What comes out is what `collections.event_rows` and `line.build` give for the same rows; only personal content is
sealed row by row. Format: schemas/ledger.md §2, §8 and §9.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Any, Literal, get_args, get_origin

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from compliance.ledger.keystore import KeyStore, Subject
from compliance.ledger.line import context
from compliance.ledger.store import ENTRY
from compliance.schemas.canonical import MAX_INT
from compliance.schemas.errors import EvidenceError
from compliance.schemas.evidence import Event, Evidence

MAX_ROWS = 100_000
_ARROW = {
    "VARCHAR": pa.string(),
    "BOOLEAN": pa.bool_(),
    "BIGINT": pa.int64(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "VARCHAR[]": pa.list_(pa.string()),
}
_ESCAPED = r'["\\\x00-\x1f]'  # what JSON writes in another way inside a string


def shape(kind: type[Evidence]) -> pa.Schema:
    """The columns that a table of `kind` has, by name. Raises EvidenceError for a kind that cannot come as a table:
    a state, or one with free-form columns, closed sets of values or personal parts in its key."""
    columns = kind.columns()
    closed = [name for name, of in columns.items() if of not in _ARROW or _closed(kind.model_fields[name].annotation)]
    if not issubclass(kind, Event) or closed or not kind.key or kind.personal_columns() & set(kind.key):
        raise EvidenceError(f"{kind.kind} cannot come as a table ({', '.join(closed) or 'a state, or its key'})")
    return pa.schema([(name, _ARROW[of]) for name, of in sorted(columns.items())])


def _closed(annotation: Any) -> bool:
    """The annotation allows some values only."""
    if get_origin(annotation) is Literal or (isinstance(annotation, type) and issubclass(annotation, Enum)):
        return True
    return any(_closed(one) for one in get_args(annotation))


def conformed(kind: type[Evidence], table: pa.Table) -> pa.Table:
    """`table` with exactly the columns of `kind`, in one piece each.

    Raises:
        EvidenceError: other columns or types, text that is no Unicode, NULL where the kind has none, an integer or a
            time that a line cannot hold, the same key twice, or more than 100,000 rows.
    """
    wanted = shape(kind)
    if set(table.column_names) != set(wanted.names):
        raise EvidenceError(f"{kind.kind}: the table has other columns than the kind")
    if len(table) > MAX_ROWS:
        raise EvidenceError(f"{kind.kind}: a table of {len(table)} rows; at most {MAX_ROWS} come at once")
    table = table.select(wanted.names).combine_chunks()
    if table.schema.types != wanted.types:
        raise EvidenceError(f"{kind.kind}: a column has another type than the kind's")
    try:
        table.validate(full=True)
    except pa.ArrowInvalid as error:
        raise EvidenceError(f"{kind.kind}: a column holds no valid text") from error
    for name, of in zip(wanted.names, wanted.types, strict=True):
        column = table[name]
        required = type(None) not in get_args(kind.model_fields[name].annotation) or name in kind.key
        if required and column.null_count:
            raise EvidenceError(f"{kind.kind}: {name} is NULL in {column.null_count} rows")
        if of == pa.int64() and pc.any(pc.greater(pc.abs(column), MAX_INT)).as_py():
            raise EvidenceError(f"{kind.kind}: {name} holds an integer beyond ±(2^53 − 1)")
        if pa.types.is_timestamp(of) and not pc.all(_four_digits(column), min_count=0).as_py():
            raise EvidenceError(f"{kind.kind}: {name} holds a time outside the years 1 to 9999")
        if pa.types.is_list(of) and pc.list_flatten(column).null_count:
            raise EvidenceError(f"{kind.kind}: {name} holds a list with NULL in it")
    if len(pc.unique(keys(kind, table))) != len(table):
        raise EvidenceError(f"{kind.kind}: the same key twice in one table")
    return table


def _four_digits(column: pa.ChunkedArray) -> pa.ChunkedArray:
    year = pc.year(column)
    return pc.and_(pc.greater_equal(year, 1), pc.less_equal(year, 9999))


def keys(kind: type[Evidence], table: pa.Table) -> pa.Array:
    """The key of each row as canonical JSON."""
    parts: list[Any] = []
    for name in kind.key:
        column = table[name]
        text = _escape(column) if column.type == pa.string() else column.cast(pa.string())
        parts += [',"', text, '"']
    return _one(pc.binary_join_element_wise("[" + parts[0][1:], *parts[1:], "]", ""))


@dataclass(frozen=True, slots=True)
class Sheet:
    """Events of one kind from one source that belong to the collection entry before them. `table` is `conformed`."""

    kind: type[Evidence]
    source: str
    table: pa.Table

    def tables(self, first: int, at: str, origin: str, keystore: KeyStore) -> tuple[pa.Table, pa.Table | None]:
        """Rows of the tables `entry` and `personal` (None when nobody is in them), numbered from `first`, of the
        collection `first - 1`. New subjects are made in the key store; flush it before the rows are committed."""
        count, personal = len(self.table), sorted(self.kind.personal_columns())
        numbers = pa.array(range(first, first + count), pa.int64())
        named = [name for name in self.table.column_names if name not in personal]
        records = self._objects(named)
        about = self._about(personal)
        if about is None:
            sealed, subjects, contents = pa.repeat("null", count), pa.nulls(count, pa.string()), None
            records = self._objects(self.table.column_names)
        else:
            sealed, subjects, contents = self._seal(personal, about, first, origin, keystore)
            if not pc.all(about).as_py():
                records = pc.if_else(about, records, self._objects(self.table.column_names))
        key = keys(self.kind, self.table)
        digits = pa.py_buffer(os.urandom(16 * count).hex().encode())
        nonces = pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), count, [None, digits])
        lines = pc.binary_join_element_wise(
            f'{{"at":"{at}","collection":{first - 1},"gone":false,"key":',
            key,
            f',"kind":"{self.kind.kind}","nonce":"',
            nonces.cast(pa.binary()).cast(pa.string()),
            '","observed_at":null,"personal":',
            sealed,
            ',"record":',
            records,
            ',"seq":',
            numbers.cast(pa.string()),
            f',"source":"{self.source}","v":1}}',
            "",  # what stands between them
        )
        moment = pa.scalar(at[:26], pa.string()).cast(pa.timestamp("us"))
        columns = [
            numbers,
            pa.repeat(moment, count),
            pa.repeat(self.kind.kind, count),
            pa.repeat(self.source, count),
            pa.repeat(pa.scalar(first - 1, pa.int64()), count),
            key,
            subjects,
            pa.repeat(False, count),
            pa.nulls(count, pa.timestamp("us")),
            lines,
        ]
        return pa.table(columns, schema=ENTRY), contents

    def _about(self, personal: Sequence[str]) -> pa.Array | None:
        """Which rows are about somebody; None when no row is."""
        if self.kind.subject_column is None or not personal:
            return None
        about = pc.is_valid(_one(self.table[personal[0]]))
        for name in personal[1:]:
            about = pc.or_(about, pc.is_valid(_one(self.table[name])))
        return about if pc.any(about).as_py() else None

    def _objects(self, names: Sequence[str]) -> pa.Array:
        """The named columns of each row as a canonical JSON object."""
        parts: list[Any] = []
        for name in sorted(names):
            parts += [("," if parts else "{") + f'"{name}":', _json(_one(self.table[name]))]
        return pc.binary_join_element_wise(*parts, "}", "")

    def _seal(
        self, personal: Sequence[str], about: pa.Array, first: int, origin: str, keystore: KeyStore
    ) -> tuple[pa.Array, pa.Array, pa.Table]:
        values = self._objects(personal)
        salts, nonces = os.urandom(16 * len(values)).hex(), os.urandom(12 * len(values))
        sealed: list[str] = []
        aliases: list[str | None] = []
        contents: list[bytes] = []
        subjects = self._subjects(about, keystore)
        for n, (who, text) in enumerate(zip(subjects, values.to_pylist(), strict=True)):
            if who is None:
                sealed.append("null")
                aliases.append(None)
                continue
            alias, cipher = who
            clear = f'{{"salt":"{salts[32 * n : 32 * n + 32]}","values":{text}}}'.encode()
            nonce = nonces[12 * n : 12 * n + 12]
            contents.append(nonce + cipher.encrypt(nonce, clear, context(origin, first + n)))
            sealed.append(f'{{"alias":"{alias}","commitment":"{sha256(clear).hexdigest()}"}}')
            aliases.append(alias)
        owners = pa.array(aliases, pa.string())
        numbers = pa.array(range(first, first + len(values)), pa.int64())
        arrays = [numbers.filter(about), owners.filter(about), pa.array(contents, pa.binary())]
        return pa.array(sealed, pa.string()), owners, pa.table(arrays, names=["seq", "subject", "content"])

    def _subjects(self, about: pa.Array, keystore: KeyStore) -> Iterator[tuple[str, AESGCM] | None]:
        """Alias and cipher of each row: one for each identity, and one that is used once where there is none."""
        assert self.kind.subject_column is not None
        known: dict[str, tuple[str, AESGCM]] = {}

        def ready(subject: Subject) -> tuple[str, AESGCM]:
            return subject.alias, AESGCM(subject.key)

        for somebody, name in zip(about.to_pylist(), self.table[self.kind.subject_column].to_pylist(), strict=True):
            if not somebody:
                yield None
            elif name is None:
                yield ready(keystore.one_off(self.source))
            else:
                if name not in known:
                    known[name] = ready(keystore.subject(self.source, name))
                yield known[name]


def _json(column: pa.Array) -> pa.Array:
    """Each value as canonical JSON."""
    if column.type == pa.string():
        found = pc.binary_join_element_wise('"', _escape(column), '"', "")
    elif pa.types.is_list(column.type):
        found = _lists(column)
    elif pa.types.is_timestamp(column.type):
        # strftime of Arrow gives all six digits of the fraction with %S
        found = pc.binary_join_element_wise('"', pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ"), '"', "")
    else:
        found = column.cast(pa.string())  # true, false, and integers as JSON writes them
    return pc.fill_null(found, "null") if found.null_count else found


def _lists(column: pa.Array) -> pa.Array:
    escaped = pa.ListArray.from_arrays(column.offsets, _escape(column.values), mask=pc.is_null(column))
    inside = pc.binary_join(escaped, '","')
    some = pc.binary_join_element_wise('["', inside, '"]', "")
    return pc.if_else(pc.equal(pc.list_value_length(column), 0), "[]", some)


def _escape(column: Any) -> pa.Array:
    column = _one(column)
    if not pc.any(pc.match_substring_regex(column, _ESCAPED)).as_py():
        return column
    dumps = orjson.dumps
    return pa.array([None if v is None else dumps(v)[1:-1].decode() for v in column.to_pylist()], pa.string())


def _one(column: Any) -> pa.Array:
    """The column in one piece."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
