"""A ledger file from an export. Format: schemas/ledger.md §13.

Nothing is taken on trust: leaves, tiles, roots, tree heads and columns are computed from the lines, and what the export
says of them is compared. Signatures over time, sets and columns are what the verifier checks on the new file; here the
manifest and the newest checkpoint must carry the key that the manifest names.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from compliance.ledger import folder, rewrite
from compliance.ledger.line import MAX_LINE
from compliance.ledger.note import open_note, signed_text
from compliance.ledger.restart import columns
from compliance.ledger.store import ENTRY, FORMAT
from compliance.ledger.tree import Edge, Tile, leaves
from compliance.schemas.errors import ComplianceError, IntegrityError, LedgerError, LedgerTooNew

_BATCH = 20_000
_LONGEST = 1 << 20  # of a line in a file that is not of entries
_ENTRY_FILES = "entries/"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the signed list of an export says."""

    folder: Path
    kind: str
    origin: str
    size: int
    root: bytes
    vkey: str
    files: dict[str, dict[str, Any]]
    problems: tuple[str, ...]

    def wrong(self, what: str) -> IntegrityError:
        """The error for something that is not as it was signed."""
        return IntegrityError(f"{self.folder}: {what}", remedy="get the folder again from where it came")


def read(place: Path) -> Manifest:
    """The manifest of an export, with every file compared with it.

    Raises:
        LedgerError: the folder is no export, or cannot be read.
        LedgerTooNew: it was written by a newer engine.
        IntegrityError: a signature or a file is not what the manifest says, or a file is missing or too many.
    """
    try:
        raw = (place / folder.MANIFEST).read_bytes()
        note = (place / folder.NOTE).read_text("utf-8")
    except FileNotFoundError as error:
        raise LedgerError(
            f"{place} is not a signed export: {Path(error.filename).name} is missing", remedy="correct the path"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerError(f"{place} cannot be read: {error}", remedy="correct the path or its rights") from error
    found = _parsed(place, raw)
    try:
        if signed_text(note, found.vkey) != folder.note_text(found.origin, raw):
            raise found.wrong("manifest.note signs another manifest")
    except IntegrityError as error:
        raise found.wrong(error.message) from error
    _compare_files(found)
    return found


def _parsed(place: Path, raw: bytes) -> Manifest:
    try:
        value = orjson.loads(raw)
        if value["format"] != folder.FORMAT:
            raise LedgerTooNew(f"{place} has the form {value['format']} of exports", remedy="upgrade the engine")
        found = Manifest(
            place,
            str(value["kind"]),
            str(value["origin"]),
            int(value["size"]),
            bytes.fromhex(value["root"]),
            str(value["vkey"]),
            {str(path): {"bytes": item["bytes"], "sha256": item["sha256"]} for path, item in value["files"].items()},
            tuple(value.get("problems", ())),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise LedgerError(f"{place}: its manifest is not one: {error}", remedy="correct the path") from error
    if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) != raw or not all(map(folder.valid, found.files)):
        raise found.wrong("its manifest is not in canonical form, or names a path outside it")
    return found


def _compare_files(manifest: Manifest) -> None:
    there = set(_walk(manifest.folder, "")) - {folder.MANIFEST, folder.NOTE}
    for path in sorted(manifest.files.keys() - there):
        raise manifest.wrong(f"{path} is missing")
    for path in sorted(there - manifest.files.keys()):
        raise manifest.wrong(f"{path} does not belong to it")
    for path, said in manifest.files.items():
        with (manifest.folder / path).open("rb") as file:
            if (
                os.fstat(file.fileno()).st_size != said["bytes"]
                or file_digest(file, "sha256").hexdigest() != said["sha256"]
            ):
                raise manifest.wrong(f"{path} is not the file that the manifest names")


def _walk(place: Path, below: str) -> Iterator[str]:
    for item in sorted(place.iterdir()):
        if item.is_symlink() or not (item.is_dir() or item.is_file()):
            raise IntegrityError(f"{item} is neither a file nor a folder", remedy="get the folder again")
        if item.is_dir():
            yield from _walk(item, f"{below}{item.name}/")
        else:
            yield below + item.name


def build(manifest: Manifest, target: Path, *, check: rewrite.Check) -> None:
    """Make the ledger file that this export was made from at `target`. `check` is given the new file before it gets its
    name.

    Raises:
        ConfigError: there is something at `target`.
        LedgerError: it cannot be imported: no personal content, or it says itself that it does not verify.
        IntegrityError: lines, tiles, checkpoints and root do not fit each other.
        StorageFull: no space; nothing is left.
    """
    if manifest.problems:
        raise LedgerError(
            f"{manifest.folder} was exported as it was, of a ledger that does not verify: {manifest.problems[0]}",
            remedy="it is for investigators; import an export that verifies",
        )
    if manifest.kind != "export" or "personal.ndjson" not in manifest.files:
        raise LedgerError(
            f"{manifest.folder} is a {manifest.kind} without personal content: no ledger can be made of it",
            remedy="import what `compliance ledger export` wrote",
        )
    with rewrite.appearing(target) as fresh:
        with rewrite.filling(fresh) as connection:
            _Import(manifest, connection).run()
        check(fresh)


class _Import:
    def __init__(self, manifest: Manifest, connection: duckdb.DuckDBPyConnection) -> None:
        self._manifest = manifest
        self._db = connection
        self._edge = Edge()
        self._tiles: set[str] = set()
        self._heads: list[dict[str, Any]] = []

    def run(self) -> None:
        manifest, db = self._manifest, self._db
        db.execute("INSERT INTO fresh.meta VALUES ('format', ?), ('origin', ?)", [str(FORMAT), manifest.origin])
        notes = self._checkpoints()
        checkpoint = next(notes, None)
        for batch in _batches(self._lines()):
            rows = self._rows(batch)
            rewrite.insert(db, "entry", pa.Table.from_pylist(rows, ENTRY))
            done = 0
            while checkpoint is not None and checkpoint[0] <= rows[-1]["seq"] + 1:
                upto = checkpoint[0] - rows[0]["seq"]
                self._grow(batch[done:upto])
                done = upto
                self._head(*checkpoint, rows[upto - 1]["at"])
                checkpoint = next(notes, None)
            self._grow(batch[done:])
        self._finish(checkpoint)
        self._personal()

    def _lines(self) -> Iterator[bytes]:
        for path in sorted(path for path in self._manifest.files if path.startswith(_ENTRY_FILES)):
            yield from self._file(path, MAX_LINE, packed=True)

    def _file(self, path: str, longest: int, *, packed: bool = False) -> Iterator[bytes]:
        """The lines of a file, without their line feeds."""
        try:
            with (gzip.open if packed else open)(self._manifest.folder / path, "rb") as file:
                while line := file.readline(longest + 2):
                    if not line.endswith(b"\n"):
                        raise self._manifest.wrong(f"{path} has a line that is too long or does not end")
                    yield line[:-1]
        except (OSError, EOFError, zlib.error) as error:
            raise self._manifest.wrong(f"{path} cannot be read: {error}") from error

    def _rows(self, batch: list[bytes]) -> list[dict[str, Any]]:
        seq = self._edge.size
        try:
            rows = []
            for seq, line in enumerate(batch, seq):  # noqa: B020 -- told in the error
                rows.append(row := columns(line.decode()))
                if row["seq"] != seq:
                    raise ValueError(f"its line has the number {row['seq']}")
            return rows
        except (ValueError, KeyError, TypeError, ComplianceError) as error:
            raise IntegrityError(f"{self._manifest.folder}: entry {seq}: {error}", seq=seq) from error

    def _grow(self, lines: list[bytes]) -> None:
        full = self._edge.extend(leaves(self._edge.last_leaf, lines))
        for tile in full:
            path = folder.tile_path(tile.level, tile.n)
            try:
                same = (self._manifest.folder / path).read_bytes() == tile.hashes
            except OSError:
                same = False
            if not same:
                raise self._manifest.wrong(f"{path} is missing, or not the tile that the lines give")
            self._tiles.add(path)
        self._keep(full)

    def _keep(self, tiles: list[Tile]) -> None:
        for start in range(0, len(tiles), 1_000):
            part = tiles[start : start + 1_000]
            arrays = [
                pa.array([tile.level for tile in part], pa.int32()),
                pa.array([tile.n for tile in part], pa.int64()),
                pa.array([tile.hashes for tile in part], pa.binary()),
            ]
            rewrite.insert(self._db, "tile", pa.table(arrays, names=["level", "n", "hashes"]))

    def _head(self, size: int, note: str, at: datetime) -> None:
        root = self._edge.root()
        if _stated(note) != (self._manifest.origin, str(size), folder.base64_text(root)):
            raise self._manifest.wrong(f"the checkpoint of {size} entries is not about the root that the lines give")
        self._heads.append({"size": size, "note": note, "root": root, "last_leaf": self._edge.last_leaf, "at": at})
        if len(self._heads) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        if self._heads:
            heads = pa.Table.from_pylist(self._heads, _HEAD)
            rewrite.insert(self._db, "head", heads.select(["size", "root", "last_leaf", "at"]))
            rewrite.insert(self._db, "checkpoint", heads.select(["size", "note"]))
        self._heads = []

    def _checkpoints(self) -> Iterator[tuple[int, str]]:
        before = 0
        for line in self._file("checkpoints.ndjson", _LONGEST):
            size, note = _members(self._manifest, line, "size", "note")
            if type(size) is not int or type(note) is not str or size <= before:
                raise self._manifest.wrong("checkpoints.ndjson is not in the order of sizes")
            before = size
            yield size, note

    def _finish(self, checkpoint: tuple[int, str] | None) -> None:
        manifest = self._manifest
        newest = self._heads[-1] if self._heads else None
        self._flush()
        if checkpoint is not None:
            raise manifest.wrong(f"a checkpoint names {checkpoint[0]} entries; {self._edge.size} are there")
        if newest is None or newest["size"] != self._edge.size:
            raise manifest.wrong("its last checkpoint does not cover all entries")
        if (self._edge.size, self._edge.root()) != (manifest.size, manifest.root):
            raise manifest.wrong("its lines do not give the size and root that the manifest names")
        spare = {path for path in manifest.files if path.startswith("tile/")} - self._tiles
        if spare:
            raise manifest.wrong(f"{min(spare)} is not a tile of {self._edge.size} entries")
        try:
            note = (manifest.folder / "checkpoint").read_text("utf-8")
            open_note(note, manifest.vkey)
        except (OSError, UnicodeDecodeError, IntegrityError) as error:
            raise manifest.wrong(f"its newest checkpoint does not carry the key {manifest.vkey}: {error}") from error
        if note != newest["note"]:
            raise manifest.wrong("its file checkpoint is not the last note of checkpoints.ndjson")

    def _personal(self) -> None:
        for batch in _batches(self._file("personal.ndjson", _LONGEST)):
            rows = []
            for line in batch:
                seq, subject, content = _members(self._manifest, line, "seq", "subject", "content")
                try:
                    rows.append({"seq": seq, "subject": subject, "content": base64.b64decode(content, validate=True)})
                except (binascii.Error, TypeError) as error:
                    raise self._manifest.wrong(f"personal.ndjson: entry {seq}: {error}") from error
            rewrite.insert(self._db, "personal", pa.Table.from_pylist(rows, _PERSONAL))


_HEAD = pa.schema(
    [
        ("size", pa.int64()),
        ("note", pa.string()),
        ("root", pa.binary()),
        ("last_leaf", pa.binary()),
        ("at", pa.timestamp("us")),
    ]
)
_PERSONAL = pa.schema([("seq", pa.int64()), ("subject", pa.string()), ("content", pa.binary())])


def _batches(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for line in lines:
        batch.append(line)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _members(manifest: Manifest, line: bytes, *names: str) -> list[Any]:
    try:
        value = orjson.loads(line)
        if set(value) != set(names):
            raise ValueError(f"not the members {', '.join(names)}")
        return [value[name] for name in names]
    except (ValueError, TypeError) as error:
        raise manifest.wrong(f"a line is not what it should be: {error}") from error


def _stated(note: str) -> tuple[str, ...]:
    """Origin, size and root of a checkpoint, as text; its signature is checked elsewhere."""
    return tuple(note.split("\n")[:3])
