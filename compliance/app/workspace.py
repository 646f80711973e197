"""An open configuration with its ledger: what every use case starts from."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from compliance.app import anchoring, discover
from compliance.app import config as configuration
from compliance.app.config import Config
from compliance.app.paths import LedgerPlaces, ledger_places
from compliance.app.where import FILE
from compliance.ledger import Keys, Ledger, Opening, stored_origin
from compliance.schemas.errors import LedgerError

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A configuration and its open ledger."""

    config: Config
    places: LedgerPlaces
    ledger: Ledger
    clock: Callable[[], datetime]


def now() -> datetime:
    """The present, aware UTC: the one place where the engine reads the clock."""
    return datetime.now(UTC)


def configured(path: Path | None, say: Say, *, propose: bool = True) -> Config:
    """The configuration; where none exists, the one that `init` would write, written now (decision 0003).

    With `propose` off nothing is looked for or written: an empty configuration stands for the missing one.
    """
    found = configuration.load(path)
    if found.path is not None or not propose:
        return found
    systems, failed = discover.discover(progress=lambda name: say(f"looking for {name} …"))
    target = Path(FILE)
    discover.write_config(target, systems, failed, organisation="(organisation not named)")
    say(f"no configuration was here: wrote {target} with {len(systems)} sources found on this machine")
    return configuration.load(target)


def places(config: Config) -> LedgerPlaces:
    """Where the ledger of this configuration and what belongs to it lie."""
    path = config.resolve(config.ledger.path)
    return places_of(config, path, config.ledger.origin or stored_origin(path) or _fresh_origin())


def places_of(config: Config, path: Path, origin: str) -> LedgerPlaces:
    """Where what belongs to the ledger `origin` at `path` lies by this configuration."""
    section = config.ledger
    return ledger_places(
        path,
        origin,
        keys=config.resolve(section.keys) if section.keys else None,
        lock_store=config.resolve(section.lock_store) if section.lock_store else None,
        keystore=config.resolve(section.keystore) if section.keystore else None,
        segments=config.resolve(section.segments) if section.segments else None,
        attachments=config.resolve(section.attachments) if section.attachments else None,
    )


@contextmanager
def opened(config: Config, say: Say, *, must_exist: bool = False) -> Iterator[Workspace]:
    """The workspace of `config`, its ledger open for writing; created when it is not there.

    When something was appended meanwhile, the newest checkpoint goes to the anchors after the ledger is closed. An
    anchor that fails is said; it fails nothing.

    Raises:
        LedgerError: no ledger where one must be; busy, too new, not writable, or not what was signed.
    """
    where = places(config)
    if must_exist and not where.path.exists():
        raise LedgerError(
            f"there is no ledger at {where.path}", remedy="`compliance collect` or `compliance audit` makes one"
        )
    with private_files(), Ledger.open(where.path, **opening(config, where, say)) as ledger:
        before = ledger.size
        yield Workspace(config, where, ledger, now)
        work = anchoring.due(config, where, ledger, now()) if ledger.size > before else None
    if work is not None:
        anchoring.tell(anchoring.write(where, work, now()), say)


def opening(config: Config, where: LedgerPlaces, say: Say) -> Opening:
    """How the ledger of `config` is opened. Raises SecretMissing when a signing key is referred to and not there."""
    return Opening(
        origin=where.origin,
        keys=where.keys,
        lock_store=where.lock_store,
        keystore=where.keystore,
        segments=where.segments,
        given_keys=given_keys(config, where.origin),
        clock=now,
        wait_s=float(config.ledger.wait_s),
        on_wait=say,
    )


def given_keys(config: Config, origin: str) -> list[Keys]:
    """The private keys that the configuration refers to. Raises SecretMissing, ConfigError."""
    references = (config.ledger.signing_key, config.ledger.next_signing_key)
    found = [Keys.of_pem(ref.resolve().encode(), origin, ref) for ref in references if ref is not None]
    if (token := config.ledger.token) is not None:
        from compliance.ledger.token import open_token

        found.append(open_token(token.module, token.token, token.key, token.pin.resolve(), origin))
    return found


@contextmanager
def private_files() -> Iterator[None]:
    """Files made meanwhile belong to this account alone: ledger, write-ahead log and reports hold personal data."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def adopt(config: Config, say: Say, *, reason: str, by: str, replace_key: bool = False) -> int:
    """Start a new lock store for a ledger that lost its old one; the entries it holds.

    Raises:
        LedgerError: there is a lock store, or no ledger.
        ConfigError: the key in force is not at hand, and `replace_key` is off.
    """
    where = places(config)
    how = opening(config, where, say)
    with Ledger.adopt(where.path, reason=reason, by=by, replace_key=replace_key, **how) as ledger:
        size, work = ledger.size, anchoring.due(config, where, ledger, now())
    anchoring.tell(anchoring.write(where, work, now()), say)
    return size


def _fresh_origin() -> str:
    host = re.sub(r"[^A-Za-z0-9.-]+", "-", socket.gethostname()) or "localhost"
    return f"{host}/evidence/{os.urandom(4).hex()}"
