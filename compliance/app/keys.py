"""The signing key of the configured ledger."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from compliance.app import workspace
from compliance.app.config import Config
from compliance.ledger import Keys
from compliance.schemas.errors import ConfigError


def public(config: Config) -> str:
    """The public key in C2SP form. Raises ConfigError while there is none: it is made with the ledger."""
    places = workspace.places(config)
    try:
        return Keys.open(places.keys, places.origin, create=False).vkey
    except ConfigError as error:
        raise ConfigError(error.message, remedy="the key is made on first use: compliance audit") from error


def describe(config: Config) -> dict[str, Any]:
    """Origin, public key, folder, and the modes of the files in it."""
    places = workspace.places(config)
    return {
        "origin": places.origin,
        "vkey": public(config),
        "folder": str(places.keys),
        "files": ", ".join(f"{path.name} {_mode(path)}" for path in sorted(places.keys.iterdir()) if path.is_file()),
        "lock store": str(places.lock_store),
        "keys of personal content": str(places.keystore),
    }


def _mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"
