"""Sealed months: seal them, list them, drop them from the ledger file, and make the file anew from them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from compliance.app import check, locking, moving, workspace
from compliance.app.config import Config
from compliance.app.paths import LedgerPlaces
from compliance.app.workspace import Say
from compliance.ledger import KeyRing, Ledger, rewrite, sealing
from compliance.ledger import rebuild as rebuilding
from compliance.ledger.rebuild import Rebuilt
from compliance.ledger.segments import manifest_of
from compliance.schemas.errors import ConfigError, IntegrityError
from compliance.verify import Verification, segment_key, segments_key, segments_origin, verify, verify_segments


def _verified(vkey: str, others: Collection[str] = ()) -> sealing.Check:
    """A check of one month under `vkey`, or under the key in force when it was sealed where that is one of `others`."""

    def held(folder: Path) -> None:
        signer = segment_key(folder)
        _held(verify_segments(folder, vkey=signer if signer in others else vkey), f"the segment in {folder}")

    return held


def _held(found: Verification, what: str) -> Verification:
    if not found.ok:
        first = found.problems[0]
        raise IntegrityError(
            f"{what} is not what was signed: {first}",
            seq=first.seq,
            remedy="keep it elsewhere as it is, then bring an unchanged copy back",
        )
    return found


def _own(ledger: Ledger) -> sealing.Check:
    return _verified(ledger.vkey, [term.vkey for term in ledger.terms.terms])


def _bucket(config: Config, ledger: Ledger, tell: Say) -> locking.Bucket | None:
    section = config.ledger.segments_bucket
    return locking.Bucket(section, _own(ledger), tell) if section else None


def seal(config: Config, folder: Path | None, say: Say, tell: Say) -> list[dict[str, Any]]:
    """Seal every closed month of the configured ledger that is not sealed yet, into `folder` or the configured one, and
    lock a copy of each in the configured bucket.

    A row whose `problem` is set was sealed, now or before, and is not locked; the next run tries again.

    Raises:
        IntegrityError: the ledger does not hold, or what was written is not what it holds.
        StorageFull: no space; running again goes on.
    """
    with workspace.opened(config, say, must_exist=True) as opened:
        place, ledger = folder or opened.places.segments, opened.ledger
        bucket = _bucket(config, ledger, tell)
        waiting = sealing.waiting(ledger, place, bucket)
        if not waiting:
            return []
        tell("verifying the ledger …")
        moving.sound(opened)
        done = {}
        for month in sealing.seal(ledger, place, _own(ledger), vault=bucket):
            tell(f"sealed {month.month}")
            done[month.month] = month
        return [_sealed(done.get(month.month, month), place, bucket) for month in waiting]


def _sealed(month: sealing.Month, place: Path, bucket: locking.Bucket | None) -> dict[str, Any]:
    row = _row(month, place, "dropped" if month.dropped else "sealed", bucket)
    if bucket and (error := bucket.failed.get(month.month)):
        row["problem"], row["remedy"] = error.message, error.remedy
    return row


def listing(config: Config, say: Say, *, deep: bool) -> list[dict[str, Any]]:
    """Every closed month: its entries, where they are, and with `deep` whether its segment verifies now.

    `state` is `not sealed`, `sealed`, `dropped`, or `lost` for a month that was sealed and whose segment is not
    where the ledger looks for it; its entries are still in the file. `locked` is where its copy lies in the configured
    bucket, as it was recorded; None without one.
    """
    with workspace.opened(config, say, must_exist=True) as opened:
        rows = overview(config, opened.places, opened.ledger, say)
        check_segment = _own(opened.ledger)
        for row in rows:
            place = opened.places.segments / row["month"]
            if deep and (place / "manifest.json").exists():
                row["verified"], row["problem"] = _looked(place, check_segment)
        return rows


def overview(config: Config, places: LedgerPlaces, ledger: Ledger, say: Say) -> list[dict[str, Any]]:
    """Every closed month of an open ledger as in `listing`, nothing verified; no bucket is reached."""
    bucket = _bucket(config, ledger, say)
    rows = []
    for month in sealing.months(ledger):
        there = (places.segments / month.month / "manifest.json").exists()
        sealed = "sealed" if there else "lost"
        state = "dropped" if month.dropped else sealed if month.seals else "not sealed"
        rows.append(_row(month, places.segments, state, bucket))
    return rows


def _looked(folder: Path, check_segment: sealing.Check) -> tuple[bool, str | None]:
    try:
        check_segment(folder)
    except IntegrityError as error:
        return False, error.message
    return True, None


def _row(month: sealing.Month, place: Path, state: str, bucket: locking.Bucket | None) -> dict[str, Any]:
    copy = bucket.name(place / month.month) if bucket and (place / month.month / "manifest.json").exists() else None
    files = sorted((place / month.month).glob("*")) if (place / month.month).is_dir() else []
    return {
        "month": month.month,
        "first": month.lo,
        "last": month.hi - 1,
        "entries": month.hi - month.lo,
        "state": state,
        "bytes": sum(path.stat().st_size for path in files) if files else None,
        "folder": str(place / month.month) if files else None,
        "locked": copy if copy in month.locked else None,
        "sealed_at": sealed_at(place / month.month),
        "verified": None,
        "problem": None,
    }


def sealed_at(segment: Path) -> datetime | None:
    """When a segment was sealed, by its manifest; None when that cannot be read."""
    try:
        return datetime.fromisoformat(manifest_of(segment)["created_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Shortened:
    """What left the file, and its bytes before and after."""

    months: tuple[str, ...]
    start: int
    before: int
    after: int


def drop(config: Config, before: str, say: Say, tell: Say, *, yes: bool, reason: str, by: str) -> Shortened | None:
    """Let the months before `before` leave the ledger file; None when none is in it.

    Raises:
        ConfigError: not confirmed with `yes`; the message says what would leave.
        LedgerError, IntegrityError: a month is not sealed, its segment does not verify now, or a bucket is configured
            and no locked copy in it verifies when it is downloaded now; nothing was dropped.
    """
    with workspace.opened(config, say, must_exist=True) as opened:
        ledger, places = opened.ledger, opened.places
        leaving = [m for m in sealing.months(ledger) if m.month < before and not m.dropped]
        if leaving and not yes:
            raise ConfigError(
                f"{', '.join(m.month for m in leaving)} (entries {leaving[0].lo} to {leaving[-1].hi - 1}) would leave "
                f"{places.path} and be read from {places.segments} from then on",
                remedy="run it again with --yes",
            )
        tell("verifying the ledger …")
        moving.sound(opened)
        tell("verifying the segments …")
        local, bucket = _own(ledger), _bucket(config, ledger, tell)

        def safe(segment: Path) -> None:
            local(segment)
            if bucket:
                bucket.confirm(segment)

        cut = sealing.drop(ledger, before, safe, reason=reason, by=by)
        if cut is None:
            return None
        size, root, vkey = ledger.size, ledger.root, ledger.vkey

    def holds(fresh: Path) -> None:
        found = _held(verify(fresh, vkey=vkey, lock_store=places.lock_store, segments=places.segments), str(fresh))
        if found.unchecked or found.size < size or (found.size == size and found.root != root):
            raise IntegrityError(f"{fresh} has {found.size} entries, not the {size} that were there")

    was = places.path.stat().st_size
    tell("writing and verifying the new file …")
    with workspace.private_files():
        rewrite.rewrite(places.path, check=holds, cut=cut, wait_s=float(config.ledger.wait_s), on_wait=say)
    return Shortened(tuple(m.month for m in leaving), cut.start, was, places.path.stat().st_size)


def fetch(config: Config, folder: Path, tell: Say, *, vkey: str | None) -> list[dict[str, Any]]:
    """Bring the months in the configured bucket into `folder`; rows and errors as `locking.fetch`. No ledger is needed.

    Raises:
        ConfigError: no bucket is configured, or no key is known.
    """
    settings = locking.settings_of(config)
    key = vkey or check.own_key(config, workspace.places(config))
    with workspace.private_files():
        return locking.fetch(settings, folder, _verified(key), tell)


@dataclass(frozen=True, slots=True)
class Drill:
    """What came of rebuilding: the file, and what the lock store of this machine says is missing from it."""

    rebuilt: Rebuilt
    path: Path
    checkpoint: int  # entries that the newest signed checkpoint in the segments covers
    named: int  # entries that the lock store names; 0 without one

    @property
    def missing(self) -> int:
        """How many entries were recorded after the last sealed month, as far as is known here."""
        return max(0, self.named - self.rebuilt.size)


def rebuild(
    config: Config, source: Path, target: Path, tell: Say, *, vkey: str | None, expect: tuple[int, bytes] | None
) -> Drill:
    """Make the ledger file at `target` of the segments in `source` alone.

    Raises:
        IntegrityError: the segments do not verify, do not give `expect`, or contradict this machine's lock store;
            nothing is left at `target`.
        ConfigError: there is something at `target`, or no key is known; or the segments end with an earlier key of
            this ledger, and nothing is there to compare them with.
    """
    rewrite.refuse(target)
    places = workspace.places_of(config, target, segments_origin(source))
    lock_store = places.lock_store if places.lock_store.exists() else None
    key = vkey or _key_for(config, places, source, compared=bool(lock_store or expect))
    tell("verifying the segments …")
    _held(verify_segments(source, vkey=key), f"what lies in {source}")
    seen: list[Verification] = []

    def holds(fresh: Path) -> None:
        tell("verifying the new file …")
        seen.append(_unless_only_shorter(lambda lock: verify(fresh, vkey=key, lock_store=lock), lock_store, fresh))

    tell("writing the ledger from its segments …")
    with workspace.private_files():
        rebuilt = rebuilding.rebuild(source, target, check=holds, expect=expect)
    return Drill(rebuilt, target, seen[0].signed, seen[0].anchored)


def _key_for(config: Config, places: LedgerPlaces, source: Path, *, compared: bool) -> str:
    """The key to verify segments with: this machine's, or one that it handed over from, when no month was sealed since.
    An earlier key may have been given up because it was stolen: it counts only where lock store or anchor speak too."""
    own, signer = check.own_key(config, places), segments_key(source)
    if signer == own or signer not in KeyRing(places.keys, places.origin).former():
        return own
    if not compared:
        raise ConfigError(
            f"the newest segment in {source} is signed by {signer}, which handed over since, and neither a lock store "
            "nor an anchor is there to compare it with",
            remedy=f"bring the lock store back, or say what a report names: --expect SIZE:ROOT, or --vkey {signer}",
        )
    return signer


def _unless_only_shorter(look: Callable[[Path | None], Verification], lock: Path | None, fresh: Path) -> Verification:
    """A rebuilt file holds, and is at most shorter than the lock store says. A checkpoint at its very end is not a
    must: the manifest's signature covers the rest."""
    alone = look(None)
    if alone.signed < alone.size:
        alone.problems = [p for p in alone.problems if not (p.seq == alone.signed and p.last == alone.size - 1)]
    _held(alone, str(fresh))
    if lock is None:
        return alone
    both = look(lock)
    if both.lock_store not in ("ok", "ahead"):
        raise IntegrityError(
            f"the lock store {lock} does not agree with the segments ({both.lock_store})",
            remedy="keep both; compare with an anchor or an older report before anything is rebuilt",
        )
    return both


def parsed_anchor(text: str) -> tuple[int, bytes]:
    """The `size:root` line of a report. Raises ConfigError for anything else."""
    size, _, root = text.partition(":")
    with suppress(ValueError):
        found = (int(size), bytes.fromhex(root))
        if found[0] > 0 and len(found[1]) == 32:
            return found
    raise ConfigError(f"{text!r} is not SIZE:ROOT", remedy="copy it from a report, as 123456:9f86d0…")
