"""Verification of a ledger for people: recompute everything, say what was found."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson

from compliance.app import anchoring, attachments, keys, outside, workspace
from compliance.app import config as configuration
from compliance.app.paths import LedgerPlaces, ledger_places
from compliance.ledger import KeyStore, stored_origin
from compliance.ledger.store import Store
from compliance.schemas.errors import ConfigError, LedgerError
from compliance.schemas.results import AnchorView
from compliance.verify import Verification, segments_origin, verify, verify_connection, verify_segments

LARGEST_COPY = 500_000
LARGE_FILE = 64_000_000  # bytes: below this, starting processes takes longer than they save
VERDICTS = {0: "holds", 3: "not everything was checked", 4: "broken"}
PROCESSES = 2  # each takes about a quarter of a GiB


@dataclass(frozen=True, slots=True)
class Checked:
    """A verification, and what every anchor says of it."""

    found: Verification
    anchors: tuple[AnchorView, ...]
    attachments: attachments.Found | None = None  # None: not looked for, as with somebody else's ledger

    @property
    def exit_code(self) -> int:
        """4 when something is broken, 3 when an anchor, some entries or attachments could not be checked, else 0."""
        beside = self.attachments
        if not self.found.ok or (beside is not None and beside.changed):
            return 4
        whole = not self.found.unchecked and not (beside is not None and beside.missing)
        return 0 if whole and all(view.state == "ok" for view in self.anchors) else 3


def check(
    config_path: Path | None,
    ledger: Path | None,
    vkey: str | None,
    handed: Sequence[str] = (),
    segments: Path | None = None,
) -> Checked:
    """The verification of `ledger`, or of the configured one with its anchors and the months that were dropped from it.

    `handed` are further anchors: `size:root`, or paths of a note, a checkpoint log or a folder of notes.
    `ledger` may be a folder of segments: then they are verified alone. `segments` is where those of a file lie; without
    it they are looked for beside the file, or where the configuration says, and a file without them is only checked
    from its first entry on, which the result says.

    The public key comes from `vkey`, else from this machine's key folder: never from the ledger itself, which could
    bring its own. Somebody who was handed a file and its key has no lock store: then it is not asked for, and the
    result says so. Where either is this machine's own, a missing one is a fault.

    Raises:
        LedgerError: there is no ledger there, or another process writes it.
        ConfigError: no key is known for it.
    """
    given = outside.distinct([outside.given(text) for text in handed])
    if ledger is not None and ledger.is_dir():
        return _segments(ledger, vkey, given)
    if ledger is not None and _is_configured(config_path, ledger):
        ledger = None  # by another name: its lock store, key store and anchors are asked as well
    config, places = located(config_path, ledger)
    own = anchoring.configured(config, places) if ledger is None else ()
    key = vkey or own_key(config, places)
    stranger = ledger is not None and vkey is not None and not places.lock_store.exists()
    readings = outside.distinct((*outside.read(own), *given))
    large = places.path.stat().st_size > LARGE_FILE
    processes = min(PROCESSES, os.cpu_count() or 1) if large else 1
    with _keystore(places, ledger) as opened:
        found = verify(
            places.path,
            vkey=key,
            lock_store=None if stranger else places.lock_store,
            segments=segments or (places.segments if ledger is None or places.segments.is_dir() else None),
            outside=outside.notes(readings),
            key_of=opened.key if opened else None,
            processes=processes,
        )
    beside = _attachments(places, segments) if found.ok and (ledger is None or places.attachments.is_dir()) else None
    return Checked(found, outside.views(readings, found.anchors, found.size, places.path), beside)


def _attachments(places: LedgerPlaces, segments: Path | None) -> attachments.Found:
    """The documents beside a ledger that holds, compared with what its entries say."""
    store = Store.read(places.path, segments or (places.segments if places.segments.is_dir() else None))
    try:
        rows = store.connection.execute("SELECT line FROM whole.entry WHERE kind = 'attestation'").fetchall()
    finally:
        store.close()
    records = [orjson.loads(line)["record"] for (line,) in rows]
    return attachments.examine(places.attachments, attachments.recorded(records))


def _segments(folder: Path, vkey: str | None, given: Sequence[outside.Reading]) -> Checked:
    places = ledger_places(folder, segments_origin(folder))
    key = vkey or own_key(configuration.empty(), places)
    found = verify_segments(folder, vkey=key, outside=outside.notes(given))
    return Checked(found, outside.views(given, found.anchors, found.size, folder))


def located(config_path: Path | None, ledger: Path | None) -> tuple[configuration.Config, LedgerPlaces]:
    """Where the ledger at `ledger`, or the configured one, and what belongs to it lie. Raises LedgerError."""
    config = configuration.load(config_path) if ledger is None else configuration.empty()
    if ledger is None:
        places = workspace.places(config)
        if not places.path.exists():
            raise LedgerError(f"there is no ledger at {places.path}", remedy="`compliance audit` makes one")
        return config, places
    if not ledger.exists():
        raise LedgerError(f"there is no ledger at {ledger}", remedy="correct the path")
    origin = stored_origin(ledger)
    if origin is None:
        raise LedgerError(f"{ledger} is not a ledger", remedy="give the path of the .duckdb file")
    return config, ledger_places(ledger, origin)


@contextmanager
def _keystore(places: LedgerPlaces, ledger: Path | None) -> Iterator[KeyStore | None]:
    """The key store of the configured ledger, to check personal content too; None where there is none."""
    if ledger is not None or not places.keystore.exists():
        yield None
        return
    store = KeyStore(places.keystore, read_only=True)
    try:
        yield store
    finally:
        store.close()


def _is_configured(config_path: Path | None, ledger: Path) -> bool:
    """Whether the file named is the ledger of the configuration here."""
    try:
        config = configuration.load(config_path)
    except ConfigError:
        if config_path is not None:
            raise
        return False  # somebody else's file in this folder
    return config.path is not None and config.resolve(config.ledger.path).resolve() == ledger.resolve()


def own_key(config: configuration.Config, places: LedgerPlaces) -> str:
    """The public key of this machine's signing key. Raises ConfigError when there is none."""
    try:
        return keys.own(config, places).vkey
    except ConfigError as error:
        raise ConfigError(
            f"no public key of {places.origin} is known here: {error.message}",
            remedy="give the key you were handed: --vkey",
        ) from error


