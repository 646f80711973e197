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
    """Processes that check the ranges of a file ahead of the one who joins them. A context manager."""

    def __init__(self, path: Path, file: FileId, processes: int, segments: Path | None = None) -> None:
        self._ahead = processes + 1  # ranges at most that were begun and not yet taken: they lie in memory
        # spawn: DuckDB's threads do not survive a fork
        self._pool = ProcessPoolExecutor(
            processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(path, file, segments)
        )

    def checked(self, size: int, step: int) -> Iterator[Checked | None]:
        """The ranges of `step` of `size` entries in order, each checked from its stored start; None where no worker
        could: it died, or failed. What that means is for the caller to find out by checking the range itself."""
        begun: deque[Future[Checked]] = deque()
        starts = iter(range(0, size, step))
        while True:
            for start in starts:
                try:
                    begun.append(self._pool.submit(_check, start, min(start + step, size)))
                except BrokenProcessPool as error:
                    begun.append(_failed(error))
                if len(begun) == self._ahead:
                    break
            if not begun:
                return
            try:
                yield begun.popleft().result()
            except (BrokenProcessPool, duckdb.Error, OSError):
                yield None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)


def _failed(error: BaseException) -> Future[Checked]:
    future: Future[Checked] = Future()
    future.set_exception(error)
    return future


_connection: duckdb.DuckDBPyConnection  # of this process, when it is a worker
_source: Source


def _begin(path: Path, file: FileId, segments: Path | None) -> None:
    global _connection, _source  # all that an initializer can give to the calls after it
    _connection = attached(path, segments, threads=1, memory_limit="64MB")
    _source = sealed.source_of(dict(_connection.execute("SELECT name, value FROM stored.main.meta").fetchall()))
    sealed.find(_source, segments, Verification())  # what is wrong with them is for the one who joins to say
    sealed.lay(_connection, _source.segments)
    if file_id(path) != file:
        raise OSError(f"{path} was replaced by another file")


def _check(start: int, stop: int) -> Checked:
    return ranges.check(_connection, start, stop, ranges.stored_start(_connection, start), _source)
