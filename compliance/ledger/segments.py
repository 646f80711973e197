"""Sealed segments as a reader of the ledger needs them: which months lie outside the file, and that they are there.

A ledger file whose first months were dropped names them in `meta`, with the digest of each manifest. Format:
schemas/ledger.md §14.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from compliance.schemas.errors import IntegrityError

FOLDER = "compliance-segments"  # beside the ledger file, unless another place is configured
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])\Z")
FILES = ("entries.parquet", "personal.parquet", "tiles.parquet", "checkpoints.parquet")


def beside(path: Path) -> Path:
    """The folder of segments of the ledger at `path`, when none is configured."""
    return path.with_name(FOLDER)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A month whose entries are no longer in the file: `lo` ≤ number < `hi`, and the digest of its manifest."""

    month: str
    lo: int
    hi: int
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class Cut:
    """What a file without its first entries says of them (meta rows of format 2)."""

    start: int
    genesis: str  # line of entry 0
    keys: tuple[str, ...]  # lines of the entries before `start` that change the signing key
    leaves: bytes  # of the entries before `start` in the tile that it lies in
    dropped: tuple[Dropped, ...]

    @classmethod
    def of_meta(cls, meta: Mapping[str, str]) -> Cut:
        """Raises ValueError, KeyError or TypeError when rows are missing or do not fit each other."""
        start, leaves = int(meta["start"]), bytes.fromhex(meta["leaves"])
        dropped = tuple(Dropped(**item) for item in orjson.loads(meta["segments"]))
        keys = tuple(orjson.loads(meta["keys"]))
        bounds = [0, *(item.hi for item in dropped)]
        if (
            start < 1
            or len(leaves) != 32 * (start % 256)
            or [item.lo for item in dropped] != bounds[:-1]
            or bounds[-1] != start
            or not all(MONTH.match(item.month) and item.lo < item.hi for item in dropped)
        ):
            raise ValueError("the rows start, leaves and segments do not fit each other")
        return cls(start, meta["genesis"], keys, leaves, dropped)

    def meta(self) -> dict[str, str]:
        """The rows of `meta` that say this."""
        segments = orjson.dumps([asdict(item) for item in self.dropped], option=orjson.OPT_SORT_KEYS).decode()
        return {
            "start": str(self.start),
            "genesis": self.genesis,
            "keys": orjson.dumps(self.keys).decode(),
            "leaves": self.leaves.hex(),
            "segments": segments,
        }


def needed(folder: Path, dropped: Sequence[Dropped]) -> list[Path]:
    """The folders of these segments, each with the manifest that was recorded and files of the sizes it names.

    Raises:
        IntegrityError: one is missing or was changed. Entries would be missing from every answer.
    """
    return [_checked(folder / item.month, item) for item in dropped]


def _checked(folder: Path, item: Dropped) -> Path:
    about = f"segment {item.month} (entries {item.lo} to {item.hi - 1}), which the ledger needs,"
    try:
        raw = (folder / "manifest.json").read_bytes()
    except OSError as error:
        raise IntegrityError(
            f"{about} is not in {folder.parent}: {error.strerror}",
            seq=item.lo,
            remedy="mount or correct the folder, [ledger] segments = …, or bring the segment back from a copy of it",
        ) from error
    if sha256(raw).hexdigest() != item.manifest_sha256:
        raise _changed(about, folder, item, "its manifest.json is not the one that was recorded")
    for name, stated in sorted(orjson.loads(raw)["files"].items()):
        try:
            size = (folder / name).stat().st_size
        except OSError as error:
            raise _changed(about, folder, item, f"{name} cannot be read: {error.strerror}") from error
        if size != stated["bytes"]:
            raise _changed(about, folder, item, f"{name} has {size} bytes, its manifest names {stated['bytes']}")
    return folder


def _changed(about: str, folder: Path, item: Dropped, what: str) -> IntegrityError:
    return IntegrityError(
        f"{about} was changed: {what}",
        seq=item.lo,
        remedy=f"keep {folder} as it is elsewhere, and put an unchanged copy of the segment in its place",
    )


def parquet(folders: Sequence[Path], name: str) -> str:
    """SQL that reads this file of segments, in order."""
    quoted = (str(folder / name).replace("'", "''") for folder in folders)
    return "read_parquet([" + ", ".join(f"'{path}'" for path in quoted) + "])"


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a segment. Raises OSError or ValueError when there is none."""
    found: dict[str, Any] = orjson.loads((folder / "manifest.json").read_bytes())
    return found
