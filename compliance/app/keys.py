"""The signing keys of the configured ledger: which one is in force, handing over to the next, replacing a lost one."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from compliance.app import workspace
from compliance.app.config import Config
from compliance.app.paths import LedgerPlaces
from compliance.app.workspace import Say
from compliance.ledger import KeyRing, Keys, Ledger
from compliance.schemas.errors import ConfigError


def public(config: Config) -> str:
    """The public key in C2SP form. Raises ConfigError while there is none: it is made with the ledger."""
    return own(config, workspace.places(config)).vkey


def own(config: Config, places: LedgerPlaces) -> Keys:
    """The private key of this ledger that is configured, or lies in its key folder.

    Raises:
        ConfigError: there is none.
    """
    given = workspace.given_keys(config, places.origin)
    if config.ledger.signing_key is not None:
        return given[0]
    try:
        return Keys.open(places.keys, places.origin, create=False)
    except ConfigError as error:
        if (places.keys / "signing.pem").exists() or places.path.exists():
            raise
        raise ConfigError(error.message, remedy="the key is made on first use: compliance audit") from error


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
    if config.ledger.signing_key is not None or (places.keys / "signing.pem").exists() or places.path.exists():
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
        "private key": str(config.ledger.signing_key or folder / "signing.pem"),
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
    """Hand over to the next key: the one that `next_signing_key` refers to, else one made now. Gives the old and the
    new public key.

    Raises:
        ConfigError: the key in force is configured by reference and no next one is.
    """
    if config.ledger.signing_key is not None and config.ledger.next_signing_key is None:
        raise ConfigError(
            "the signing key is configured by reference, and so must be the next one",
            remedy='make one (openssl genpkey -algorithm ed25519) and name it: [ledger] next_signing_key = "…"',
        )
    with workspace.opened(config, say, must_exist=True) as opened:
        ledger = opened.ledger
        return ledger.vkey, ledger.rotate_key(reason=reason, by=by, key=_next(config, ledger.origin))


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
        return ledger.vkey


def readable_by_owner_only(config: Config, places: LedgerPlaces) -> bool | None:
    """Nobody but its owner can read the private key's file; None when it lies in no file, or cannot be looked at."""
    reference = config.ledger.signing_key
    if reference is None:
        try:
            files = [path for path in places.keys.iterdir() if path.is_file() and path.suffix == ".pem"]
        except OSError:
            return None
    else:
        scheme, _, rest = reference.partition(":")
        files = [Path(rest)] if scheme == "file" else []
    try:
        return all(not stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files) if files else None
    except OSError:
        return None


def _next(config: Config, origin: str) -> Keys | None:
    if config.ledger.next_signing_key is None:
        return None
    return workspace.given_keys(config, origin)[-1]


def _mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"
