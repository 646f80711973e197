"""Sealed segments: entries that lie outside the ledger file, and where every check reads its rows from.

Checks read entries and personal content from the views `memory.checked.entry` and `memory.checked.personal`: the file's
own rows, and those of its segments. What was not given is named as not checked, never left out in silence.
Format: schemas/ledger.md §14.
"""

# ruff: noqa: S608 -- SQL is put together from our own names, numbers and escaped paths
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import duckdb
import orjson

from compliance.schemas.errors import ConfigError, IntegrityError
from compliance.verify.note import BadNote, Verifier
from compliance.verify.result import KeyTerm, Verification
from compliance.verify.schema import TABLES
from compliance.verify.tree import EMPTY, TILE, Growing

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])\Z")
FILES = {
    "entries.parquet": TABLES["entry"],
    "personal.parquet": TABLES["personal"],
    "tiles.parquet": TABLES["tile"],
    "checkpoints.parquet": TABLES["checkpoint"],
}
_BELONGING = frozenset({*FILES, "manifest.json", "manifest.note"})
_MANIFEST = {
    "created_at": str,
    "files": dict,
    "first_previous": str,
    "format": int,
    "before": list,
    "hi": int,
    "keys": list,
    "kind": str,
    "last_leaf": str,
    "lo": int,
    "month": str,
    "origin": str,
    "root": str,
    "vkey": str,
}
_DROPPED = {"month": str, "lo": int, "hi": int, "manifest_sha256": str}


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment with what its manifest says. `before` are the unfinished tiles of every level before entry `lo`,
    `keys` the signing keys up to the day of sealing."""

    folder: Path
    manifest: dict[str, Any]
    sha256: str
    month: str
    lo: int
    hi: int
    before: list[list[bytes]]
    keys: list[KeyTerm]

    def __str__(self) -> str:
        return f"segment {self.month} (entries {self.lo} to {self.hi - 1})"


@dataclass(slots=True)
class Source:
    """Where the entries of a ledger are: numbers from `start` on in its file, those before in segments.

    `changes` are the lines of changes of key before `start`, `known` the leaves before it in the tile that it lies in;
    `absent` are ranges of numbers whose entries cannot be read at all.
    """

    start: int = 0
    genesis: str | None = None
    changes: list[str] = field(default_factory=list)
    known: list[bytes] = field(default_factory=list)
    dropped: list[dict[str, Any]] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    absent: list[tuple[int, int]] = field(default_factory=list)

    def kept_lines(self) -> list[tuple[int, str]]:
        """Number and line of every entry before the first that the file keeps the line of."""
        first = [] if self.genesis is None else [(0, self.genesis)]
        return first + [(_seq(line), line) for line in self.changes]

    def lacks(self, seq: int) -> bool:
        """The entry of this number lies in a segment that is not there."""
        return any(low <= seq < high for low, high in self.absent)


def source_of(meta: Mapping[str, str]) -> Source:
    """What `meta` says of a file's first entries. Raises IntegrityError when a file of format 2 does not say it."""
    if meta.get("format") != "2":
        return Source()
    try:
        start, leaves = int(meta["start"]), bytes.fromhex(meta["leaves"])
        dropped: list[dict[str, Any]] = orjson.loads(meta["segments"])
        changes: list[str] = orjson.loads(meta["keys"])
        fits = all(type(line) is str for line in changes) and all(
            _shaped(item, _DROPPED) and MONTH.match(item["month"]) for item in dropped
        )
        bounds = [0, *(item["hi"] for item in dropped)]
        if not fits or start < 1 or bounds[-1] != start or [item["lo"] for item in dropped] != bounds[:-1]:
            raise ValueError("segments and start do not fit")
        numbers = [_seq(line) for line in changes]
        if numbers != sorted(set(numbers)) or not all(0 < seq < start for seq in numbers):
            raise ValueError("keys and start do not fit")
        if len(leaves) != 32 * (start % TILE):
            raise ValueError("leaves and start do not fit")
    except (KeyError, ValueError, TypeError) as error:
        raise IntegrityError(
            f"table meta does not say where the ledger's first entries are: {error}",
            remedy="keep a copy of the file, then restore the newest backup that verifies",
        ) from error
    return Source(start, meta.get("genesis"), changes, _split(leaves), dropped)


