"""The ledger file from its segments alone: what is left when the file is lost. Format: schemas/ledger.md §14.

The segments were verified before by somebody who shares no code with the writer; the file that comes out is verified
again. What was recorded after the last sealed month is not in them, and nothing here pretends otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from compliance.ledger import restart, rewrite
from compliance.ledger.segments import MONTH
from compliance.ledger.store import FORMAT, Store, storage_errors
from compliance.schemas.errors import IntegrityError, LedgerError

_TABLES = {
    "entries.parquet": "entry",
    "personal.parquet": "personal",
    "tiles.parquet": "tile",
    "checkpoints.parquet": "checkpoint",
}


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the new file holds: `size` entries up to the end of `month`, with this root."""

    origin: str
    month: str
    size: int
    root: bytes


def rebuild(folder: Path, target: Path, *, check: rewrite.Check, expect: tuple[int, bytes] | None = None) -> Rebuilt:
    """Make a ledger file at `target` of the segments in `folder`. `expect` is a size and the root that an anchor or a
    report names at it.

    Raises:
        ConfigError: there is something at `target`.
        LedgerError: there are no segments, or they end before the size that is expected.
        IntegrityError: they do not follow each other, the root is another one, or `check` refuses the new file.
        StorageFull: no space; nothing is left at `target`.
    """
    months = sorted(path for path in folder.iterdir() if MONTH.match(path.name)) if folder.is_dir() else []
    if not months:
        raise LedgerError(f"there are no segments in {folder}", remedy="give the folder that holds the months")
    manifests = [orjson.loads((month / "manifest.json").read_bytes()) for month in months]
    ends = [0, *(manifest["hi"] for manifest in manifests)]
    for month, manifest, end in zip(months, manifests, ends[:-1], strict=True):
        if manifest["lo"] != end or manifest["origin"] != manifests[0]["origin"]:
            raise IntegrityError(
                f"segment {month.name} begins with entry {manifest['lo']} of {manifest['origin']}, the one before it "
                f"ends with entry {end - 1} of {manifests[0]['origin']}",
                seq=end,
                remedy="bring the missing months back; a ledger is rebuilt from all of them or not at all",
            )
    last = manifests[-1]
    with rewrite.appearing(target) as fresh:
        with rewrite.filling(fresh) as db:
            meta = [("format", str(FORMAT)), ("origin", last["origin"])]
            rewrite.insert(db, "meta", pa.table(list(zip(*meta, strict=True)), names=["name", "value"]))
            for month in months:
                for name, table in _TABLES.items():
                    with storage_errors(month / name), pq.ParquetFile(month / name) as file:
                        for batch in file.iter_batches(65_536):
                            rewrite.insert(db, table, pa.Table.from_batches([batch]))
            db.execute(
                'INSERT INTO fresh.head SELECT ?, ?, ?, "at" FROM fresh.entry WHERE seq = ?',
                [last["hi"], bytes.fromhex(last["root"]), bytes.fromhex(last["last_leaf"]), last["hi"] - 1],
            )
        if expect:
            _expected(fresh, *expect)
        check(fresh)
    return Rebuilt(last["origin"], months[-1].name, last["hi"], bytes.fromhex(last["root"]))


def _expected(fresh: Path, size: int, root: bytes) -> None:
    store = Store.read(fresh)
    try:
        head = store.head()
        held = head.size if head else 0
        if head is None or size > held:
            raise LedgerError(
                f"the segments hold {held} entries; a root at {size} cannot be compared",
                remedy="give a size and root from before the end of the last sealed month, or bring the newer segments",
            )
        found = restart.edge_at(store, restart.load_edge(store, head), size).root()
    finally:
        store.close()
    if found != root:
        raise IntegrityError(
            f"the segments give the root {found.hex()} at {size} entries, not {root.hex()}: it is another history",
            remedy="keep both; find out which of them was changed before anything is rebuilt",
        )
