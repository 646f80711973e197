"""The signing keys of the configured ledger: which one is in force, handing over to the next, replacing a lost one."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compliance.app import anchoring, workspace
from compliance.app.config import Config
from compliance.app.paths import LedgerPlaces
from compliance.app.workspace import Say
from compliance.ledger import KeyRing, Keys, Ledger
from compliance.ledger.keys import missing
from compliance.ledger.lockstore import LockStore
from compliance.schemas.errors import ConfigError


def public(config: Config) -> str:
    """The public key in force, in C2SP form. Raises ConfigError while there is none: it is made with the ledger."""
    return own(config, workspace.places(config)).vkey


def own(config: Config, places: LedgerPlaces) -> Keys:
    """The private key in force of this ledger: of those at hand the one that signed the lock store's newest checkpoint,
    else the first.

    Raises:
        ConfigError: there is none.
    """
    ring = KeyRing(places.keys, places.origin, workspace.given_keys(config, places.origin))
    note = LockStore(places.lock_store).read()
    at_hand = ring.all()
    if (signer := note and ring.last_signer(note)) or (signer := next(iter(at_hand), None)):
        return signer
    if places.path.exists():
        raise missing(places.keys, places.origin)
    raise ConfigError(
        f"the signing key of {places.origin} is not in {places.keys}",
        remedy="the key is made on first use: compliance audit",
    )


def create(config: Config) -> str:
    """Make the signing key before there is a ledger, so that two people can take down its public half. Gives the vkey.

    Raises:
        ConfigError: the ledger has no configured name, exists already, or has a key.
    """
    if config.ledger.origin is None:
        raise ConfigError(
            "a key belongs to one ledger, and this one has no name yet",
            remedy='name it first: [ledger] origin = "example.org/evidence"',
        )
    places = workspace.places(config)
    given = workspace.given_keys(config, places.origin)
    if given or (places.keys / "signing.pem").exists() or places.path.exists():
        raise ConfigError(
            f"the ledger {places.origin} has a signing key", remedy="`compliance keys rotate` hands over to a new one"
        )
    return KeyRing(places.keys, places.origin).create().vkey


def describe(config: Config) -> dict[str, Any]:
    """Origin, public key, where the private key lies, and the modes of the files in the key folder."""
    places = workspace.places(config)
    folder = places.keys
    files = sorted(path for path in folder.iterdir() if path.is_file()) if folder.exists() else []
    return {
        "origin": places.origin,
        "vkey": public(config),
        "private key": _where(config, places),
        "folder": str(folder),
        "files": ", ".join(f"{path.name} {_mode(path)}" for path in files),
        "lock store": str(places.lock_store),
        "keys of personal content": str(places.keystore),
    }


def terms(config: Config, say: Say) -> list[dict[str, Any]]:
    """Every key the ledger was signed with: from which size on, and how it came into force."""
    if not workspace.places(config).path.exists():
        return []
    with workspace.opened(config, say, must_exist=True) as opened:
        return [{"from size": term.start, "vkey": term.vkey, "how": term.action} for term in opened.ledger.terms.terms]


def rotate(config: Config, say: Say, *, reason: str, by: str) -> tuple[str, str]:
    """Hand over to the next key: a configured one that never signed this ledger, else, where keys lie in the key
    folder, one made now. Gives the old and the new public key.

    Raises:
        ConfigError: the key in force is configured by reference and no next one is.
    """
    with workspace.opened(config, say, must_exist=True) as opened:
        ledger = opened.ledger
        given = workspace.given_keys(config, ledger.origin)
        used = {term.vkey for term in ledger.terms.terms}
        key = next((key for key in given if key.vkey not in used), None)
        if key is None and ledger.vkey in {key.vkey for key in given}:
            raise ConfigError(
                "the signing key is configured by reference, and no next one is",
                remedy='make one (openssl genpkey -algorithm ed25519) and name it: [ledger] next_signing_key = "…"',
            )
        return ledger.vkey, ledger.rotate_key(reason=reason, by=by, key=key)


def replace(config: Config, say: Say, *, reason: str, by: str) -> str:
    """Put a new key in the place of one that is lost: the configured one, else one made now. Gives its public key.

    Raises:
        LedgerError: the key in force is at hand.
    """
    places = workspace.places(config)
    given = workspace.given_keys(config, places.origin)
    key = given[-1] if given else None
    how = workspace.opening(config, places, say)
    with Ledger.replace_key(places.path, reason=reason, by=by, key=key, **how) as ledger:
        vkey, work = ledger.vkey, anchoring.due(config, places, ledger, workspace.now())
    anchoring.tell(anchoring.write(places, work, workspace.now()), say)
    return vkey


def forget(config: Config, say: Say, *, reason: str, by: str, agreed: Callable[[int], bool]) -> int:
    """Record as erased every subject whose key is lost with the key store, when `agreed` says so of their number; gives
    that. Raises LedgerError."""
    places = workspace.places(config)
    how = workspace.opening(config, places, say)
    return Ledger.forget_lost(places.path, reason=reason, by=by, agreed=agreed, **how)


def readable_by_owner_only(config: Config, places: LedgerPlaces) -> bool | None:
    """Nobody but their owner can read the files that private keys lie in, and no key leaves its token; None when one
    lies where this cannot be seen."""
    references = [ref for ref in (config.ledger.signing_key, config.ledger.next_signing_key) if ref is not None]
    if any(not ref.startswith("file:") for ref in references):
        return None
    files = [Path(ref.partition(":")[2]) for ref in references]
    try:
        if places.keys.exists():
            files += [path for path in places.keys.iterdir() if path.suffix == ".pem"]
        private = all(not stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files)
    except OSError:
        return None
    return private if files or config.ledger.token is not None else None


def _where(config: Config, places: LedgerPlaces) -> str:
    if config.ledger.signing_key is not None:
        return str(config.ledger.signing_key)
    if config.ledger.token is not None and not (places.keys / "signing.pem").exists():
        return f"token {config.ledger.token.token}, key {config.ledger.token.key}"
    return str(places.keys / "signing.pem")


def _mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"