def find(source: Source, folder: Path | None, result: Verification) -> None:
    """Find the segments that a file needs; name those that are missing or not the ones that it dropped."""
    if not source.dropped:
        return
    if folder is None:
        source.absent.append((0, source.start))
        result.unchecked.append(
            f"entries 0 to {source.start - 1} were not checked: they lie in segments, which were not given"
        )
        return
    for item in source.dropped:
        about = f"segment {item['month']} (entries {item['lo']} to {item['hi'] - 1})"
        try:
            segment = read(folder / item["month"])
            columns(segment)
        except IntegrityError as error:
            result.add(item["lo"], f"{about} is missing or cannot be read: {error.message}", item["hi"] - 1)
            source.absent.append((item["lo"], item["hi"]))
            continue
        if segment.sha256 != item["manifest_sha256"]:
            result.add(item["lo"], f"{about} in {folder} is not the one that was dropped", item["hi"] - 1)
        if (segment.lo, segment.hi) == (item["lo"], item["hi"]):
            source.segments.append(segment)
        else:
            source.absent.append((item["lo"], item["hi"]))


def read(folder: Path) -> Segment:
    """The segment in `folder`, by its manifest. Raises IntegrityError when there is none of the format."""
    try:
        raw = (folder / "manifest.json").read_bytes()
        manifest = orjson.loads(raw)
        if not _shaped(manifest, _MANIFEST) or raw != orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS):
            raise ValueError("manifest.json is not a manifest")
        lo, hi = manifest["lo"], manifest["hi"]
        before = [_split(bytes.fromhex(level)) for level in manifest["before"]]
        keys = [KeyTerm(term["from"], term["vkey"], term["action"]) for term in manifest["keys"]]
        starts = [term.start for term in keys]
        if not keys or starts != sorted(set(starts)) or keys[-1].vkey != manifest["vkey"]:
            raise ValueError("its keys do not follow each other")
        for term in keys:
            Verifier(term.vkey)
        for text in ("first_previous", "last_leaf", "root"):
            if len(bytes.fromhex(manifest[text])) != 32:
                raise ValueError(f"{text} is not a hash")
        if (
            (manifest["format"], manifest["kind"]) != (1, "segment")
            or not MONTH.match(manifest["month"])
            or not 0 <= lo < hi
            or [len(level) for level in before] != _edge_widths(lo)
            or set(manifest["files"]) != set(FILES)
        ):
            raise ValueError("its manifest does not fit itself")
    except OSError as error:
        raise IntegrityError(f"{folder}: {error.strerror}", remedy="bring back the segment") from error
    except (ValueError, TypeError, KeyError, ConfigError) as error:
        raise IntegrityError(f"{folder} is not a segment: {error}", remedy="bring back the segment") from error
    return Segment(folder, manifest, sha256(raw).hexdigest(), manifest["month"], lo, hi, before, keys)


def read_all(folder: Path) -> list[Segment]:
    """Every segment in `folder`, by number. Raises IntegrityError for one that cannot be read."""
    try:
        months = sorted(path for path in folder.iterdir() if MONTH.match(path.name))
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}", remedy="give the folder that holds the segments") from error
    if not months:
        raise ConfigError(f"there are no segments in {folder}", remedy="give the folder that holds the segments")
    return sorted((read(path) for path in months), key=lambda segment: segment.lo)


def segments_origin(folder: Path) -> str:
    """The origin that the first segment in a folder, or the segment that is the folder, names; nothing is checked."""
    one = (folder / "manifest.json").exists()
    return str((read(folder) if one else read_all(folder)[0]).manifest["origin"])


def segments_key(folder: Path) -> str:
    """The key that the newest segment in a folder says it is signed with; nothing is checked. Raises IntegrityError."""
    return str(read_all(folder)[-1].manifest["vkey"])


def segment_key(folder: Path) -> str:
    """The key that the manifest of one segment says it is signed with; nothing is checked. Raises IntegrityError."""
    return str(read(folder).manifest["vkey"])


def columns(segment: Segment) -> None:
    """Raise IntegrityError unless every file of a segment can be opened and has the columns of its table."""
    for name, wanted in FILES.items():
        try:
            with duckdb.connect(":memory:") as db:
                rows = db.execute(f"DESCRIBE SELECT * FROM {parquet([segment], name)}").fetchall()
        except duckdb.Error as error:
            raise IntegrityError(f"{segment.folder / name} cannot be read: {str(error).strip()}") from error
        if [(row[0], row[1]) for row in rows] != list(wanted.items()):
            raise IntegrityError(f"{segment.folder / name} has other columns than the format")


