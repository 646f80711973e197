"""Ranges checked by several processes, each with its own read-only connection to the ledger file.

They look only at what `ranges.check` looks at; roots, signatures, sets and personal content stay with who joins them.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

from compliance.verify import ranges, sealed
from compliance.verify.ranges import Checked
from compliance.verify.result import Verification
from compliance.verify.sealed import Source

FileId = tuple[int, int]
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "256MB",  # else DuckDB keeps every block it read
}


def attached(path: Path, segments: Path | None = None, **config: str | int) -> duckdb.DuckDBPyConnection:
    """A connection that can do nothing but read the ledger file at `path`, as `stored`, and the folder `segments`.
    Raises duckdb.Error."""
    connection = duckdb.connect(":memory:", config={**CONFIG, **config})
    try:
        quoted = str(path).replace("'", "''")
        connection.execute(f"ATTACH '{quoted}' AS stored (READ_ONLY)")
        connection.execute("SET enable_progress_bar = false")
        lock_down(connection, segments)
    except BaseException:
        connection.close()
        raise
    return connection


def lock_down(connection: duckdb.DuckDBPyConnection, segments: Path | None) -> None:
    """Nothing outside may be reached any more but these segments."""
    if segments is not None:
        folder = str(segments.absolute()).replace("'", "''")
        connection.execute(f"SET allowed_directories = ['{folder}/']")
    connection.execute("SET enable_external_access = false")


def file_id(path: Path) -> FileId:
    """What tells a file from another that took its name."""
    found = path.stat()
    return found.st_dev, found.st_ino


class Workers:
    """Processes that check some ranges of a file ahead of the one who joins them, and leave some to it. A context
    manager."""

    def __init__(self, path: Path, file: FileId, processes: int, segments: Path | None = None) -> None:
        self._processes = processes
        self._ahead = 2 * processes  # ranges at most that were begun and not yet taken: they lie in memory
        # spawn: DuckDB's threads do not survive a fork
        self._pool = ProcessPoolExecutor(
            processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(path, file, segments)
        )

    def checked(self, size: int, step: int) -> Iterator[Checked | None]:
        """The ranges of `step` of `size` entries in order, each checked from its stored start. None is for the caller
        to check itself: its share, taken while the others work, and what no worker could: it died, or failed."""
        parts = [(start, min(start + step, size)) for start in range(0, size, step)]
        theirs = deque(n for n in range(len(parts)) if not self._left(n))
        begun: deque[Future[Checked]] = deque()
        for n in range(len(parts)):
            while theirs and len(begun) < self._ahead:
                begun.append(self._begin(*parts[theirs.popleft()]))
            if self._left(n):
                yield None
                continue
            try:
                yield begun.popleft().result()
            except (BrokenProcessPool, duckdb.Error, OSError):
                yield None

    def _left(self, n: int) -> bool:
        """The range of this number is left to the caller: one in turn, and the first two, while the others start."""
        return n < 2 or n % (self._processes + 1) == 1

    def _begin(self, start: int, stop: int) -> Future[Checked]:
        try:
            return self._pool.submit(_check, start, stop)
        except BrokenProcessPool as error:
            failed: Future[Checked] = Future()
            failed.set_exception(error)
            return failed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)


_connection: duckdb.DuckDBPyConnection  # of this process, when it is a worker
_source: Source


def _begin(path: Path, file: FileId, segments: Path | None) -> None:
    global _connection, _source  # all that an initializer can give to the calls after it
    _connection = attached(path, segments, threads=1)
    _source = sealed.source_of(dict(_connection.execute("SELECT name, value FROM stored.main.meta").fetchall()))
    sealed.find(_source, segments, Verification())  # what is wrong with them is for the one who joins to say
    sealed.lay(_connection, _source.segments)
    if file_id(path) != file:
        raise OSError(f"{path} was replaced by another file")


def _check(start: int, stop: int) -> Checked:
    return ranges.check(_connection, start, stop, ranges.stored_start(_connection, start), _source)
