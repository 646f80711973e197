"""Lines: the canonical bytes of entries, and the columns beside them. Format: schemas/ledger.md §2 and §7."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from compliance.ledger.keystore import KeyStore, Subject
from compliance.schemas import canonical
from compliance.schemas.errors import EvidenceError, IntegrityError
from compliance.schemas.evidence import Evidence

MAX_LINE = 65_535  # C2SP entry bundles count the bytes of an entry in 16 bits
_SOURCE = re.compile(r'[^"\\\x00-\x1f\x7f\ud800-\udfff]{1,200}\Z')  # stands in the line as it is, unescaped


class Personal(NamedTuple):
    """Personal values of a row, and whose they are."""

    subject: Subject
    values: Mapping[str, Any]


class Row(NamedTuple):
    """An entry before it has a number: `key` and `record` are canonical JSON, `observed_at` is an instant."""

    kind: str
    source: str
    collection: int | None
    key: str | None
    gone: bool
    observed_at: str | None
    personal: Personal | None
    record: str


class Rows(NamedTuple):
    """Many rows, column by column: at a hundred thousand, a tuple for each costs more than hashing it."""

    kinds: Sequence[str]
    sources: Sequence[str]
    collections: Sequence[int | None]
    keys: Sequence[str | None]
    gone: Sequence[bool]
    observed: Sequence[str | None]
    personal: Sequence[Personal | None]
    records: Sequence[str]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Rows:
        """The columns of at least one row."""
        return cls(*zip(*rows, strict=True))


@dataclass(slots=True)
class Built:
    """Entries ready to be stored: their lines, and the sealed personal content."""

    lines: list[str] = field(default_factory=list)
    personal: list[tuple[int, str, bytes]] = field(default_factory=list)


def check_source(source: str) -> str:
    """The source name itself. Raises EvidenceError for one that cannot stand unescaped in a line."""
    if not _SOURCE.match(source):
        raise EvidenceError(f"source name {source!r} is empty, longer than 200, or has quotes or control characters")
    return source


def build(rows: Rows, first: int, at: str, origin: str) -> Built:
    """The lines of `rows`, numbered from `first` and all recorded at `at`."""
    nonces = os.urandom(16 * len(rows.kinds)).hex()
    built = Built()
    add = built.lines.append
    for n, (kind, source, collection, key, gone, observed_at, personal, record) in enumerate(zip(*rows, strict=True)):
        seq = first + n
        observed = f'"{observed_at}"' if observed_at else "null"
        sealed = "null" if personal is None else _seal(personal, seq, origin, built.personal)
        add(
            f'{{"at":"{at}","collection":{"null" if collection is None else collection},'
            f'"gone":{"true" if gone else "false"},"key":{"null" if key is None else key},"kind":"{kind}",'
            f'"nonce":"{nonces[32 * n : 32 * n + 32]}","observed_at":{observed},"personal":{sealed},'
            f'"record":{record},"seq":{seq},"source":"{source}","v":1}}'
        )
    return built


def _seal(personal: Personal, seq: int, origin: str, out: list[tuple[int, str, bytes]]) -> str:
    clear = canonical.encode({"salt": secrets.token_hex(16), "values": dict(personal.values)})
    nonce = os.urandom(12)
    alias = personal.subject.alias
    out.append((seq, alias, nonce + AESGCM(personal.subject.key).encrypt(nonce, clear, context(origin, seq))))
    return f'{{"alias":"{alias}","commitment":"{sha256(clear).hexdigest()}"}}'


def context(origin: str, seq: int) -> bytes:
    """What the encryption of an entry's personal content is bound to."""
    return f"{origin}\n{seq}".encode()


def unseal(content: bytes, key: bytes, seq: int, origin: str) -> dict[str, Any]:
    """The personal values of an entry. Raises IntegrityError when the content was changed."""
    values: dict[str, Any] = orjson.loads(clear_text(content, key, seq, origin))["values"]
    return values


def clear_text(content: bytes, key: bytes, seq: int, origin: str) -> bytes:
    """What the line of an entry commits to: canonical JSON of salt and values. Raises as `unseal`."""
    from cryptography.exceptions import InvalidTag

    try:
        return AESGCM(key).decrypt(content[:12], content[12:], context(origin, seq))
    except (InvalidTag, ValueError) as error:
        raise IntegrityError(f"entry {seq}: its personal content was changed", seq=seq) from error


class Split(NamedTuple):
    """A record parted: what everybody may see, what is personal (None: nothing is), and its key."""

    record: dict[str, Any]
    values: dict[str, Any] | None
    key: str | None


def split(kind: type[Evidence], source: str, row: Mapping[str, Any], keystore: KeyStore, named: bool) -> Split:
    """Part the columns of `row`. They are parted when the row is about somebody: its subject column is not NULL,
    the caller named an alias (`named`), or it could be about somebody and has personal values.
    Personal parts of the key are replaced by the alias of that value."""
    personal = kind.personal_columns()
    about = named or (
        kind.subject_column is not None
        and (row[kind.subject_column] is not None or any(row[name] is not None for name in personal))
    )
    parts = []
    for name in kind.key:
        value = row[name]
        if value is None:
            raise EvidenceError(f"{kind.kind}: key column {name} is NULL; a record without identity is a Gap")
        text = value if isinstance(value, str) else str(value)
        parts.append(keystore.subject(source, text).alias if about and name in personal else text)
    key = canonical.encode(parts).decode() if kind.key else None
    if not about or not (personal or named):
        return Split(dict(row), None, key)
    return Split(
        {name: value for name, value in row.items() if name not in personal},
        {name: row[name] for name in sorted(personal)},
        key,
    )


def owner(kind: type[Evidence], source: str, row: Mapping[str, Any], keystore: KeyStore, alias: str | None) -> Subject:
    """Whose the personal values of `row` are. Content for an erased alias is sealed under a key that nobody keeps.

    Raises:
        EvidenceError: the alias was never known here.
    """
    if alias is not None:
        key = keystore.key(alias)
        if key is None and not keystore.erased(alias):
            raise EvidenceError(
                f"no subject {alias} is known to the key store {keystore.path}",
                remedy="open the ledger with the key store that belongs to it",
            )
        return Subject(alias, key or secrets.token_bytes(32))
    identity = row[kind.subject_column] if kind.subject_column else None
    return keystore.one_off(source) if identity is None else keystore.subject(source, str(identity))
