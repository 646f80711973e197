"""The runner against collectors that keep the contract and collectors that break it, one breach each."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import pyarrow as pa
import pytest

from compliance.app import intake
from compliance.app.runner import Attempt, Job, Outcome, Progress, Summary, run
from compliance.ledger import sheets
from compliance.schemas.errors import ConfigError, LedgerError, Unreachable
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.code import Commit, Repository
from compliance.schemas.kinds.identity import AuthPolicy
from compliance.schemas.messages import (
    Access,
    Bulk,
    Cause,
    Complete,
    Context,
    Discovery,
    Found,
    Gap,
    Mark,
    Message,
    Record,
    Request,
    Settings,
)

SECRET = "correct horse/battery"
Script = Callable[[Context[Any]], Iterator[Any]]


def clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class Memory:
    """A recorder that keeps what it is given."""

    calls: list[tuple[str, Attempt, tuple[Record, ...], Complete | Gap | str | None]] = field(default_factory=list)
    tables: list[tuple[int, str, bool]] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    delay_s: float = 0.0

    def state(self, attempt: Attempt, records: Sequence[Record], complete: Complete) -> None:
        self._keep("state", attempt, records, complete)

    def table(self, attempt: Attempt, table: pa.Table, cursor: str, *, again: bool) -> int:
        self.tables.append((len(table), cursor, again))
        return len(table)

    def events(self, attempt: Attempt, records: Sequence[Record], cursor: str | None, final: Complete | None) -> None:
        self._keep("final" if final else "batch", attempt, records, cursor)

    def gap(self, attempt: Attempt, gap: Gap) -> None:
        self._keep("gap", attempt, (), gap)

    def _keep(self, what: str, attempt: Attempt, records: Sequence[Record], said: Complete | Gap | str | None) -> None:
        time.sleep(self.delay_s)
        self.threads.add(threading.get_ident())
        self.calls.append((what, attempt, tuple(records), said))

    def of(self, kind: str) -> list[tuple[str, int, int]]:
        """What was recorded of a kind: (call, rows, attempt)."""
        return [
            (what, len(records), attempt.attempt) for what, attempt, records, _ in self.calls if attempt.kind == kind
        ]


class Scripted:
    """A collector that says what it was built with."""

    name: ClassVar[str] = "scripted"
    title: ClassVar[str] = "Scripted"
    kinds: ClassVar[tuple[type[Evidence], ...]] = (Repository, Commit)
    Settings: ClassVar[type[Settings]] = Settings

    def __init__(self, script: Script) -> None:
        self.script = script

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        return iter(())

    def check(self, ctx: Context[Any]) -> Iterator[Access]:
        return iter(())

    def collect(self, ctx: Context[Any]) -> Iterator[Message]:
        return self.script(ctx)


def repository(name: str, **columns: Any) -> Record:
    return Record(Repository(repository=name, **columns))


def commit(number: int, **columns: Any) -> Record:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return Record(Commit(occurred_at=when, repository="r", commit=f"{number:040x}", **columns))


def job(script: Script, source: str = "one", **changes: Any) -> Job:
    fields: dict[str, Any] = {
        "source": source,
        "collector": Scripted(script),
        "settings": Settings(),
        "timeout_s": 60.0,
        "request_timeout_s": 5.0,
        "rate_per_s": None,
        "attempts": 1,
        "cursors": {},
        "secrets": frozenset(),
    }
    return Job(**{**fields, **changes})


def go(*jobs: Job, memory: Memory | None = None, parallel: int = 4) -> tuple[Summary, Memory]:
    memory = memory or Memory()
    summary = run(jobs, memory, run_id="run-1", clock=clock, parallel=parallel, backoff_s=0.01)
    return summary, memory


def outcome(summary: Summary, kind: str, source: str = "one") -> Outcome:
    found = [o for o in summary.outcomes if (o.source, o.kind) == (source, kind)]
    assert len(found) == 1
    return found[0]


def good(ctx: Context[Any]) -> Iterator[Message]:
    yield repository("a")
    yield repository("b")
    yield Complete("repository", (Request("file", "/a"),), independent_count=2)
    yield commit(1)
    yield Complete("commit", cursor="c1")


def test_a_good_source_is_recorded_once_from_the_calling_thread() -> None:
    summary, memory = go(job(good))
    assert memory.of("repository") == [("state", 2, 1)]
    assert memory.of("commit") == [("final", 1, 1)]
    assert memory.threads == {threading.get_ident()}
    assert [(o.kind, o.outcome, o.rows) for o in summary.outcomes] == [
        ("repository", "complete", 2),
        ("commit", "complete", 1),
    ]
    assert not summary.gaps
    assert not summary.interrupted
    assert memory.calls[0][1].run == "run-1"
    assert memory.calls[0][1].started_at.tzinfo is not None


def test_an_empty_complete_answer_is_complete_and_not_a_gap() -> None:
    summary, memory = go(job(lambda ctx: iter([Complete("repository"), Complete("commit")])))
    assert memory.of("repository") == [("state", 0, 1)]
    assert not summary.gaps


BREACHES: dict[str, tuple[Callable[[], list[Any]], str]] = {
    "no ending": (lambda: [repository("a")], "without an answer"),
    "two endings": (lambda: [Complete("repository"), Complete("repository")], "after its ending"),
    "complete, then gap": (
        lambda: [Complete("repository"), Gap("repository", Cause.DENIED, "no", "grant it")],
        "after its ending",
    ),
    "record after ending": (lambda: [Complete("repository"), repository("a")], "after the ending"),
    "duplicate key": (lambda: [repository("a"), repository("a"), Complete("repository")], "same key twice"),
    "NULL key": (
        lambda: [Record(Repository.model_construct(repository=None)), Complete("repository")],
        "cannot be recorded",
    ),
    "unset column": (lambda: [Record(Repository.model_construct()), Complete("repository")], "cannot be recorded"),
    "undecodable text": (lambda: [repository("a\udcff"), Complete("repository")], "cannot be recorded"),
    "number out of range": (lambda: [repository("a", commits=2**60), Complete("repository")], "cannot be recorded"),
    "naive observation time": (
        lambda: [Record(Repository(repository="a"), datetime(2026, 1, 1)), Complete("repository")],  # noqa: DTZ001
        "without a time zone",
    ),
    "mark in a state": (lambda: [Mark("repository", "c"), Complete("repository")], "only events"),
    "no message": (lambda: [{"repository": "a"}, Complete("repository")], "no message of the contract"),
    "request that is text": (lambda: [Complete("repository", ("select 1",))], "wrong types"),  # type: ignore[arg-type]
    "count that is text": (
        lambda: [Complete("repository", independent_count="0")],  # type: ignore[arg-type]
        "wrong types",
    ),
    "cause that is none": (
        lambda: [Gap("repository", "sulking", "m", "r")],  # type: ignore[arg-type]
        "wrong types",
    ),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_of_the_contract_is_a_malformed_gap(name: str) -> None:
    messages, words = BREACHES[name]
    summary, memory = go(job(lambda ctx: iter(messages())))
    assert memory.of("repository") == [("gap", 0, 1)]
    found = outcome(summary, "repository")
    assert (found.outcome, found.rows) == ("malformed", 0)
    assert words in (found.message or "")
    assert found.remedy


def test_a_kind_with_a_good_ending_stays_good_when_another_kind_breaks() -> None:
    def script(ctx: Context[Any]) -> Iterator[Message]:
        yield repository("a")
        yield Complete("repository")
        raise ValueError("unexpected")

    summary, memory = go(job(script))
    assert memory.of("repository") == [("state", 1, 1)]
    found = outcome(summary, "commit")
    assert (found.outcome, found.message) == ("malformed", "collector scripted broke: ValueError: unexpected")
    assert "report it" in (found.remedy or "")


def test_kinds_never_promised_are_gaps_and_never_rows() -> None:
    policy = Record(AuthPolicy(system="s"))
    script = [policy, Complete("auth_policy"), Mark("Not A Kind", "x"), *good(None)]  # type: ignore[arg-type]
    summary, memory = go(job(lambda ctx: iter(script)))
    assert memory.of("auth_policy") == [("gap", 0, 1)]
    assert memory.of("unknown_kind") == [("gap", 0, 1)]
    assert outcome(summary, "repository").outcome == "complete"


class Choosing(Scripted):
    """A collector whose sources promise what their settings name."""

    def promises(self, settings: Settings) -> tuple[type[Evidence], ...]:
        return (Repository,)


def test_a_source_is_asked_for_what_its_settings_promise_and_for_nothing_else() -> None:
    def script(ctx: Context[Any]) -> Iterator[Any]:
        assert ctx.wanted == {"repository"}
        return good(ctx)  # speaks of commits, too

    one = job(script)
    summary, memory = go(Job(**{**{name: getattr(one, name) for name in Job.__slots__}, "collector": Choosing(script)}))
    assert outcome(summary, "repository").outcome == "complete"
    assert memory.of("commit") == [("gap", 0, 1)]
    assert "which it does not promise" in (outcome(summary, "commit").message or "")


def test_a_source_that_counts_more_than_it_gives_is_truncated() -> None:
    summary, memory = go(job(lambda ctx: iter([repository("a"), Complete("repository", independent_count=2)])))
    found = outcome(summary, "repository")
    assert (found.outcome, memory.of("repository")) == ("truncated", [("gap", 0, 1)])
    assert "1 rows were read, but the source counts 2" in (found.message or "")


def test_a_gap_drops_the_rows_of_a_state_and_the_unmarked_events() -> None:
    def script(ctx: Context[Any]) -> Iterator[Message]:
        yield repository("a")
        yield Gap("repository", Cause.DENIED, "no", "grant it")
        yield commit(1)
        yield Mark("commit", "c1")
        yield commit(2)
        yield Gap("commit", Cause.DENIED, "no", "grant it")

    _, memory = go(job(script))
    assert memory.of("repository") == [("gap", 0, 1)]
    assert memory.of("commit") == [("batch", 1, 1), ("gap", 0, 1)]


def test_events_are_handed_over_at_each_mark() -> None:
    def script(ctx: Context[Any]) -> Iterator[Message]:
        for number in range(5):
            yield commit(number)
            if number % 2:
                yield Mark("commit", f"c{number}")
        yield Complete("commit", cursor="c4", independent_count=5)

    summary, memory = go(job(script))
    batches = [(what, len(rows), said) for what, a, rows, said in memory.calls if a.kind == "commit"]
    assert batches == [("batch", 2, "c1"), ("batch", 2, "c3"), ("final", 1, "c4")]
    assert outcome(summary, "commit").rows == 5


def test_events_that_are_never_marked_do_not_pile_up() -> None:
    produced = 0

    def script(ctx: Context[Any]) -> Iterator[Message]:
        nonlocal produced
        for number in range(intake.MAX_UNMARKED + 1):
            produced += 1
            yield commit(number)
        yield Complete("commit")

    summary, _ = go(job(script))
    assert produced == intake.MAX_UNMARKED + 1
    assert outcome(summary, "commit").outcome == "malformed"
    assert "without a Mark" in (outcome(summary, "commit").message or "")


def sheet(*numbers: int, **columns: Any) -> pa.Table:
    """Commits as columns."""
    wanted = sheets.shape(Commit)
    rows = [{"occurred_at": clock(), "repository": "r", "commit": str(n), **columns} for n in numbers]
    return pa.Table.from_pylist(rows, schema=wanted)


def test_a_table_of_events_is_recorded_with_its_position() -> None:
    def script(ctx: Context[Any]) -> Iterator[Message]:
        yield Bulk("commit", sheet(1, 2, 3), "c3")
        yield Bulk("commit", sheet(3, 4), "c4", again=True)
        yield Complete("commit", cursor="c4", independent_count=5)

    summary, memory = go(job(script))
    assert memory.tables == [(3, "c3", False), (2, "c4", True)]
    assert outcome(summary, "commit").outcome == "complete"
    assert outcome(summary, "commit").rows == 5


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (lambda: sheet(1).drop_columns(["author_name"]), "other columns"),
        (lambda: sheet(1, 1), "same key twice"),
        (lambda: sheet(1, author_name=f"x{SECRET}y"), "a secret appeared"),
        (lambda: None, "cannot be recorded"),
        (lambda: [1], "cannot be recorded"),
    ],
)
def test_a_table_that_breaks_the_contract_is_a_gap_and_not_recorded(table: Any, words: str) -> None:
    def script(ctx: Context[Any]) -> Iterator[Any]:
        yield Bulk("commit", table(), "c1")
        yield Complete("commit")

    summary, memory = go(job(script, secrets=frozenset({SECRET})))
    assert memory.tables == []
    assert outcome(summary, "commit").outcome == "malformed"
    assert words in (outcome(summary, "commit").message or "")


def test_a_table_of_a_state_after_single_events_or_after_the_ending_is_a_breach() -> None:
    def state(ctx: Context[Any]) -> Iterator[Message]:
        yield Bulk("repository", sheet(1), "c1")
        yield Complete("repository")
        yield commit(1)
        yield Bulk("commit", sheet(2), "c1")
        yield Complete("commit")

    def late(ctx: Context[Any]) -> Iterator[Message]:
        yield Complete("commit")
        yield Bulk("commit", sheet(2), "c1")

    for script, kinds in ((state, {"repository", "commit"}), (late, {"commit"})):
        summary, memory = go(job(script))
        assert memory.tables == []
        assert kinds <= {o.kind for o in summary.outcomes if o.outcome == "malformed"}


def test_few_tables_wait_for_a_slow_recorder() -> None:
    produced = ahead = 0

    class Slow(Memory):
        def table(self, attempt: Attempt, table: pa.Table, cursor: str, *, again: bool) -> int:
            nonlocal ahead
            time.sleep(0.01)
            ahead = max(ahead, produced - len(self.tables))
            return super().table(attempt, table, cursor, again=again)

    def script(ctx: Context[Any]) -> Iterator[Message]:
        nonlocal produced
        for number in range(12):
            produced += 1
            yield Bulk("commit", sheet(number), f"c{number}")
        yield Complete("commit")

    summary, memory = go(job(script), memory=Slow())
    assert len(memory.tables) == 12
    assert ahead <= 4
    assert outcome(summary, "commit").outcome == "complete"


def test_a_fast_source_waits_for_a_slow_recorder() -> None:
    ahead = 0

    class Slow(Memory):
        taken = 0

        def events(self, attempt: Attempt, records: Sequence[Record], cursor: str | None, final: Any) -> None:
            nonlocal ahead
            self.taken += len(records)
            ahead = max(ahead, produced - self.taken)

    produced = 0

    def script(ctx: Context[Any]) -> Iterator[Message]:
        nonlocal produced
        for number in range(30_000):
            produced += 1
            yield commit(number)
            if number % 100 == 99:
                yield Mark("commit", str(number))
        yield Complete("commit", cursor="end")

    slow = Slow()
    go(job(script), memory=slow)
    assert slow.taken == 30_000
    assert ahead <= 40 * 200  # the queue's length in batches, not the source's size


@pytest.mark.parametrize(
    "planted",
    [
        lambda s: [repository(f"url://u:{s}@h"), Complete("repository")],
        lambda s: [repository("a", detail={"nested": [{"deep": s}]}), Complete("repository")],
        lambda s: [repository("a", detail={s: 1}), Complete("repository")],
        lambda s: [repository("a"), Complete("repository", (Request("command", f"psql -W {s}"),))],
        lambda s: [Gap("repository", Cause.DENIED, f"login failed for u:{s}", "grant it")],
        lambda s: [Gap("repository", Cause.DENIED, "no", "grant it", (Request("sql", s),))],
        lambda s: [repository(quote(s, safe="")), Complete("repository")],
        lambda s: [repository("Basic " + base64.b64encode(s.encode()).decode()), Complete("repository")],
    ],
)
def test_a_secret_in_the_answer_spoils_its_kind(planted: Callable[[str], list[Any]]) -> None:
    summary, memory = go(job(lambda ctx: iter(planted(SECRET)), secrets=frozenset({SECRET})))
    found = outcome(summary, "repository")
    assert found.outcome == "malformed"
    assert found.message == "a secret appeared in the answer; nothing was recorded"
    assert SECRET not in repr(memory.calls)
    assert SECRET not in repr(summary)


def test_a_secret_in_a_cursor_or_in_the_words_of_a_breakdown_is_not_recorded() -> None:
    def script(ctx: Context[Any]) -> Iterator[Message]:
        yield commit(1)
        yield Mark("commit", f"token={SECRET}")
        raise RuntimeError(f"could not log in with {SECRET}")

    summary, memory = go(job(script, secrets=frozenset({SECRET})))
    assert {o.outcome for o in summary.outcomes} == {"malformed"}
    assert SECRET not in repr(memory.calls)
    assert SECRET not in repr(summary)


def test_one_line_of_a_secret_file_is_a_secret() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\nAAAAq1w2e3r4t5y6u7i8\n-----END KEY-----"
    leak = [repository("AAAAq1w2e3r4t5y6u7i8"), Complete("repository")]
    armour = [repository("-----BEGIN KEY-----"), Complete("repository")]
    assert outcome(go(job(lambda ctx: iter(leak), secrets=frozenset({key})))[0], "repository").outcome == "malformed"
    assert outcome(go(job(lambda ctx: iter(armour), secrets=frozenset({key})))[0], "repository").outcome == "complete"


def test_an_empty_secret_matches_nothing() -> None:
    summary, _ = go(job(good, secrets=frozenset({"", " "})))
    assert not summary.gaps


def test_transient_gaps_are_tried_again_for_their_kinds_only() -> None:
    seen: list[tuple[frozenset[str], dict[str, str]]] = []

    def script(ctx: Context[Any]) -> Iterator[Message]:
        seen.append((ctx.wanted, dict(ctx.cursors)))
        if "repository" in ctx.wanted:
            yield Complete("repository")
        if len(seen) < 3:
            yield commit(len(seen))
            yield Mark("commit", f"c{len(seen)}")
            yield Gap("commit", Cause.RATE_LIMITED, "slow down", "read less often")
        else:
            yield commit(3)
            yield Complete("commit", cursor="c3")

    summary, memory = go(job(script, attempts=5, cursors={"commit": "c0"}))
    assert memory.of("repository") == [("state", 0, 1)]
    assert memory.of("commit") == [
        ("batch", 1, 1),
        ("gap", 0, 1),
        ("batch", 1, 2),
        ("gap", 0, 2),
        ("final", 1, 3),
    ]
    assert [wanted for wanted, _ in seen] == [{"repository", "commit"}, {"commit"}, {"commit"}]
    assert [cursors["commit"] for _, cursors in seen] == ["c0", "c1", "c2"]  # exactly once, also over attempts
    assert (outcome(summary, "commit").attempts, outcome(summary, "commit").rows) == (3, 3)


def test_retries_end_and_other_causes_are_not_retried() -> None:
    def script(ctx: Context[Any]) -> Iterator[Message]:
        yield Gap("repository", Cause.UNREACHABLE, "refused", "start it")
        if "commit" in ctx.wanted:
            yield Gap("commit", Cause.DENIED, "no", "grant it")

    summary, memory = go(job(script, attempts=3))
    assert memory.of("repository") == [("gap", 0, 1), ("gap", 0, 2), ("gap", 0, 3)]
    assert memory.of("commit") == [("gap", 0, 1)]
    assert outcome(summary, "repository").outcome == "unreachable"


def test_a_record_that_does_not_fit_its_kind_is_reported_without_its_values() -> None:
    def script(ctx: Context[Any]) -> Iterator[Message]:
        yield commit(1, author_email=["somebody@example.org"])

    summary, _ = go(job(script))
    message = outcome(summary, "commit").message or ""
    assert "author_email" in message
    assert "somebody" not in message


def test_a_source_error_that_escapes_keeps_its_cause_and_is_retried() -> None:
    def script(ctx: Context[Any]) -> Iterator[Message]:
        yield Complete("repository") if "repository" in ctx.wanted else Complete("commit")
        raise Unreachable("connection refused by h:1", remedy="start it")

    summary, memory = go(job(script, attempts=2))
    assert memory.of("commit") == [("gap", 0, 1), ("final", 0, 2)]
    assert not summary.gaps


@pytest.mark.parametrize("error", [SystemExit(0), KeyboardInterrupt(), RecursionError(), GeneratorExit()])
def test_nothing_a_collector_raises_ends_the_run(error: BaseException) -> None:
    def script(ctx: Context[Any]) -> Iterator[Message]:
        yield Complete("commit")
        raise error

    summary, _ = go(job(script), job(good, source="two"))
    assert outcome(summary, "repository").outcome == "malformed"
    assert type(error).__name__ in (outcome(summary, "repository").message or "")
    assert outcome(summary, "repository", "two").outcome == "complete"
    assert not summary.interrupted


def test_a_hanging_source_is_left_alone_and_told_to_stop() -> None:
    told, late, let_go = threading.Event(), threading.Event(), threading.Event()

    def script(ctx: Context[Any]) -> Iterator[Message]:
        yield repository("a")
        yield Complete("repository")
        if ctx.stop.wait(60):
            told.set()
        let_go.wait(60)
        try:
            yield Complete("commit")
        finally:
            late.set()

    summary, memory = go(job(script, timeout_s=0.5, attempts=3), job(good, source="two"))
    assert told.wait(60)
    assert outcome(summary, "repository").outcome == "complete"
    found = outcome(summary, "commit")
    assert (found.outcome, found.attempts) == ("timeout", 1)
    assert "0.5 s" in (found.message or "")
    assert outcome(summary, "commit", "two").outcome == "complete"
    before = list(memory.calls)
    let_go.set()
    assert late.wait(60)
    assert memory.calls == before


def test_waiting_for_the_recorder_is_not_held_against_a_source() -> None:
    def script(ctx: Context[Any]) -> Iterator[Message]:
        for number in range(60):  # more marks than the queue holds, each recorded slowly
            yield commit(number)
            yield Mark("commit", str(number))
        yield Complete("commit", cursor="end")
        yield Complete("repository")

    summary, _ = go(job(script, timeout_s=1.0), memory=Memory(delay_s=0.05))
    assert not summary.gaps


def test_sources_are_read_at_the_same_time_up_to_the_limit() -> None:
    together = threading.Barrier(3)
    running, most, lock = 0, 0, threading.Lock()

    def script(ctx: Context[Any]) -> Iterator[Message]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(60)  # breaks unless three run at once
        with lock:
            running -= 1
        yield from good(ctx)

    summary, _ = go(*(job(script, source=f"s{n}") for n in range(6)), parallel=3)
    assert not summary.gaps
    assert most == 3
    assert [o.source for o in summary.outcomes][::2] == [f"s{n}" for n in range(6)]


def test_the_rate_limit_holds_over_attempts() -> None:
    times: list[float] = []

    def script(ctx: Context[Any]) -> Iterator[Message]:
        for _ in range(2):
            ctx.throttle()
            times.append(time.monotonic())
        yield Gap("repository", Cause.UNREACHABLE, "refused", "start it")
        if "commit" in ctx.wanted:
            yield Complete("commit")

    began = time.monotonic()
    go(job(script, attempts=2, rate_per_s=20.0))
    assert len(times) == 4
    assert times[-1] - began >= 3 / 20  # four requests have three waits between them, on any machine


def test_the_throttle_lets_nothing_through_after_stop() -> None:
    sent = threading.Event()
    ended = threading.Event()

    def script(ctx: Context[Any]) -> Iterator[Message]:
        yield Complete("repository")
        ctx.stop.wait(60)
        try:
            ctx.throttle()
            sent.set()
        finally:
            ended.set()

    go(job(script, timeout_s=0.3))
    assert ended.wait(60)
    assert not sent.is_set()


def test_progress_tells_starts_rows_retries_and_ends() -> None:
    steps: list[Progress] = []
    run([job(good)], Memory(), run_id="r", clock=clock, parallel=1, progress=steps.append)
    assert [(s.step, s.kind, s.rows) for s in steps] == [
        ("started", None, 0),
        ("done", "repository", 2),
        ("done", "commit", 1),
        ("done", None, 0),
    ]
    assert (steps[-1].done, steps[-1].total) == (1, 1)


def test_what_the_recorder_raises_ends_the_run_and_stops_the_threads() -> None:
    stopped = threading.Event()

    class Full(Memory):
        def state(self, attempt: Attempt, records: Sequence[Record], complete: Complete) -> None:
            raise LedgerError("no space left")

    def waits(ctx: Context[Any]) -> Iterator[Message]:
        yield Complete("repository")
        if ctx.stop.wait(60):
            stopped.set()

    with pytest.raises(LedgerError, match="no space"):
        go(job(good), job(waits, source="two"), memory=Full())
    assert stopped.wait(60)


def test_wrong_usage_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        go(job(good), parallel=0)
    with pytest.raises(ConfigError, match="at least 1"):
        go(job(good, attempts=0))
    with pytest.raises(ConfigError, match="same source name"):
        go(job(good), job(good))
    assert go()[0].outcomes == ()


INTERRUPTED = """
import os, signal, sys, threading
sys.path.insert(0, {folder!r})
from test_runner import Memory, job, go, good, outcome
from compliance.schemas.messages import Complete

signal.signal(signal.SIGINT, signal.default_int_handler)
def script(ctx):
    yield Complete("repository")
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait()

summary, memory = go(job(script), job(good, source="never"), parallel=1)
for o in summary.outcomes:
    print(o.source, o.kind, o.outcome, o.message)
print(summary.interrupted, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


def test_ctrl_c_records_what_is_complete_and_gaps_for_the_rest() -> None:
    here = Path(__file__).resolve()
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED.format(folder=str(here.parent))],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        cwd=here.parents[2],
        env={**os.environ, "PYTHONPATH": str(here.parents[2])},
    )
    assert done.stdout.splitlines() == [
        "one repository complete None",
        "one commit timeout interrupted",
        "never repository timeout interrupted",
        "never commit timeout interrupted",
        "True True",
    ]