def check_files(segment: Segment, keys: Sequence[KeyTerm], result: Verification) -> None:
    """The signature of the manifest by one of the ledger's `keys`, and the digest of every file."""
    manifest = segment.manifest
    try:
        note = (segment.folder / "manifest.note").read_text("utf-8")
        text = Verifier(manifest["vkey"]).text(note)
        if text != f"compliance-engine/manifest/v1\n{manifest['origin']}\n{segment.sha256}\n":
            raise BadNote("it is about another manifest")
        if segment.keys != list(keys[: len(segment.keys)]):
            raise BadNote(f"its keys, the last {manifest['vkey']}, are not the keys of the ledger")
        if manifest["origin"] != result.origin:
            raise BadNote(f"it belongs to the ledger {manifest['origin']!r}")
    except (OSError, UnicodeDecodeError, ConfigError, BadNote) as error:
        result.add(segment.lo, f"{segment}: manifest.note: {error}", segment.hi - 1, derived=True)
    for name, stated in sorted(manifest["files"].items()):
        try:
            with (segment.folder / name).open("rb") as file:
                same = file_digest(file, "sha256").hexdigest() == stated["sha256"]
        except OSError:
            same = False
        if not same:
            result.add(segment.lo, f"{segment}: {name} is not what its manifest names", segment.hi - 1, derived=True)
    for path in sorted(segment.folder.iterdir()):
        if path.name not in _BELONGING:
            what = f"{segment}: {path.name} does not belong into a segment: nothing vouches for it"
            result.add(segment.lo, what, segment.hi - 1, derived=True)


def check_tables(db: duckdb.DuckDBPyConnection, segments: Sequence[Segment], result: Verification) -> None:
    """The tiles and checkpoints of segments are those of the ledger file, neither more nor fewer."""
    for segment in segments:
        lo, hi = segment.lo, segment.hi
        end = "(n + 1) * (256::HUGEINT ** (level + 1))::HUGEINT"
        for name, table, where in (
            ("tiles.parquet", "tile", f"{end} > {lo} AND {end} <= {hi}"),
            ("checkpoints.parquet", "checkpoint", f"size > {lo} AND size <= {hi}"),
        ):
            one = f"(SELECT * FROM {parquet([segment], name)})"
            two = f"(SELECT * FROM stored.main.{table} WHERE {where})"
            query = f"SELECT count(*) FROM (({one} EXCEPT ALL {two}) UNION ALL ({two} EXCEPT ALL {one}))"
            differing = db.execute(query).fetchall()[0][0]
            if differing:
                result.add(lo, f"{segment}: {name} differs from the file in {differing} rows", hi - 1, derived=True)


def check_events(db: duckdb.DuckDBPyConnection, source: Source, result: Verification) -> None:
    """What `meta` says was dropped is what the signed entries say was dropped."""
    if not source.dropped:
        return
    told = set()
    for (line,) in db.execute("SELECT line FROM memory.checked.entry WHERE kind = 'segment_event'").fetchall():
        try:
            record = orjson.loads(line)["record"]
            if record["action"] == "drop":
                told.add((record["month"], record["lo"], record["hi"], record["manifest_sha256"]))
        except (orjson.JSONDecodeError, KeyError, TypeError):
            continue  # the line itself is named elsewhere
    for n, item in enumerate(source.dropped):
        # the entry may itself lie in a segment that is not there; that of the newest month lies in the file
        found = (item["month"], item["lo"], item["hi"], item["manifest_sha256"]) in told
        if not found and (not source.absent or n == len(source.dropped) - 1):
            result.add(item["lo"], f"no entry says that {item['month']} was dropped with this manifest", item["hi"] - 1)


def key_events(db: duckdb.DuckDBPyConnection, source: Source, result: Verification) -> list[tuple[int, str]]:
    """Number and line of every entry that may change the key, from the entries; of entries that are not there, those
    that the file keeps. A checkpoint of its own size, with both signatures, speaks for each of these."""
    rows: list[tuple[int, str]] = db.execute(
        "SELECT seq, line FROM memory.checked.entry WHERE kind = 'key_event' AND line IS NOT NULL ORDER BY seq"
    ).fetchall()
    kept = [(_seq(line), line) for line in source.changes]
    if not source.absent:
        told = [(seq, line) for seq, line in rows if seq < source.start and _changes_key(line)]
        if told != kept:
            result.add(None, "meta names other changes of key than the entries before its first")
        return rows
    return sorted({*kept, *rows})


