"""Runs collectors: many sources at once, each in its own thread, everything they say checked before it is recorded.

The threads only read. Their messages pass through one bounded queue to the thread that called `run`, which holds them
to the contract (`intake`) and is the only one that calls the recorder. A source that does not finish in time is left
alone: its thread is a daemon, `ctx.stop` is set, and what it still says is ignored.
"""

from __future__ import annotations

import logging
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from types import FrameType
from typing import Any, Protocol

import pyarrow as pa

from compliance.app.intake import Batch
from compliance.app.reading import TICK_S, Job, Reading, Said, Source, source_of
from compliance.schemas.errors import ConfigError
from compliance.schemas.evidence import Event
from compliance.schemas.messages import TRANSIENT, Bulk, Cause, Collector, Complete, Gap, Record

__all__ = ["Attempt", "Job", "Outcome", "Progress", "Recorder", "Summary", "run"]

log = logging.getLogger(__name__)

BACKOFF_LIMIT_S = 30.0
_QUEUED = 32  # batches of messages that may wait: what is in flight stays small however much a source says
_random = SystemRandom()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to read one kind from one source; `attempt` counts from 1."""

    run: str
    source: str
    collector: str
    kind: str
    attempt: int
    started_at: datetime


class Recorder(Protocol):
    """Where answers go. Called from the thread that called `run` and from no other; what it raises ends the run."""

    def state(self, attempt: Attempt, records: Sequence[Record], complete: Complete) -> None:
        """The whole set of a state kind."""
        ...

    def events(self, attempt: Attempt, records: Sequence[Record], cursor: str | None, final: Complete | None) -> None:
        """Events up to `cursor`; with `final` the last of this attempt (possibly none), and the kind is complete."""
        ...

    def table(self, attempt: Attempt, table: pa.Table, cursor: str, *, again: bool) -> int:
        """Events up to `cursor` as columns; with `again` those that are recorded already are left out. Gives how many
        were recorded."""
        ...

    def gap(self, attempt: Attempt, gap: Gap) -> None:
        """The kind could not be read in this attempt."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one kind of one source ended: `outcome` is "complete" or the cause of its last Gap. `rows` counts what was
    recorded (for events over all attempts); `duration_us` runs from the first attempt's start to the last answer."""

    source: str
    collector: str
    kind: str
    outcome: str
    rows: int
    attempts: int
    duration_us: int
    message: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """A step worth showing. `step` is started, rows, retrying, or done; `kind` is None when it is about the source."""

    source: str
    step: str
    kind: str | None = None
    rows: int = 0
    outcome: str | None = None
    done: int = 0  # sources finished so far
    total: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run brought: one outcome per source and kind, in the order of the jobs."""

    run: str
    started_at: datetime
    finished_at: datetime
    outcomes: tuple[Outcome, ...]
    interrupted: bool

    @property
    def gaps(self) -> tuple[Outcome, ...]:
        """The outcomes that are not complete."""
        return tuple(o for o in self.outcomes if o.outcome != "complete")


def run(
    jobs: Sequence[Job],
    recorder: Recorder,
    *,
    run_id: str,
    clock: Callable[[], datetime],
    parallel: int,
    progress: Callable[[Progress], None] | None = None,
    backoff_s: float = 1.0,
) -> Summary:
    """Reads every job, at most `parallel` sources at a time, and records each answer.

    Ctrl-C ends the run in order: what is complete is recorded, everything else becomes a Gap. `backoff_s` is the first
    wait before a retry; it doubles up to 30 s, shortened by chance so that sources do not return in step.

    Raises:
        ConfigError: `parallel` or a job's `attempts` below 1, or two jobs of one source.
        LedgerError: whatever the recorder raises; the threads are told to stop.
    """
    if parallel < 1 or any(job.attempts < 1 for job in jobs):
        raise ConfigError("parallel and attempts must be at least 1", remedy="correct [collect] in the configuration")
    if len({job.source for job in jobs}) < len(jobs):
        raise ConfigError("two jobs have the same source name", remedy="name each source once")
    return _Run(jobs, recorder, run_id, clock, parallel, progress or (lambda step: None), backoff_s).go()


class _Run:
    """The calling thread's side: starts attempts, takes messages, records, retries."""

    def __init__(
        self,
        jobs: Sequence[Job],
        recorder: Recorder,
        run_id: str,
        clock: Callable[[], datetime],
        parallel: int,
        progress: Callable[[Progress], None],
        backoff_s: float,
    ) -> None:
        self._recorder = recorder
        self._run_id = run_id
        self._clock = clock
        self._parallel = parallel
        self._progress = progress
        self._backoff_s = backoff_s
        self._queue: queue.Queue[Said] = queue.Queue(maxsize=_QUEUED)
        self._sources = [source_of(job) for job in jobs]
        self._waiting = deque(self._sources)
        self._active: dict[int, Reading] = {}
        self._outcomes: dict[tuple[str, str], Outcome] = {}
        self._number = 0
        self._done = 0
        self._interrupted = False

    def go(self) -> Summary:
        started_at = self._clock()
        try:
            with self._ctrl_c():
                try:
                    self._loop()
                except KeyboardInterrupt:
                    self._interrupted = True
                if self._interrupted:
                    self._give_up()
        finally:
            for source in self._sources:
                source.stop.set()
        by_source = {source.job.source: n for n, source in enumerate(self._sources)}
        outcomes = tuple(sorted(self._outcomes.values(), key=lambda outcome: by_source[outcome.source]))
        return Summary(self._run_id, started_at, self._clock(), outcomes, self._interrupted)

    @contextmanager
    def _ctrl_c(self) -> Iterator[None]:
        """Notes the first Ctrl-C instead of raising in the middle of a write; a second one raises as usual."""
        mine = threading.current_thread() is threading.main_thread()
        if not mine or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return

        def note(number: int, frame: FrameType | None) -> None:
            self._interrupted = True
            signal.signal(signal.SIGINT, signal.default_int_handler)

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _loop(self) -> None:
        while (self._waiting or self._active) and not self._interrupted:
            self._start_ready()
            try:
                said = self._queue.get(timeout=TICK_S)
            except queue.Empty:
                self._expire()
                continue
            self._take(said)
            self._expire()

    def _start_ready(self) -> None:
        now = time.monotonic()
        for source in list(self._waiting):
            if len(self._active) >= self._parallel:
                return
            if source.not_before <= now:
                self._waiting.remove(source)
                self._begin(source).start()

    def _begin(self, source: Source) -> Reading:
        source.attempt += 1
        self._number += 1
        reading = Reading(source, self._number, self._clock, self._queue)
        source.first_start = source.first_start or reading.started
        self._active[self._number] = reading
        log.info("reading source=%s attempt=%d kinds=%d", source.job.source, source.attempt, len(source.wanted))
        self._show(source, "started")
        return reading

    def _take(self, said: Said) -> None:
        reading = self._active.get(said.number)
        if reading is None:
            return  # a source that was given up still talks
        for message in said.messages:
            batch = reading.intake.take(message)
            if batch is not None:
                source = reading.source
                source.recorded[batch.kind] = source.recorded.get(batch.kind, 0) + self._keep(reading, batch)
                source.cursors[batch.kind] = batch.cursor
                self._show(source, "rows", batch.kind, source.recorded[batch.kind])
            elif isinstance(message, Complete | Gap) and isinstance(message.kind, str):
                reading.ended_at.setdefault(message.kind, time.monotonic())
            if isinstance(message, Bulk):
                reading.tables.release()
        if said.over:
            self._finish(said.number, said.broke or reading.unanswered, may_retry=True)

    def _keep(self, reading: Reading, batch: Batch) -> int:
        """Records a batch of events; gives how many were new."""
        attempt = self._attempt(reading, batch.kind)
        if batch.table is not None:
            return self._recorder.table(attempt, batch.table, batch.cursor, again=batch.again)
        self._recorder.events(attempt, batch.records, batch.cursor, None)
        return len(batch.records)

    def _expire(self) -> None:
        """Gives up the sources whose time is over, after everything they said before was heard."""
        late = [n for n, r in self._active.items() if r.spent_s() >= r.source.left_s]
        if not late:
            return
        self._drain()
        for number in late:
            reading = self._active.get(number)
            if reading is None:
                continue
            limit = reading.source.job.timeout_s
            gap = Gap(
                "",
                Cause.TIMEOUT,
                f"no answer within {limit:g} s, the time-out of source {reading.source.job.source}",
                "raise its timeout_s, or find out why the system is slow",
            )
            reading.source.stop.set()
            self._finish(number, gap, may_retry=False)

    def _drain(self) -> None:
        for _ in range(_QUEUED):
            try:
                said = self._queue.get_nowait()
            except queue.Empty:
                return
            self._take(said)

    def _give_up(self) -> None:
        """After Ctrl-C: records what is complete, and a Gap for everything else, also for what never began."""
        for source in self._sources:
            source.stop.set()
        self._drain()
        gap = Gap("", Cause.TIMEOUT, "interrupted", "run the collection again")
        for number in list(self._active):
            self._finish(number, gap, may_retry=False)
        for source in self._waiting:
            if source.attempt == 0:  # the others have their Gap from the attempt before
                self._begin(source)
                self._finish(self._number, gap, may_retry=False)

    def _finish(self, number: int, unanswered: Gap, *, may_retry: bool) -> None:
        """Records how each kind of an attempt ended, and puts the source back when a retry may help."""
        reading = self._active.pop(number)
        source = reading.source
        source.left_s -= reading.spent_s()
        again: set[str] = set()
        for ending, records in reading.intake.endings(unanswered):
            self._record(reading, ending, records)
            if isinstance(ending, Gap) and ending.cause in TRANSIENT and ending.kind in source.wanted:
                again.add(ending.kind)
        if may_retry and again and source.attempt < source.job.attempts and source.left_s > 0 and not self._interrupted:
            wait = min(BACKOFF_LIMIT_S, self._backoff_s * 2 ** (source.attempt - 1)) * _random.uniform(0.5, 1.0)
            source.not_before = time.monotonic() + wait
            source.wanted = frozenset(again)
            self._waiting.append(source)
            self._show(source, "retrying")
            return
        self._done += 1
        self._show(source, "done")

    def _record(self, reading: Reading, ending: Complete | Gap, records: tuple[Record, ...]) -> None:
        source, kind = reading.source, ending.kind
        attempt = self._attempt(reading, kind)
        before = source.recorded.get(kind, 0)
        if isinstance(ending, Gap):
            self._recorder.gap(attempt, ending)
        elif issubclass(_class_of(source.job.collector, kind), Event):
            self._recorder.events(attempt, records, ending.cursor, ending)
        else:
            self._recorder.state(attempt, records, ending)
        source.recorded[kind] = before + len(records)
        took = reading.ended_at.get(kind, time.monotonic()) - source.first_start
        outcome = str(ending.cause) if isinstance(ending, Gap) else "complete"
        self._outcomes[source.job.source, kind] = Outcome(
            source=source.job.source,
            collector=source.job.collector.name,
            kind=kind,
            outcome=outcome,
            rows=source.recorded[kind],
            attempts=source.attempt,
            duration_us=max(0, int(took * 1_000_000)),
            message=ending.message if isinstance(ending, Gap) else None,
            remedy=ending.remedy if isinstance(ending, Gap) else None,
        )
        log.info("ended source=%s kind=%s outcome=%s rows=%d", source.job.source, kind, outcome, source.recorded[kind])
        self._show(source, "done", kind, source.recorded[kind], outcome)

    def _attempt(self, reading: Reading, kind: str) -> Attempt:
        source = reading.source
        return Attempt(
            self._run_id, source.job.source, source.job.collector.name, kind, source.attempt, reading.started_at
        )

    def _show(
        self, source: Source, step: str, kind: str | None = None, rows: int = 0, outcome: str | None = None
    ) -> None:
        self._progress(Progress(source.job.source, step, kind, rows, outcome, self._done, len(self._sources)))


def _class_of(collector: Collector, kind: str) -> type[Any]:
    return next(cls for cls in collector.kinds if cls.kind == kind)
