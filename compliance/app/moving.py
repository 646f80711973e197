"""A ledger that moves: out into plain files, back into a file, into a copy, into a file without residue.

`say` is told whom we wait for, `tell` how far we are.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from compliance.app import check, keys, readme, workspace
from compliance.app.config import Config
from compliance.app.paths import LedgerPlaces
from compliance.app.workspace import Say, Workspace
from compliance.ledger import Keys, Ledger, export, folder, importing, rewrite
from compliance.ledger.note import sign_text
from compliance.ledger.store import Store
from compliance.schemas.canonical import instant
from compliance.schemas.errors import ConfigError, IntegrityError, LedgerError
from compliance.verify import Verification, verify, verify_connection


@dataclass(frozen=True, slots=True)
class Moved:
    """What was written where. `problems` is empty unless a ledger that does not hold was exported as it is."""

    path: Path
    origin: str
    size: int
    root: bytes
    problems: tuple[str, ...] = ()


def sound(opened: Workspace) -> Verification:
    """The verification of an open ledger. Raises IntegrityError naming the first entry that does not hold."""
    places, ledger = opened.places, opened.ledger
    return _held(
        verify_connection(
            ledger.connection,
            vkey=ledger.vkey,
            lock_store=places.lock_store,
            segments=places.segments,
            key_of=ledger.keystore.key,
        )
    )


def _held(found: Verification) -> Verification:
    if not found.ok:
        first = found.problems[0]
        raise IntegrityError(
            f"the ledger is not what was signed: {first}",
            seq=first.seq,
            remedy="keep a copy of the file as it is, then run `compliance verify` for the full list",
        )
    return found


def write_export(config: Config, target: Path, say: Say, tell: Say) -> Moved:
    """Write the configured ledger, after it was verified, as plain files to the new folder `target`.

    Raises:
        IntegrityError: the ledger does not hold; nothing is written.
        ConfigError: there is something at `target`.
        StorageFull: no space; nothing half-written stays.
    """
    folder.refuse(target)
    with workspace.opened(config, say, must_exist=True) as opened:
        tell("verifying the ledger …")
        sound(opened)
        tell("writing the export …")
        with workspace.private_files(), folder.new(target) as out:
            size, root = opened.ledger.export(out, personal=True)
            out.put("README.txt", readme.of_export(()).encode())
            seal(opened.ledger, out, "export", size, root)
    return Moved(target, opened.ledger.origin, size, root)


def seal(ledger: Ledger, out: folder.Folder, kind: str, size: int, root: bytes) -> None:
    """Sign the list of files. Raises IntegrityError when the lines written do not give what was signed."""
    if (size, root) != (ledger.size, ledger.root):
        raise IntegrityError(
            f"the {size} lines that were written do not give the root that was signed",
            remedy="test memory and disk of this machine, then verify the ledger",
        )
    named = folder.Named(kind, ledger.origin, size, root, ledger.vkey, instant(workspace.now()))
    out.seal(named, ledger.sign_manifest)


def write_as_is(config: Config, target: Path, tell: Say) -> Moved:
    """Write what is in the file of the configured ledger, whether it holds or not, and say in it what does not. For
    investigators: it is only read, and cannot be imported unless it holds."""
    folder.refuse(target)
    places = _existing(config)
    own: Keys | None = None
    with suppress(ConfigError):
        own = keys.own(config, places)
    vkey = own.vkey if own else None
    tell("verifying the ledger …")
    try:
        found = verify(places.path, vkey=vkey, lock_store=places.lock_store, segments=places.segments)
        problems = tuple(map(str, found.problems))
        vkey = found.vkey
    except IntegrityError as error:  # so damaged that it cannot be judged entry by entry
        problems = (error.message,)
    try:
        store = Store.read(places.path, places.segments)
    except IntegrityError as error:  # a dropped month is not there, or meta is damaged: what the file itself holds
        store = Store.read(places.path, as_is=True)
        problems = (*problems, *({error.message} - set(problems)))
    try:
        tell("writing what is there …")
        with workspace.private_files(), folder.new(target) as out:
            size, root = export.entries(store, out)
            export.tiles(store, out)
            export.checkpoints(store, out)
            export.personal(store, out)
            out.put("README.txt", readme.of_export(problems).encode())
            named = folder.Named("export", places.origin, size, root, vkey or "", instant(workspace.now()), problems)
            out.seal(named, _signer(own) if own else None)
    finally:
        store.close()
    return Moved(target, places.origin, size, root, problems)


def _signer(key: Keys) -> Callable[[str], str]:
    return lambda text: sign_text(text, key.origin, key.private)


def read_import(config: Config, source: Path, target: Path | None, vkey: str | None, tell: Say) -> Moved:
    """Make the ledger of an export: at `target`, or where the configuration wants it.

    The public key comes from `vkey`, else from this machine's key folder. Where this machine has a lock store of the
    ledger, it must agree: an export from before its newest checkpoint would lose entries.

    Raises:
        IntegrityError: the export is not what was signed; nothing is left at the target.
        ConfigError: there is a ledger already, or no key is known for it.
        LedgerError: it is no export, or one that cannot be imported.
    """
    tell("comparing the files …")
    manifest = importing.read(source)
    path = target or config.resolve(config.ledger.path)
    places = workspace.places_of(config, path, manifest.origin)
    key = vkey or check.own_key(config, places)
    lock_store = places.lock_store if places.lock_store.exists() else None
    if config.ledger.origin not in (None, manifest.origin) and target is None:
        raise ConfigError(
            f"{source} is of the ledger {manifest.origin!r}; the configuration names {config.ledger.origin!r}",
            remedy="correct the origin in the configuration, or name a file with --to",
        )

    def holds(fresh: Path) -> None:
        tell("verifying the new file …")
        found = _held(verify(fresh, vkey=key, lock_store=lock_store))
        if (found.size, found.root) != (manifest.size, manifest.root):
            raise manifest.wrong("the new file has another size or root")

    tell("computing the ledger from its lines …")
    with workspace.private_files():
        importing.build(manifest, path, check=holds)
    return Moved(path, manifest.origin, manifest.size, manifest.root)


def write_copy(config: Config, target: Path, say: Say, tell: Say) -> Moved:
    """Write a ledger file with every entry so far to `target`. A process that writes the ledger is waited for."""
    rewrite.refuse(target)
    with workspace.opened(config, say, must_exist=True) as opened:
        tell("verifying the ledger …")
        sound(opened)
        ledger = opened.ledger
        tell("writing and verifying the copy …")
        with workspace.private_files():
            ledger.copy(target, check=_holds(config, opened.places, ledger.size, ledger.root))
        return Moved(target, ledger.origin, ledger.size, ledger.root)


def compact(config: Config, say: Say, tell: Say) -> tuple[Moved, int, int]:
    """Put a file that never held a deleted row in the place of the configured ledger; with its bytes before and after.

    A ledger that does not hold is left as it is: a fresh file would lack what an investigator must see.
    """
    with workspace.opened(config, say, must_exist=True) as opened:
        tell("verifying the ledger …")
        sound(opened)
        places, size, root = opened.places, opened.ledger.size, opened.ledger.root
    before = places.path.stat().st_size
    tell("writing and verifying the new file …")
    with workspace.private_files():
        rewrite.rewrite(
            places.path, check=_holds(config, places, size, root), wait_s=float(config.ledger.wait_s), on_wait=say
        )
    return Moved(places.path, places.origin, size, root), before, places.path.stat().st_size


def _holds(config: Config, places: LedgerPlaces, size: int, root: bytes) -> rewrite.Check:
    """A check that a new file verifies and has at least these entries."""

    def holds(fresh: Path) -> None:
        key = check.own_key(config, places)
        found = _held(verify(fresh, vkey=key, lock_store=places.lock_store, segments=places.segments))
        if found.size < size or (found.size == size and found.root != root):
            raise IntegrityError(f"{fresh} has {found.size} entries, not the {size} that were there")

    return holds


def _existing(config: Config) -> LedgerPlaces:
    places = workspace.places(config)
    if not places.path.exists():
        raise LedgerError(f"there is no ledger at {places.path}", remedy="correct the path in the configuration")
    return places
