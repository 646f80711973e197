"""One attempt to read one source, in its own thread, and what there is to know of the source meanwhile.

The thread only reads: it passes messages, or how the collector broke, to a bounded queue, and stops when told to.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from compliance.app.intake import Intake, SecretFilter
from compliance.schemas.errors import ComplianceError, SourceError
from compliance.schemas.messages import Bulk, Cause, Collector, Context, Gap, Record, Settings, promised

log = logging.getLogger(__name__)

TICK_S = 0.1  # how soon an interruption or a passed time-out is noticed
_TABLES = 2  # tables of events that may wait to be recorded
_BATCH = 200  # records a thread gathers before it hands them over


@dataclass(frozen=True, slots=True)
class Job:
    """One source to read. `timeout_s` is the time it may take over all attempts (waiting for a retry or for the
    recorder not counted), `request_timeout_s` bounds one request, `rate_per_s` the requests a second (None: no limit),
    `secrets` its resolved secret values, which must appear nowhere in the answer."""

    source: str
    collector: Collector
    settings: Settings
    timeout_s: float
    request_timeout_s: float
    rate_per_s: float | None
    attempts: int
    cursors: Mapping[str, str]
    secrets: frozenset[str]


class Stopped(SourceError):
    """The run no longer waits for this thread."""

    cause = "timeout"


class Throttle:
    """Keeps at least 1/`rate_per_s` seconds between requests; after `stop` it lets nothing through."""

    def __init__(self, rate_per_s: float | None, stop: threading.Event) -> None:
        self._gap_s = 1 / rate_per_s if rate_per_s else 0.0
        self._stop = stop
        self._lock = threading.Lock()
        self._next = 0.0

    def __call__(self) -> None:
        """Returns when a request may be sent; raises a SourceError (timeout) once the run was stopped."""
        with self._lock:
            now = time.monotonic()
            wait = max(0.0, self._next - now)
            self._next = max(now, self._next) + self._gap_s
        if self._stop.wait(wait) if wait else self._stop.is_set():
            raise Stopped("the run was stopped; nothing more is read", remedy="run it again")


@dataclass(slots=True, eq=False)
class Source:
    """A job on its way through its attempts."""

    job: Job
    wanted: frozenset[str]
    secrets: SecretFilter
    stop: threading.Event
    throttle: Throttle
    cursors: dict[str, str]
    left_s: float
    attempt: int = 0
    not_before: float = 0.0
    first_start: float = 0.0
    recorded: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """What a thread hands over: messages, or its end (with the Gap of its unanswered kinds when it broke)."""

    number: int
    messages: tuple[object, ...]
    over: bool = False
    broke: Gap | None = None


class Reading:
    """One attempt in its own thread. All but `_work` and `_put` belong to the calling thread."""

    def __init__(self, source: Source, number: int, clock: Callable[[], datetime], out: queue.Queue[Said]) -> None:
        self.source = source
        self.started_at = clock()
        self.started = time.monotonic()
        self.ended_at: dict[str, float] = {}
        kinds = promised(source.job.collector, source.job.settings)
        self.intake = Intake(kinds, source.wanted, source.secrets, source.job.collector.name)
        self.unanswered = Gap(
            "",
            Cause.MALFORMED,
            f"collector {source.job.collector.name} ended without an answer for this kind",
            "report it to the maker of the collector: each wanted kind ends in one Complete or Gap",
        )
        self._number = number
        self._out = out
        self._blocked_s = 0.0
        self._blocked_since: float | None = None
        self._ended: float | None = None
        self.tables = threading.Semaphore(_TABLES)  # released by the runner when one is recorded
        self._context: Context[Any] = Context(
            source=source.job.source,
            settings=source.job.settings,
            clock=clock,
            wanted=source.wanted,
            timeout_s=source.job.request_timeout_s,
            cursors=dict(source.cursors),
            throttle=source.throttle,
            stop=source.stop,
        )
        name = f"collect-{source.job.source}-{source.attempt}"
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begins reading."""
        self._thread.start()

    def spent_s(self) -> float:
        """Time the source itself took so far; waiting for the recorder is not its fault."""
        since, now = self._blocked_since, self._ended or time.monotonic()
        return now - self.started - self._blocked_s - (max(0.0, now - since) if since is not None else 0.0)

    def _work(self) -> None:
        broke: Gap | None = None
        try:
            self._read()
        except Stopped:
            log.debug("stopped source=%s", self.source.job.source)
        except BaseException as error:  # noqa: BLE001 -- the one border around a plugin: whatever it raises is a Gap
            broke = _broken(self.source.job.collector.name, error)
        self._ended = time.monotonic()
        try:
            self._put(Said(self._number, (), over=True, broke=broke))
        except Stopped:
            log.debug("late end ignored source=%s", self.source.job.source)

    def _read(self) -> None:
        """Passes on what the collector says: records in batches, everything else at once."""
        said: list[object] = []
        for message in self.source.job.collector.collect(self._context):
            if isinstance(message, Bulk):
                with self._blocked():
                    self._room()
            said.append(message)
            if len(said) >= _BATCH or not isinstance(message, Record):
                self._put(Said(self._number, tuple(said)))
                said.clear()
            elif self.source.stop.is_set():
                raise Stopped("stopped")
        if said:
            self._put(Said(self._number, tuple(said)))

    def _put(self, said: Said) -> None:
        try:
            self._out.put_nowait(said)
            return
        except queue.Full:
            pass
        with self._blocked():
            while not self.source.stop.is_set():
                try:
                    self._out.put(said, timeout=TICK_S)
                except queue.Full:
                    continue
                return
            raise Stopped("stopped")

    def _room(self) -> None:
        """Returns when one more table may be on its way: they are large, and the queue counts messages."""
        while not self.source.stop.is_set():
            if self.tables.acquire(timeout=TICK_S):
                return
        raise Stopped("stopped")

    @contextmanager
    def _blocked(self) -> Iterator[None]:
        """The time inside is the recorder's, not the source's."""
        since = self._blocked_since = time.monotonic()
        yield
        self._blocked_s += time.monotonic() - since
        self._blocked_since = None


def _broken(collector: str, error: BaseException) -> Gap:
    """The Gap for kinds left unanswered when a collector raised."""
    remedy = str(error.remedy) if isinstance(error, ComplianceError) and error.remedy else None
    if isinstance(error, SourceError) and error.cause in set(Cause):
        return Gap("", Cause(error.cause), str(error), remedy or "mend what the message names")
    if isinstance(error, ValidationError):  # its own text repeats the values, which may be personal
        problems = error.errors(include_input=False, include_context=False, include_url=False)
        said = "; ".join(f"{error.title}.{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in problems[:5])
    else:
        said = str(error) or "no message"
    return Gap(
        "",
        Cause.MALFORMED,
        f"collector {collector} broke: {type(error).__name__}: {said}",
        remedy or "report it to the maker of the collector, with this message",
    )


def source_of(job: Job) -> Source:
    """The source of a job, before its first attempt."""
    stop = threading.Event()
    kinds = tuple(cls.kind for cls in promised(job.collector, job.settings))
    return Source(
        job=job,
        wanted=frozenset(kinds),
        secrets=SecretFilter(job.secrets),
        stop=stop,
        throttle=Throttle(job.rate_per_s, stop),
        cursors=dict(job.cursors),
        left_s=job.timeout_s,
    )
