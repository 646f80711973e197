"""A ledger as plain files: lines, tiles, checkpoints, personal content. Format: schemas/ledger.md §13.

Everything is read and written in pieces, so memory does not grow with the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from compliance.ledger.folder import Folder, Gzip, base64_text, tile_path
from compliance.ledger.store import Store
from compliance.ledger.tree import Edge, leaves

IN_FILE = 100_000  # lines of one file
_PIECE = 20_000
_TILES = 1_000


class Exported(NamedTuple):
    """What was written: how many lines, and the root that they give."""

    size: int
    root: bytes


def entries(store: Store, folder: Folder) -> Exported:
    """Write every line, in the order of numbers. The root is recomputed from them; holes are not judged here."""
    edge = Edge()
    first, last = store.query("SELECT min(seq), max(seq) FROM whole.entry WHERE seq >= 0")[0]
    start = None if first is None else first - first % IN_FILE
    while start is not None and start <= last:
        with folder.file(f"entries/{start:012}.ndjson.gz") as file:
            packed = Gzip(file)
            for lines in _lines(store, start, start + IN_FILE):
                packed.write(b"\n".join(lines) + b"\n")
                edge.extend(leaves(edge.last_leaf, lines))
            packed.close()
        # the next file, over holes: a damaged number must not make us count through one
        found = store.query("SELECT min(seq) FROM whole.entry WHERE seq >= ?", [start + IN_FILE])[0][0]
        start = None if found is None else found - found % IN_FILE
    return Exported(edge.size, edge.root())


def _lines(store: Store, start: int, stop: int) -> Iterator[list[bytes]]:
    for low in range(start, stop, _PIECE):
        rows = store.table(
            "SELECT line FROM whole.entry WHERE seq >= ? AND seq < ? AND line IS NOT NULL ORDER BY seq",
            [low, min(low + _PIECE, stop)],
        )
        if len(rows):
            yield rows["line"].cast(pa.binary()).to_pylist()


def tiles(store: Store, folder: Folder) -> None:
    """Write every stored tile."""
    for (level,) in store.query("SELECT DISTINCT level FROM stored.tile WHERE level >= 0 ORDER BY level"):
        low: int | None = 0
        while low is not None:
            rows = store.query(
                "SELECT n, min(hashes) FROM stored.tile WHERE level = ? AND n >= ? AND n < ? GROUP BY n ORDER BY n",
                [level, low, low + _TILES],
            )
            for n, hashes in rows:
                folder.put(tile_path(level, n), bytes(hashes or b""))
            low = store.query("SELECT min(n) FROM stored.tile WHERE level = ? AND n >= ?", [level, low + _TILES])[0][0]


def checkpoints(store: Store, folder: Folder) -> None:
    """Write every stored checkpoint, and the newest one as a note of its own."""
    newest = ""
    with folder.file("checkpoints.ndjson") as file:
        for size, note in _pages(store, "size, note", "stored.checkpoint", "size"):
            newest = note
            file.write(_line({"note": note, "size": size}))
    folder.put("checkpoint", newest.encode())


def personal(store: Store, folder: Folder) -> None:
    """Write encrypted personal content, so that the export can be imported."""
    with folder.file("personal.ndjson") as file:
        for seq, subject, content in _pages(store, "seq, subject, content", "whole.personal", "seq"):
            encoded = None if content is None else base64_text(bytes(content))
            file.write(_line({"content": encoded, "seq": seq, "subject": subject}))


def _pages(store: Store, columns: str, table: str, by: str) -> Iterator[tuple[Any, ...]]:
    low = store.query(f"SELECT min({by}) FROM {table}")[0][0]  # noqa: S608 -- our own names
    while low is not None:
        yield from store.query(
            f"SELECT {columns} FROM {table} WHERE {by} >= ? AND {by} < ? ORDER BY ALL",  # noqa: S608
            [low, low + _PIECE],
        )
        low = store.query(f"SELECT min({by}) FROM {table} WHERE {by} >= ?", [low + _PIECE])[0][0]  # noqa: S608


def _line(value: dict[str, object]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) + b"\n"
