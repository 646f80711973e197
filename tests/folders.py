"""Moving and removing folders in which sealed months lie: those cannot be written, not even by who owns them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def remove(folder: Path) -> None:
    """Remove a folder with everything in it."""
    for below, _, _ in os.walk(folder):
        Path(below).chmod(0o755)
    shutil.rmtree(folder)


def move(folder: Path, target: Path) -> None:
    """Move a folder to another one."""
    folder.chmod(0o755)
    folder.rename(target)
