"""Repositories on this machine: where we stand, and in the few places where clones usually lie."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

from compliance.collectors.git.clone import folders, is_repository
from compliance.schemas.errors import SourceError
from compliance.schemas.messages import Discovery, Found

_PLACES = ("srv", "opt", "srv/git", "var/lib/git", "var/www", "home/git")


def found_here(ctx: Discovery) -> Iterator[Found]:
    """The repository around the current folder, then those directly below it and below the usual places.
    Never deeper, and never longer than the time-out."""
    deadline = time.monotonic() + ctx.timeout_s
    seen: set[Path] = set()
    names: set[str] = set()
    for path, why in _candidates(ctx):
        if time.monotonic() > deadline:
            return
        if path not in seen and _is_repository(path):
            seen.add(path)
            name = re.sub(r"[^a-z0-9_]+", "_", path.name.removesuffix(".git").lower()).strip("_") or "repository"
            unique = next(n for n in (name, *(f"{name}_{k}" for k in range(2, 10_000))) if n not in names)
            names.add(unique)
            yield Found(unique, {"paths": [str(path)]}, why)


def _candidates(ctx: Discovery) -> Iterator[tuple[Path, str]]:
    folder = ctx.folder.resolve()
    for above in (folder, *folder.parents):
        if _is_repository(above):
            yield above, f"the current folder {folder} lies in it"
            break
    for place in (folder, *(ctx.root / name for name in _PLACES)):
        for below in _folders(place):
            yield below, f"a clone below {place}"


def _is_repository(path: Path) -> bool:
    try:
        return is_repository(path)
    except (SourceError, OSError):  # discovery proposes what it can see; `check` tells what cannot be read
        return False


def _folders(path: Path) -> list[Path]:
    try:
        return folders(path)
    except OSError:
        return []