def removal_is_found(connection: duckdb.DuckDBPyConnection, vkey: str) -> bool | None:
    """Whether verification finds an entry taken out of a copy of the open ledger.

    None for a ledger of more than 500,000 entries, whose copy would not fit into memory comfortably.
    """
    with connection.cursor() as cursor:
        size, last = cursor.execute("SELECT count(*), max(seq) FROM stored.entry").fetchall()[0]
        if not 0 < size <= LARGEST_COPY:
            return None
        with duckdb.connect(":memory:") as trial:
            trial.execute("ATTACH ':memory:' AS stored")
            for (name,) in cursor.execute(
                "SELECT table_name FROM duckdb_tables() WHERE database_name = 'stored'"
            ).fetchall():
                rows = cursor.sql(f'SELECT * FROM stored."{name}"').to_arrow_table()  # noqa: S608 -- our own tables
                trial.register("rows", rows)
                trial.execute(f'CREATE TABLE stored."{name}" AS SELECT * FROM rows')  # noqa: S608 -- our own tables
                trial.unregister("rows")
            if not verify_connection(trial, vkey=vkey).ok:
                return None  # the copy itself does not verify: nothing can be said of a removal
            trial.execute("DELETE FROM stored.entry WHERE seq = ?", [last - size // 2])
            return not verify_connection(trial, vkey=vkey).ok


def lines(checked: Checked) -> list[str]:
    """The result in words."""
    found = checked.found
    text = [
        f"ledger     {found.origin}",
        f"entries    {found.size}",
        f"root       {found.root.hex()}",
        f"key        {found.vkey}",
        *_key_lines(found),
        f"signed     {found.signed} entries, by {found.checkpoints} checkpoints; {found.size - found.signed} not",
        f"outside    {found.anchored} entries by the lock store; {found.unanchored} not",
        f"lock store {found.lock_store}",
        f"personal   {found.personal_checked} contents opened and compared with what their lines commit to",
    ]
    for view in checked.anchors:
        text.append(f"anchor     {outside.words(view)}")
        text += [f"           {remark}" for remark in view.remarks]
    if not checked.anchors:
        text.append(f"anchors    {outside.ALONE if found.lock_store != 'not given' else NOTHING}")
    beside = checked.attachments
    if beside is not None and (beside.held or beside.missing or beside.changed):
        text.append(f"documents  {beside.held} of manual evidence, each as recorded")
        text += [f"UNCHECKED  the document {sha256} is not there any more" for sha256 in beside.missing]
        text += [f"BROKEN     the document {sha256} is not the one that was recorded" for sha256 in beside.changed]
    if found.ok:
        text += [f"UNCHECKED  {what}" for what in found.unchecked]
        rest = "of the rest, " if found.unchecked else ""
        text.append(f"verified   {rest}every line, leaf, tile, root and signature agrees")
        missed = [view for view in checked.anchors if view.state != "ok"]
        text += [f"hint       {view.name}: {view.remedy}" for view in missed if view.remedy]
    else:
        text += [f"UNCHECKED  {what}" for what in found.unchecked]
        text += [f"BROKEN     {problem}" for problem in found.problems]
        if found.more:
            text.append(f"BROKEN     and {found.more} more")
        text.append(
            "keep a copy of the file, its .wal file and the lock store as they are; "
            "then compare with the newest report or backup that verifies"
        )
    return text


def _key_lines(found: Verification) -> list[str]:
    if len(found.keys) < 2:
        return []
    how = {"create": "the first", "rotate": "handed over by the one before", "replace": "in the place of a lost one"}
    return [f"  from {term.start:>9} entries on  {term.vkey}  ({how[term.action]})" for term in found.keys]


NOTHING = (
    "none given: nothing outside vouches for this ledger; compare with a report: --anchor SIZE:ROOT, as it prints them"
)


def as_json(checked: Checked) -> dict[str, Any]:
    """The result for machines."""
    found = checked.found
    return {
        "ok": checked.exit_code == 0,
        "verdict": VERDICTS[checked.exit_code],
        "origin": found.origin,
        "size": found.size,
        "root": found.root.hex(),
        "vkey": found.vkey,
        "keys": [{"from_size": term.start, "vkey": term.vkey, "how": term.action} for term in found.keys],
        "signed": found.signed,
        "unanchored": found.unanchored,
        "checkpoints": found.checkpoints,
        "lock_store": found.lock_store,
        "personal_checked": found.personal_checked,
        "anchors": [asdict(view) for view in checked.anchors],
        "anchors_checked": all(view.state in ("ok", "ahead", "differs") for view in checked.anchors),
        "problems": [{"entry": p.seq, "last": p.last, "what": p.what} for p in found.problems],
        "documents": asdict(checked.attachments) if checked.attachments is not None else None,
        "more_problems": found.more,
        "unchecked": found.unchecked,
    }