def _seq(line: str) -> int:
    with suppress(orjson.JSONDecodeError, KeyError, TypeError):
        return int(orjson.loads(line)["seq"])
    return 0


def _changes_key(line: str) -> bool:
    with suppress(orjson.JSONDecodeError, KeyError, TypeError):
        return orjson.loads(line)["record"]["action"] in ("rotate", "replace")
    return False


def lay(db: duckdb.DuckDBPyConnection, segments: Sequence[Segment]) -> None:
    """Make the views that every check reads, over `stored` and these segments."""
    db.execute("CREATE SCHEMA IF NOT EXISTS memory.checked")
    for name, file in (("entry", "entries.parquet"), ("personal", "personal.parquet")):
        sealed = f"SELECT * FROM {parquet(segments, file)} UNION ALL " if segments else ""
        view = f"CREATE OR REPLACE VIEW memory.checked.{name} AS {sealed}SELECT * FROM stored.main.{name}"
        db.execute(view)


def stand_in(db: duckdb.DuckDBPyConnection, segments: Sequence[Segment]) -> None:
    """Attach a catalog `stored` that holds what these segments hold and no file does."""
    db.execute("ATTACH ':memory:' AS stored")
    for name in ("entry", "personal", "head"):
        fields = ", ".join(f'"{column}" {kind}' for column, kind in TABLES[name].items())
        db.execute(f"CREATE TABLE stored.main.{name}({fields})")
    for name, file in (("tile", "tiles.parquet"), ("checkpoint", "checkpoints.parquet")):
        db.execute(f"CREATE VIEW stored.main.{name} AS SELECT * FROM {parquet(segments, file)}")
    lay(db, segments)
    for segment in segments:
        db.execute(
            'INSERT INTO stored.main.head SELECT ?, ?, ?, "at" FROM memory.checked.entry WHERE seq = ?',
            [
                segment.hi,
                bytes.fromhex(segment.manifest["root"]),
                bytes.fromhex(segment.manifest["last_leaf"]),
                segment.hi - 1,
            ],
        )


def follow(segments: Sequence[Segment], result: Verification) -> None:
    """Every segment goes on where the one before it ended, with its leaf and its root."""
    previous: Segment | None = None
    for segment in segments:
        stated = bytes.fromhex(segment.manifest["first_previous"])
        root = _root(segment)
        if segment.lo == 0:
            fits = stated == bytes(32)
        elif previous is None:
            fits = True  # nothing is given to compare it with
        else:
            fits = (
                segment.lo == previous.hi
                and segment.month > previous.month
                and stated.hex() == previous.manifest["last_leaf"]
                and root.hex() == previous.manifest["root"]
            )
        if segment.before and segment.before[0]:
            fits = fits and segment.before[0][-1] == stated
        if not fits:
            result.add(segment.lo, f"{segment} does not follow the one before it", segment.hi - 1, derived=True)
        previous = segment


def _root(segment: Segment) -> bytes:
    tree = Growing.after(segment.lo, segment.before, lambda level, n, hashes: None)
    if segment.before and segment.before[0]:
        tree.add(b"".join(segment.before[0]))
    return tree.root(segment.lo) if segment.lo else EMPTY


def parquet(segments: Sequence[Segment], name: str) -> str:
    """SQL that reads this file of segments."""
    quoted = (str((segment.folder / name).absolute()).replace("'", "''") for segment in segments)
    return "read_parquet([" + ", ".join(f"'{path}'" for path in quoted) + "])"


def _shaped(value: Any, shape: Mapping[str, type]) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == set(shape)
        and all(type(value[name]) is kind for name, kind in shape.items())
    )


def _split(hashes: bytes) -> list[bytes]:
    if len(hashes) % 32:
        raise ValueError("hashes are 32 bytes each")
    return [hashes[i : i + 32] for i in range(0, len(hashes), 32)]


def _edge_widths(size: int) -> list[int]:
    widths = []
    while size:
        widths.append(size % TILE)
        size //= TILE
    return widths
