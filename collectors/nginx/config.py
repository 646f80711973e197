"""The configuration as nginx reads it: one tree of directives with includes in place, and the files it came from.

crossplane does the parsing. What it does not do is done here: its includes of unreadable folders come back as
nothing at all, and its error payload would leave out the directive in question. Either would make a shorter
configuration, in which what is missing cannot fail; so either is an error for the whole configuration.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import crossplane

from compliance.collectors.files import FileRead, changed_at, fetch_file, os_error
from compliance.schemas.errors import Malformed, SourceError

_MAX_DEPTH = 64  # deeper nesting of includes is a circle


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive with where it stands. `block` is None for a simple one."""

    name: str
    args: tuple[str, ...]
    block: tuple[Directive, ...] | None
    file: str
    line: int

    @property
    def where(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"

    def inner(self, *names: str) -> Iterator[Directive]:
        """Directives of these names directly inside."""
        return (d for d in self.block or () if d.name in names)

    def walk(self) -> Iterator[Directive]:
        """Everything inside, at any depth, in order."""
        for directive in self.block or ():
            yield directive
            yield from directive.walk()


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration."""

    path: str
    main: Directive  # a made-up outermost block
    files: tuple[FileRead, ...]
    changed_at: datetime  # the newest change of a file, of a link to one, or of a folder of include patterns

    def blocks(self, *path: str) -> Iterator[Directive]:
        """The blocks reached by these names from the top: `blocks("http", "server")`."""
        found: list[Directive] = [self.main]
        for name in path:
            found = [inner for outer in found for inner in outer.inner(name)]
        return iter(found)


def fetch_config(path: str) -> Config:
    """Read and parse the configuration that starts at `path`.

    Raises:
        Absent: a file or an explicitly named include does not exist.
        Denied: a file, or the folder of an include pattern, may not be read.
        Malformed: nginx would refuse it.
    """
    main = Path(path)
    fetch_file(str(main))  # so that what is wrong with the first file is told in our words
    payload: Mapping[str, Any] = crossplane.parse(str(main), onerror=lambda error: error)
    for error in payload["errors"]:
        raise _source_error(error)
    parsed = payload["config"]
    folders = _check_patterns(parsed, main.parent)
    tree = _expand(parsed, 0, ())
    files = tuple(fetch_file(f["file"]) for f in parsed)
    return Config(
        path=str(main),
        main=Directive("main", (), tuple(tree), str(main), 0),
        files=files,
        changed_at=max(changed_at(place) for place in (*(f.path for f in files), *folders)),
    )


def fetch_matches(pattern: str) -> list[str]:
    """The files that an include pattern names, sorted. Raises Denied when a folder on the way cannot be listed."""
    if not glob.has_magic(pattern):
        return [pattern]
    for folder in folders_of(pattern):
        _check_listing(folder)
    return sorted(glob.glob(pattern))


def folders_of(pattern: str) -> list[Path]:
    """The folders whose listing decides what an include pattern names; none for a plain path."""
    if not glob.has_magic(pattern):
        return []
    folder = Path(pattern)
    while glob.has_magic(str(folder)):
        folder = folder.parent
    return [folder, *_folders(pattern, folder)]


def _folders(pattern: str, above: Path) -> Iterator[Path]:
    """Folders that match the leading parts of a pattern: each must be listable, or files below it go missing."""
    parts = Path(pattern).relative_to(above).parts
    for depth in range(1, len(parts)):
        for found in glob.glob(str(above.joinpath(*parts[:depth]))):
            if os.path.isdir(found):
                yield Path(found)


def _check_listing(folder: Path) -> None:
    try:
        names = os.listdir(folder)
        if names:
            os.lstat(folder / names[0])  # a folder that may be listed and not entered hides every file in it
    except FileNotFoundError:
        return  # a pattern in a folder that is not there matches nothing, for nginx too
    except OSError as error:
        raise os_error(str(folder), error) from error


def _source_error(error: Mapping[str, Any]) -> SourceError:
    cause = error.get("callback")
    place = f"{error['file']}:{error['line']}" if error.get("line") else str(error["file"])
    if isinstance(cause, OSError):
        told = os_error(str(cause.filename or error["file"]), cause)
        told.message = f"{told.message} (read for {place})"
        told.args = (told.message,)
        return told
    return Malformed(
        f"{place}: nginx would refuse this: {error['error']}", remedy="correct it; `nginx -t` shows it too"
    )


def _check_patterns(parsed: Sequence[Mapping[str, Any]], folder: Path) -> list[str]:
    """The folders that include patterns look into, each of which must be listable."""

    def includes(block: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        for stmt in block:
            if stmt["directive"] == "include" and stmt["args"]:
                yield str(folder / stmt["args"][0])
            yield from includes(stmt.get("block", ()))

    looked: list[str] = []
    for file in parsed:
        for pattern in includes(file["parsed"]):
            fetch_matches(pattern)
            looked += [str(part) for part in folders_of(pattern) if part.is_dir()]
    return looked


def _expand(parsed: Sequence[Mapping[str, Any]], index: int, chain: tuple[int, ...]) -> Iterator[Directive]:
    file = parsed[index]
    if index in chain or len(chain) > _MAX_DEPTH:
        raise Malformed(f"{file['file']} includes itself", remedy="break the circle of includes")

    def build(block: Sequence[Mapping[str, Any]]) -> Iterator[Directive]:
        for stmt in block:
            if "includes" in stmt:
                for included in stmt["includes"]:
                    yield from _expand(parsed, included, (*chain, index))
                continue
            inner = tuple(build(stmt["block"])) if "block" in stmt else None
            yield Directive(stmt["directive"], tuple(stmt["args"]), inner, file["file"], stmt["line"])

    return build(file["parsed"])
