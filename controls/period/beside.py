"""Two controls at a time: while DuckDB works on one, Python works on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import SimpleQueue

import duckdb

from compliance.controls.evidence_base import TimeLimit
from compliance.controls.period.replay import Replayed, Told
from compliance.schemas.results import UnknownReason

AT_A_TIME = 2  # each needs memory of its own; more gain nothing where two processors are


def side_by_side(
    names: Iterable[str],
    told: Told,
    judge: Callable[[str, Told], Replayed],
    progress: Callable[[str], None] | None = None,
) -> dict[str, Replayed]:
    """What `judge` says of each control, in the order of `names`; `judge` runs in threads, `progress` in the caller's.

    Two share a limit of memory and processors: one that could not be evaluated is judged again by itself, so that its
    neighbour decides nothing. Raises what `judge` raises; an interrupt stops the queries that run.
    """
    found: dict[str, Replayed | None] = {}
    sides = [told.beside() for _ in range(AT_A_TIME)]
    free: SimpleQueue[Told] = SimpleQueue()
    for side in sides:
        free.put(side)

    def judged(name: str) -> Replayed | None:
        mine = free.get()
        try:
            return judge(name, mine)
        except (TimeLimit, duckdb.Error):
            return None
        finally:
            free.put(mine)

    try:
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            waiting = {name: pool.submit(judged, name) for name in names}
            try:
                for name, one in waiting.items():
                    if progress is not None:
                        progress(name)
                    found[name] = one.result()
            except BaseException:
                _stop(waiting.values(), sides)
                raise
    finally:
        for side in sides:
            side.history.close()
    return {
        name: judge(name, told) if one is None or one.period.unknown_reason is UnknownReason.ERROR else one
        for name, one in found.items()
    }


def _stop(waiting: Iterable[Future[Replayed | None]], sides: Iterable[Told]) -> None:
    running = {one for one in waiting if not one.cancel()}
    while running:
        for side in sides:
            side.history.interrupt()
        running = wait(running, timeout=0.1).not_done
