"""The files of one audit: written into a folder of their own that appears when all of them are there."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from compliance.reports import index, render
from compliance.schemas.errors import ReportError, StorageFull
from compliance.schemas.results import AuditResult

Language = Literal["en", "es"]


@dataclass(frozen=True, slots=True)
class Written:
    """The folder of one audit and what is in it: (name, SHA-256) in order."""

    folder: Path
    files: tuple[tuple[str, str], ...]


def publish(
    result: AuditResult,
    output: Path,
    *,
    languages: Sequence[Language],
    formats: Sequence[str],
    progress: Callable[[str], None] | None = None,
) -> Written:
    """Write the reports of `result` below `output/<audit>` and point `output/latest` at it.

    Raises:
        StorageFull: the folder cannot be written; nothing half-written stays behind.
        ReportError: a report could not be made.
    """
    final = output / result.audit
    partial = output / f".{result.audit}.partial"
    try:
        partial.mkdir(parents=True)
        try:
            _render(result, partial, languages, formats, progress or (lambda text: None))
            files = tuple((path.name, _sha256(path)) for path in sorted(partial.iterdir()))
            partial.rename(final)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        _point(output / "latest", final.name)
    except (OSError, ReportError) as error:
        reason = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(reason, OSError):
            raise
        raise StorageFull(
            f"reports cannot be written to {output}: {reason.strerror or reason}",
            remedy="free space, or another folder with -o; the verdicts are recorded: run again with --no-collect",
        ) from error
    return Written(final, files)


def _render(
    result: AuditResult,
    folder: Path,
    languages: Sequence[Language],
    formats: Sequence[str],
    tell: Callable[[str], None],
) -> None:
    files = render.write_data(result, folder, formats)
    if "pdf" in formats:
        tell(f"writing {len(result.frameworks) * len(languages)} working papers …")
        frameworks = [item.framework.id for item in result.frameworks]
        files += render.render_all(result, frameworks, folder, languages, lambda f: tell(f"wrote {f.path.name}"))
    if "html" in formats:
        index.write_index(result, files, folder)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _point(link: Path, target: str) -> None:
    """Move the link in one step; a plain folder of that name is somebody's own and stays."""
    if link.exists() and not link.is_symlink():
        return
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.symlink_to(target)
    temporary.replace(link)
