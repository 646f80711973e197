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

from compliance.verify import ranges
from compliance.verify.ranges import Checked

FileId = tuple[int, int]
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "256MB",  # else DuckDB keeps every block it read
}


def attached(path: Path, **config: str | int) -> duckdb.DuckDBPyConnection:
    """A connection that can do nothing but read the ledger file at `path`, as `stored`. Raises duckdb.Error."""
    connection = duckdb.connect(":memory:", config={**_CONFIG, **config})
    try:
        quoted = str(path).replace("'", "''")
        connection.execute(f"ATTACH '{quoted}' AS stored (READ_ONLY)")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET enable_progress_bar = false")
    except BaseException:
        connection.close()
        raise
    return connection


def file_id(path: Path) -> FileId:
    """What tells a file from another that took its name."""
    found = path.stat()
    return found.st_dev, found.st_ino


class Workers:
    """Processes that check the ranges of a file ahead of the one who joins them. A context manager."""

    def __init__(self, path: Path, file: FileId, processes: int) -> None:
        self._ahead = processes + 1  # ranges at most that were begun and not yet taken: they lie in memory
        # spawn: DuckDB's threads do not survive a fork
        self._pool = ProcessPoolExecutor(
            processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(path, file)
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


def _begin(path: Path, file: FileId) -> None:
    global _connection  # all that an initializer can give to the calls after it
    _connection = attached(path, threads=1, memory_limit="64MB")
    if file_id(path) != file:
        raise OSError(f"{path} was replaced by another file")


def _check(start: int, stop: int) -> Checked:
    return ranges.check(_connection, start, stop, ranges.stored_start(_connection, start))
