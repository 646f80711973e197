"""Disks that are full or read-only: small file systems of our own, in a mount namespace that ends with the process.

    unshare --mount python -m tests.crash.disk CASE FOLDER       (root)
    unshare --map-root-user --mount python -m …                  (anybody, where user namespaces are allowed)

Each case prints what was said, follows docs/recovery.md, and ends in a ledger that verifies.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from compliance.ledger import Draft, KeyStore, Ledger
from compliance.schemas.errors import ComplianceError, LedgerError
from compliance.verify import verify
from tests.ledger.places import Place, account, state, verdict


def mounted(folder: Path, size: str) -> Path:
    """A file system of its own at `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], check=True)
    return folder


def remount(folder: Path, options: str) -> None:
    """Change it. With the source named, its options are not read back: an ordinary account may not set all of them."""
    subprocess.run(["mount", "-o", f"remount,{options}", "none", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no byte free; the file that takes them."""
    rest = folder / "rest"
    with rest.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(b"x" * size)
    return rest


def one(ledger: Ledger) -> None:
    """One entry."""
    ledger.append([Draft("control_verdict", verdict(1))])


def said(what: Callable[[], object]) -> dict[str, str]:
    """What is said when `what` cannot be done."""
    try:
        what()
    except ComplianceError as error:
        return {"error": type(error).__name__, "message": error.message, "remedy": str(error.remedy)}
    return {"error": "none"}


def ledger_full(place: Place) -> dict[str, object]:
    """The disk of the ledger file fills up while entries come."""
    mounted(place.path.parent, "2m")
    ledger = place.open()
    many = [Draft("control_verdict", verdict(1, os.urandom(8_000).hex()))] * 16

    def forever() -> None:
        while True:
            ledger.append(many)

    first, again, size = said(forever), said(lambda: one(ledger)), ledger.size
    closing = said(ledger.close)
    opening = said(lambda: place.open().close())
    remount(place.path.parent, "size=64m")
    return {"first": first, "again": again, "closing": closing, "opening": opening, "acknowledged": size}


def lock_store_full(place: Place) -> dict[str, object]:
    """The disk of the lock store is full: what cannot be announced is not added."""
    mounted(place.lock, "64k")
    ledger = place.open()
    one(ledger)
    size, rest = ledger.size, fill(place.lock)
    first, again = said(lambda: one(ledger)), said(lambda: one(ledger))
    ledger.close()
    opening = said(lambda: place.open().close())
    rest.unlink()
    return {"first": first, "again": again, "opening": opening, "acknowledged": size}


def lock_store_read_only(place: Place) -> dict[str, object]:
    """The disk of the lock store becomes read-only between two entries."""
    mounted(place.lock, "64k")
    ledger = place.open()
    one(ledger)
    size = ledger.size
    remount(place.lock, "ro")
    first, again = said(lambda: one(ledger)), said(lambda: one(ledger))
    ledger.close()
    remount(place.lock, "rw")
    return {"first": first, "again": again, "acknowledged": size}


def key_store_full(place: Place) -> dict[str, object]:
    """The disk of the key store is full: content about somebody new is not recorded at all."""
    mounted(place.keystore.parent, "64k")
    ledger = place.open()
    state(ledger, [account("jane")])
    size, rest = ledger.size, fill(place.keystore.parent)
    first = said(lambda: state(ledger, [account(f"new-{n}") for n in range(300)]))
    ledger.close()
    rest.unlink()
    with place.open() as ledger:
        kept = ledger.size
    return {"first": first, "acknowledged": size, "kept": kept}


def key_store_full_while_erasing(place: Place) -> dict[str, object]:
    """The erasure is recorded, the key cannot be destroyed: nobody is told that it was."""
    mounted(place.keystore.parent, "128k")
    ledger = place.open()
    seen = state(ledger, [account("jane"), *(account(f"other-{n}") for n in range(40))])
    alias = str(ledger.entry(seen.seq + 1).subject)
    rest = fill(place.keystore.parent)
    first, size = said(lambda: ledger.erase(alias, reason="asked for it")), ledger.size
    ledger.close()
    opening = said(lambda: place.open().close())
    rest.unlink()
    with place.open() as ledger:
        erased = ledger.keystore.erased(alias), ledger.entry(seen.seq + 1).record["account"]
        others = [ledger.entry(seen.seq + 2 + n).record["account"] for n in range(40)]
    assert others == [f"other-{n}" for n in range(40)]
    return {"first": first, "opening": opening, "acknowledged": size, "erased": erased}


def ledger_read_only(place: Place) -> dict[str, object]:
    """The disk of the ledger file is read-only when it is opened; verification needs no more."""
    mounted(place.path.parent, "16m")
    with place.open() as ledger:
        one(ledger)
        size = ledger.size
    remount(place.path.parent, "ro")
    first, verified = said(place.open), verify(place.path, lock_store=place.lock).ok
    remount(place.path.parent, "rw")
    return {"first": first, "verified": verified, "acknowledged": size}


def commit_in_doubt(place: Place) -> dict[str, object]:
    """DuckDB commits, then fails to move its log into the file, which may not grow: its error is no answer."""
    ledger = place.open()
    one(ledger)
    ledger.connection.execute("SET checkpoint_threshold = '1B'")
    size, hard = ledger.size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (place.path.stat().st_size, hard))
    first, again = said(lambda: one(ledger)), said(lambda: one(ledger))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    ledger.close()
    return {"first": first, "again": again, "acknowledged": size}


CASES = {
    case.__name__: case
    for case in (
        ledger_full,
        lock_store_full,
        lock_store_read_only,
        key_store_full,
        key_store_full_while_erasing,
        ledger_read_only,
        commit_in_doubt,
    )
}


def main(name: str, folder: Path) -> None:
    """Run a case, then open, append and verify as if nothing had been."""
    place = Place(folder)
    found = CASES[name](place)
    with place.open() as ledger:
        found["opened"] = ledger.size
        place.now = ledger.entry(ledger.size - 1).at
        one(ledger)
    keys = KeyStore(place.keystore)
    found["ok"] = verify(place.path, lock_store=place.lock, key_of=keys.key).ok
    keys.close()
    print(json.dumps(found))


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except LedgerError as error:
        sys.exit(f"{error.message} | {error.remedy}")
