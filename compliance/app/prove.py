"""Proofs for people: made from a ledger file, and checked with nothing but a key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from compliance.app.check import located, own_key
from compliance.ledger import proofs, restart
from compliance.ledger.proofs import Proof
from compliance.ledger.store import Store
from compliance.schemas.errors import ConfigError, IntegrityError, LedgerError
from compliance.verify import BadProof, check_consistency, check_inclusion

LONGEST = 1 << 20


def inclusion(
    config_path: Path | None, ledger: Path | None, entry: int, vkeys: Sequence[str], size: int | None = None
) -> Proof:
    """The proof that an entry is in the ledger, checked under `vkeys` (else this machine's key) before it is given.

    Raises:
        LedgerError: there is no such entry or checkpoint, or a process writes the file.
        IntegrityError: the file does not hold what was signed.
    """
    config, places = located(config_path, ledger)
    with proofs.reading(places.path, places.segments) as (store, edge):
        proof = proofs.inclusion(store, edge, entry, size)
        known = vkeys or _known(store, own_key(config, places), places.origin)
    try:
        check_inclusion(proof.text, proof.line.encode(), known)
    except BadProof as error:
        raise IntegrityError(f"entry {entry} cannot be proven: {error}", seq=entry) from error
    return proof


def consistency(config_path: Path | None, ledger: Path | None, size1: int, size2: int, vkeys: Sequence[str]) -> str:
    """The proof that the checkpoint at `size2` extends the one at `size1`. Raises as `inclusion`."""
    config, places = located(config_path, ledger)
    with proofs.reading(places.path, places.segments) as (store, edge):
        proof = proofs.consistency(store, edge, size1, size2)
        known = vkeys or _known(store, own_key(config, places), places.origin)
    try:
        check_consistency(proof, known)
    except BadProof as error:
        raise IntegrityError(f"sizes {size1} and {size2}: {error}") from error
    return proof


def _known(store: Store, own: str, origin: str) -> list[str]:
    """This machine's key, and those that the ledger had before it: what our key signed commits to them."""
    terms = [term.vkey for term in restart.terms(store, None, origin).terms]
    return terms[: terms.index(own) + 1] if own in terms else [own]


def check(proof: Path, line: Path | None, vkeys: Sequence[str]) -> str:
    """What the proof in a file shows, in words.

    Raises:
        IntegrityError: it does not hold.
        ConfigError: a key is malformed, or no line was given for a proof that needs one.
        LedgerError: a file cannot be read.
    """
    text = _text(proof)
    try:
        if text.startswith(proofs.CONSISTENCY):
            proven = check_consistency(text, vkeys)
            return (
                f"{proven.later.origin}: the {proven.later.size} entries of root {proven.later.root.hex()} begin with "
                f"the {proven.earlier.size} entries of root {proven.earlier.root.hex()}"
            )
        if line is None:
            raise ConfigError("an inclusion proof is about a line", remedy="give the entry's line: --line FILE")
        signed = check_inclusion(text, _text(line).removesuffix("\n").encode(), vkeys)
    except BadProof as error:
        raise IntegrityError(f"{proof} does not hold: {error}") from error
    return f"{signed.origin}: the line is among the {signed.size} entries of root {signed.root.hex()}"


def save(path: Path, text: str) -> None:
    """Write a proof or a line to a file, byte for byte. Raises LedgerError."""
    try:
        path.write_bytes(text.encode())
    except OSError as error:
        raise LedgerError(f"{path} cannot be written: {error.strerror}", remedy="name another place") from error


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(LONGEST).decode()
    except OSError as error:
        raise LedgerError(f"{path} cannot be read: {error.strerror}", remedy="correct the path") from error
    except UnicodeDecodeError as error:
        raise IntegrityError(f"{path} is not text") from error
