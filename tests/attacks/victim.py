"""A ledger to attack: what an insider finds on the machine, and what somebody outside kept."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance.ledger import Draft, Keys, tree
from compliance.ledger.note import format_vkey
from tests.ledger.places import ORIGIN, Place, account, given, verdict

SIZE = 700  # two full tiles and an unfinished one
EARLIER = 400  # what somebody else kept copies of, and what a backup still holds


@dataclass(frozen=True)
class Victim:
    """A machine with a ledger; `earlier` is a backup of all of it, `kept` the checkpoints that somebody outside has."""

    folder: Path
    kept: tuple[str, ...]

    @property
    def place(self) -> Place:
        return Place(self.folder / "now")

    @property
    def earlier(self) -> Place:
        return Place(self.folder / "earlier")

    @property
    def key(self) -> Keys:
        """The private key: stolen."""
        return Keys.open(self.place.folder / "keys", ORIGIN, create=False)

    def sql(self, *statements: str) -> None:
        """Change the file by hand, past the engine."""
        with duckdb.connect(str(self.place.path)) as raw:
            for statement in statements:
                raw.execute(statement)

    def lines(self) -> list[str]:
        with duckdb.connect(str(self.place.path), read_only=True) as raw:
            return [line for (line,) in raw.execute("SELECT line FROM entry ORDER BY seq").fetchall()]

    def recompute(self, lines: list[str], key: Keys | None = None) -> None:
        """Everything that hangs on the lines: rows, tiles, heads and, with a key, checkpoints."""
        leaves = tree.leaves(tree.BEFORE_FIRST, [line.encode() for line in lines])
        with duckdb.connect(str(self.place.path)) as raw:
            raw.execute("DELETE FROM entry WHERE seq >= ?", [len(lines)])
            for seq, line in enumerate(lines):
                raw.execute("UPDATE entry SET line = ? WHERE seq = ? AND line <> ?", [line, seq, line])
            raw.execute("DELETE FROM tile")
            for tile in tree.Edge().extend(leaves):
                raw.execute("INSERT INTO tile VALUES (?, ?, ?)", [tile.level, tile.n, tile.hashes])
            for name in ("head", "checkpoint", "personal"):
                column = "seq >=" if name == "personal" else "size >"
                raw.execute(f"DELETE FROM {name} WHERE {column} ?", [len(lines)])
            raw.execute(
                "INSERT INTO head SELECT ?, '', '', \"at\" FROM entry WHERE seq = ? - 1 "
                "AND NOT EXISTS (FROM head WHERE size = ?)",
                [len(lines)] * 3,
            )
            for (size,) in raw.execute("SELECT size FROM head").fetchall():
                edge = tree.Edge()
                edge.extend(leaves[:size])
                raw.execute(
                    "UPDATE head SET root = ?, last_leaf = ? WHERE size = ?", [edge.root(), edge.last_leaf, size]
                )
                if key:
                    raw.execute("UPDATE checkpoint SET note = ? WHERE size = ?", [key.sign(size, edge.root()), size])

    def forge_lock_store(self) -> None:
        """Make the lock store agree with the file: its newest checkpoint, and no history."""
        with duckdb.connect(str(self.place.path), read_only=True) as raw:
            (note,) = raw.execute("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1").fetchall()[0]
        shutil.rmtree(self.place.lock)
        self.place.lock.mkdir()
        (self.place.lock / "checkpoint").write_text(note)

    def put_back(self, *names: str) -> None:
        """Restore parts of the machine (`data`, `lock`, `subjects`) from the backup."""
        for name in names:
            shutil.rmtree(self.place.folder / name)
            shutil.copytree(self.earlier.folder / name, self.place.folder / name)


def foreign() -> Keys:
    """Somebody's own key under the ledger's name."""
    private = Ed25519PrivateKey.generate()
    return Keys(ORIGIN, format_vkey(ORIGIN, private.public_key().public_bytes_raw()), private)


def build(folder: Path) -> Victim:
    """States, events, personal content, single and large appends; two checkpoints kept outside."""
    place = Place(folder / "now")
    with place.open() as ledger:
        people = [account(f"u{n}", email=f"u{n}@example.org", is_active=True) for n in range(20)]
        ledger.record_state(given(), people)
        ledger.record_state(given(run="r2"), people[1:])
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(EARLIER - ledger.size)])
        kept = [ledger.checkpoint]
    shutil.copytree(place.folder, folder / "earlier")
    with place.open() as ledger:
        while ledger.size < SIZE - 250:
            ledger.append([Draft("control_verdict", verdict(ledger.size))])
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(SIZE - ledger.size)])
        kept.append(ledger.checkpoint)
    return Victim(folder, tuple(kept))


def copied(victim: Victim, folder: Path) -> Victim:
    """A victim of its own for one attack."""
    shutil.copytree(victim.folder, folder)
    return Victim(folder, victim.kept)
