"""Personal content: there for every line that commits to it, and, where its key is given, what was committed to.

Format: schemas/ledger.md §8.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import duckdb
import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from compliance.verify.result import Verification

KeyOf = Callable[[str], bytes | None]


def erased(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Aliases whose erasure the ledger records: their content may be gone."""
    rows = connection.execute("SELECT line FROM memory.checked.entry WHERE kind = 'key_event'").fetchall()
    found = set()
    for (line,) in rows:
        try:
            record = orjson.loads(line)["record"]
            if record["action"] == "erase_subject":
                found.add(record["key_name"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            continue  # the line itself is named elsewhere
    return frozenset(found)


def check(
    connection: duckdb.DuckDBPyConnection,
    start: int,
    stop: int,
    gone: frozenset[str],
    key_of: KeyOf | None,
    result: Verification,
) -> None:
    """Check the personal content of entries `start` to before `stop`."""
    rows = connection.execute(
        "SELECT coalesce(e.seq, p.seq), e.subject, p.subject, p.content, e.line, "
        "count(*) OVER (PARTITION BY p.seq) FROM "
        "(SELECT seq, subject, line FROM memory.checked.entry WHERE seq >= $1 AND seq < $2 AND subject IS NOT NULL) e "
        "FULL JOIN (SELECT * FROM memory.checked.personal WHERE seq >= $1 AND seq < $2) p ON e.seq = p.seq ORDER BY 1",
        [start, stop],
    ).fetchall()
    for seq, alias, subject, content, line, times in rows:
        if alias is None:
            result.add(seq, "personal content lies beside an entry that has none")
        elif content is None:
            if alias not in gone:
                result.add(seq, f"its personal content is missing, and no erasure of {alias} is recorded")
        elif alias != subject or times > 1:
            result.add(seq, "its personal content names another subject, or is there twice")
        elif key_of is not None:
            _open(seq, alias, bytes(content), line, key_of, result)
            if alias not in gone and key_of(alias) is None:
                result.personal_closed += 1
            if alias in gone and key_of(alias) is not None:
                result.add(seq, f"its subject {alias} was erased, but an old copy of the key store still opens it")


def _open(seq: int, alias: str, content: bytes, line: str, key_of: KeyOf, result: Verification) -> None:
    key = key_of(alias)
    if key is None:
        return
    result.personal_checked += 1
    try:
        clear = AESGCM(key).decrypt(content[:12], content[12:], f"{result.origin}\n{seq}".encode())
        same = orjson.loads(line)["personal"]["commitment"] == sha256(clear).hexdigest()
    except (InvalidTag, ValueError, KeyError, TypeError):
        same = False
    if not same:
        result.add(seq, "its personal content is not what its line commits to")
