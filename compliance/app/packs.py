"""Controls of others: folders of definitions that an organisation names, and packs that are installed.

Nothing is evaluated that was not named: an installed pack counts only when `[controls] packs` has it, so that no
package changes what an audit asks without anybody saying so.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

from compliance.app.config import Config
from compliance.app.where import nearest
from compliance.controls import catalogue
from compliance.controls.catalogue import Catalogue
from compliance.schemas.errors import ConfigError

GROUP = "compliance.controls"


def load(config: Config, folders: Sequence[Path] = ()) -> Catalogue:
    """Our definitions with those of the configured packs and folders, and of `folders`, which are given by hand.

    Raises:
        ConfigError: no installed pack has a configured name, or it cannot be imported.
        ControlError: a definition is wrong, or is one that exists already; names file and line.
    """
    named = [_folder(name) for name in config.controls.packs]
    own = [config.resolve(folder) for folder in config.controls.folders]
    return catalogue.load(list(dict.fromkeys(path.absolute() for path in (*named, *own, *folders))))


def installed() -> list[str]:
    """Names of the packs that are installed, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def _folder(name: str) -> Path:
    """The folder of an installed pack: the entry point names a package, or a path within one (`package:folder`)."""
    points = entry_points(group=GROUP, name=name)
    if not points:
        raise ConfigError(
            f"no pack of controls is called {name!r}{nearest(name, installed())}",
            remedy=f"install it, or take it out of [controls] packs; installed: {', '.join(installed()) or 'none'}",
        )
    module, _, inner = next(iter(points)).value.partition(":")
    try:
        found = importlib.import_module(module).__file__
    except ImportError as error:
        raise ConfigError(f"pack {name} cannot be imported: {error}", remedy="reinstall or remove it") from error
    if found is None:
        raise ConfigError(f"pack {name}: {module} is no package with files", remedy="its package needs __init__.py")
    return Path(found).parent / inner
