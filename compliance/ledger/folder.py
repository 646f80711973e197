"""A folder of plain files that appears whole or not at all, with a signed list of what is in it.

Format: schemas/ledger.md §13. Files are written below another name beside the folder; the name comes when every one of
them, the manifest and its note are on the disk.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import orjson

from compliance.ledger.note import sync_folder
from compliance.schemas.errors import ConfigError, LedgerError, StorageFull

FORMAT = 1
MANIFEST = "manifest.json"
NOTE = "manifest.note"
NOTE_HEADER = "compliance-engine/manifest/v1"
# Letters that every file system, archive and shell leaves alone, and whose order is the same in every encoding.
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


class Writer(Protocol):
    """Where bytes go."""

    def write(self, data: bytes) -> object:
        """Add `data`."""
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """What a manifest says beside the files: see schemas/ledger.md §13. `problems` is empty for a ledger that holds."""

    kind: str
    origin: str
    size: int
    root: bytes
    vkey: str
    created_at: str
    problems: Sequence[str] = ()


class Folder:
    """A folder that is being written. Paths are relative, with `/`."""

    def __init__(self, partial: Path) -> None:
        self._partial = partial
        self._files: dict[str, dict[str, Any]] = {}
        self.sealed = False

    @contextmanager
    def file(self, path: str) -> Iterator[Writer]:
        """A new file at `path`. Raises LedgerError for a path that a manifest cannot name, or one that is taken."""
        if not valid(path) or path in self._files or path in (MANIFEST, NOTE):
            raise LedgerError(f"{path!r} cannot be the path of a file of an export, or is there twice")
        place = self._partial / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as raw:
            counted = _Counted(raw)
            yield counted
            raw.flush()
            os.fsync(raw.fileno())
        self._files[path] = {"bytes": counted.count, "sha256": counted.digest.hexdigest()}

    def put(self, path: str, content: bytes) -> None:
        """A new file at `path` with this content."""
        with self.file(path) as file:
            file.write(content)

    def seal(self, named: Named, sign: Callable[[str], str] | None) -> None:
        """Write the manifest, and its note when there is a key to sign it; the folder takes its name afterwards."""
        fields: dict[str, Any] = {
            "created_at": named.created_at,
            "files": self._files,
            "format": FORMAT,
            "kind": named.kind,
            "origin": named.origin,
            "root": named.root.hex(),
            "size": named.size,
            "vkey": named.vkey,
        }
        if named.problems:
            fields["problems"] = list(named.problems)
        manifest = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
        self._last(MANIFEST, manifest)
        if sign is not None:
            self._last(NOTE, sign(note_text(named.origin, manifest)).encode())
        self.sealed = True

    def _last(self, name: str, content: bytes) -> None:
        with (self._partial / name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


class _Counted:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.count = 0
        self.digest = sha256()

    def write(self, data: bytes) -> int:
        self._file.write(data)
        self.count += len(data)
        self.digest.update(data)
        return len(data)


@contextmanager
def new(target: Path) -> Iterator[Folder]:
    """A folder to fill; it gets the name `target` at the end when it was sealed, else it is gone.

    Raises:
        ConfigError: there is something at `target`.
        StorageFull: no space, or no right to write there; nothing half-written stays.
    """
    refuse(target)
    partial = target.with_name(f".{target.name}.partial")
    with writing(target):
        shutil.rmtree(partial, ignore_errors=True)  # what a kill left there
        partial.mkdir(parents=True)
        try:
            folder = Folder(partial)
            yield folder
            if not folder.sealed:
                raise LedgerError(f"{target}: a folder without a manifest must not appear")
            for place, _, _ in os.walk(partial):
                sync_folder(Path(place))
            refuse(target)
            partial.rename(target)
            sync_folder(target.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def refuse(target: Path) -> None:
    """Raise ConfigError when there is something at `target`."""
    if target.is_symlink() or target.exists():
        raise ConfigError(f"{target} exists", remedy="name a place where nothing is; nothing is ever overwritten")


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn errors of the system into ours."""
    try:
        yield
    except OSError as error:
        raise StorageFull(
            f"{target} cannot be written: {error.strerror or error}",
            remedy=f"free space in {target.parent} or give this user the right to write there; nothing was left behind",
        ) from error


class Gzip:
    """gzip with time 0 and no name, so that the same lines give the same bytes."""

    def __init__(self, file: Writer) -> None:
        self._file = file
        self._deflate = zlib.compressobj(6, zlib.DEFLATED, 31)

    def write(self, data: bytes) -> None:
        """Add `data`."""
        self._file.write(self._deflate.compress(data))

    def close(self) -> None:
        """Write what is left. The file stays open."""
        self._file.write(self._deflate.flush())


def valid(path: str) -> bool:
    """A manifest may name this path: relative, of plain letters, without hidden or empty parts."""
    return len(path) <= 200 and _PATH.fullmatch(path) is not None


def note_text(origin: str, manifest: bytes) -> str:
    """The text that `manifest.note` signs."""
    return f"{NOTE_HEADER}\n{origin}\n{sha256(manifest).hexdigest()}\n"


def tile_path(level: int, n: int) -> str:
    """The path of a full tile (c2sp.org/tlog-tiles): `tile/0/x001/234`."""
    groups = f"{n:,}".split(",")
    padded = [group.zfill(3) for group in groups]
    return f"tile/{level}/" + "/".join([*(f"x{group}" for group in padded[:-1]), padded[-1]])


def base64_text(content: bytes) -> str:
    """Base64 with padding (RFC 4648 §4)."""
    return base64.b64encode(content).decode()
