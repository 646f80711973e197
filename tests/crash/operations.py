"""What is interrupted: a table of operations on a ledger. A new operation of the ledger gets a row here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pyarrow as pa

from compliance.ledger import Draft, Ledger, rewrite, sealing, sheets
from compliance.schemas import canonical
from compliance.schemas.errors import ComplianceError
from compliance.schemas.kinds.application import AuditEvent
from compliance.schemas.messages import Record
from tests.crash.children import Channel
from tests.ledger.months import segments_of, sound, whole
from tests.ledger.places import START, Place, account, given, verdict

BULK = 300  # more than a tile
STATE = 60


@dataclass
class Work:
    """A child at work: its place, its open ledger, and the number of the next thing it tries."""

    place: Place
    channel: Channel
    number: int
    ledger: Ledger | None = field(default=None)

    @property
    def open_ledger(self) -> Ledger:
        assert self.ledger is not None
        return self.ledger

    def next(self, letter: str) -> str:
        """A name that no other entry of this place has."""
        self.number += 1
        return f"{letter}{self.number}"

    @contextmanager
    def trying(self, name: str, rows: int = 1, alias: str | None = None) -> Iterator[None]:
        """Tell the parent before the ledger is called, and once it came back."""
        self.channel.say(tried=name, rows=rows, alias=alias, number=self.number)
        yield
        ledger = self.ledger
        self.channel.say(acked=name, size=ledger.size if ledger else 0, note=ledger.checkpoint if ledger else "")


def open_for(work: Work) -> None:
    """Open the ledger, its clock behind the newest entry."""
    work.ledger = work.place.open()
    work.place.now = max(work.place.now, work.ledger.entry(work.ledger.size - 1).at)


def append(work: Work) -> None:
    """One entry."""
    name = work.next("a")
    with work.trying(name):
        work.open_ledger.append([Draft("control_verdict", verdict(0).model_copy(update={"control": name}))])


def append_events(work: Work) -> None:
    """A batch of events with its cursor: the reader goes on from where the ledger says, so each is there once."""
    ledger = work.open_ledger
    done = int(ledger.cursor("ci", "control_verdict") or 0)
    name = work.next("e")
    with work.trying(name):
        events = [
            Record(verdict(n, f"event {n}").model_copy(update={"control": "event"})) for n in range(done, done + 5)
        ]
        fields = given(kind="control_verdict", source="ci", run=name)
        ledger.record_events(fields, events, str(done + 5), final=True)


def append_bulk(work: Work) -> None:
    """A table of entries, which fills a tile."""
    name = work.next("b")
    row = verdict(0).model_copy(update={"control": name}).row()
    table = pa.table({"record": [canonical.encode(row | {"reason": str(n)}).decode() for n in range(BULK)]})
    with work.trying(name, rows=BULK):
        work.open_ledger.append_table("control_verdict", "ci", table)


def append_sheet(work: Work) -> None:
    """Events about people that come as columns, with their cursor."""
    ledger = work.open_ledger
    done = int(ledger.cursor("app", "audit_event") or 0)
    name = work.next("t")
    rows = [
        {"occurred_at": START, "log": "trail", "event": str(n), "actor": f"person-{n % 7}", "source_ip": "10.0.0.1"}
        for n in range(done, done + BULK)
    ]
    table = pa.Table.from_pylist(rows, schema=sheets.shape(AuditEvent))
    with work.trying(name):
        fields = given(kind="audit_event", source="app", run=name)
        ledger.record_event_table(fields, table, str(done + BULK))


def month_turn(work: Work) -> None:
    """A state in a new month: its full set is stored."""
    work.place.now += timedelta(days=31)
    name = work.next("s")
    with work.trying(name):
        work.open_ledger.record_state(given(run=name), [account(f"person-{n}", email="x@y") for n in range(STATE)])


def append_states(work: Work) -> None:
    """States of two sources in one transaction: both are there, or neither."""
    name = work.next("m")
    people = [account(f"person-{n}", email=f"{name}@y") for n in range(3)]
    with work.trying(name, rows=2):
        work.open_ledger.record_states([(given(run=name, source=source), people) for source in ("left", "right")])


def erase(work: Work) -> None:
    """Somebody's content comes, and is erased."""
    ledger = work.open_ledger
    name = work.next("s")
    people = [account(f"{name}-{n}", email=f"{n}@example.org") for n in range(3)]
    with work.trying(name):
        seen = ledger.record_state(given(run=name, source=name), people)
    _erase_first(work, seen.seq)


def _erase_first(work: Work, collection: int) -> None:
    alias = str(work.open_ledger.entry(collection + 1).subject)
    name = work.next("x")
    with work.trying(name, alias=alias):
        assert work.open_ledger.erase(alias, reason=name)


def prepare_erase_only(work: Work) -> None:
    """Open a ledger and bring somebody to erase."""
    open_for(work)
    name = work.next("s")
    with work.trying(name):
        work.open_ledger.record_state(given(run=name, source=name), [account(f"{name}-{n}") for n in range(3)])


def erase_only(work: Work) -> None:
    """One erasure of somebody who is already there."""
    _erase_first(work, work.open_ledger.collections()[-1].seq)


def rotate(work: Work) -> None:
    """A hand-over from the signing key to a new one."""
    name = work.next("k")
    with work.trying(name):
        work.open_ledger.rotate_key(reason=name, by="officer@example.org")


def prepare_full_log(work: Work) -> None:
    """Open a ledger whose log is as long as DuckDB lets it get, so that the next commit moves it into the file."""
    open_for(work)
    work.open_ledger.connection.execute("SET checkpoint_threshold = '1B'")


def prepare_close(work: Work) -> None:
    """Something for DuckDB to move from its log into the file."""
    open_for(work)
    append_bulk(work)
    append(work)


def close(work: Work) -> None:
    """DuckDB's own checkpoint, which a close forces."""
    ledger, work.ledger = work.open_ledger, None
    with work.trying(work.next("-"), rows=0):
        ledger.close()


def close_again(work: Work) -> None:
    """Append, checkpoint, open; again and again."""
    prepare_close(work)
    close(work)


def prepare_seal(work: Work) -> None:
    """A month that is over."""
    open_for(work)
    month_turn(work)


def seal(work: Work) -> None:
    """Every month that is over, as a segment."""
    ledger = work.open_ledger
    waiting = [month.month for month in sealing.months(ledger) if not month.seals]
    stream = sealing.seal(ledger, segments_of(work.place), sound)
    for month in waiting:
        with work.trying(f"seal {month}"):
            next(stream)


def seal_again(work: Work) -> None:
    """A month ends and is sealed; again and again."""
    month_turn(work)
    seal(work)


def prepare_drop(work: Work) -> None:
    """A month that is sealed."""
    prepare_seal(work)
    seal(work)


def drop(work: Work) -> None:
    """Every sealed month leaves the file, one after the other."""
    months = sealing.months(work.open_ledger)
    newest = work.open_ledger.entry(work.open_ledger.size - 1).at
    ends = [*(month.month for month in months[1:]), f"{newest:%Y-%m}"]
    for month, end in zip(months, ends, strict=True):
        if not month.dropped:
            with work.trying(f"drop {month.month}"):
                _drop_before(work, end)


def _drop_before(work: Work, end: str) -> None:
    ledger, place = work.open_ledger, work.place
    leaving = sealing.drop(ledger, end, sound)
    work.ledger = None
    ledger.close()
    rewrite.rewrite(place.path, check=lambda path: whole(path, place), cut=leaving)
    work.ledger = place.open()


def drop_again(work: Work) -> None:
    """A month ends, is sealed and leaves the file; again and again."""
    seal_again(work)
    drop(work)


def nothing(work: Work) -> None:
    """No preparation: the operation opens the ledger itself."""


def open_and_close(work: Work) -> None:
    """Open what a killed writer left, with its log to be replayed and perhaps a tail to be signed."""
    with work.trying(work.next("-"), rows=0):
        work.place.open().close()


def grow(folder: Path, channel: Channel) -> None:
    """A ledger that the next entries make longer than a tile."""
    work = Work(Place(folder, now=START), channel, 0)
    open_for(work)
    name = work.next("g")
    with work.trying(name, rows=BULK - 48):
        many = verdict(0).model_copy(update={"control": name})
        work.open_ledger.append([Draft("control_verdict", many)] * (BULK - 48))
    work.open_ledger.close()


@dataclass(frozen=True)
class Operation:
    """`perform` is interrupted, after `prepare`. `once` and `prepare_once` are their forms for exact points, where they
    differ. `before` names an operation whose writer is killed first, so that there is something to replay. `fresh`:
    there is no ledger yet."""

    prepare: Callable[[Work], None]
    perform: Callable[[Work], None]
    prepare_once: Callable[[Work], None] | None = None
    once: Callable[[Work], None] | None = None
    before: str | None = None
    fresh: bool = False


OPERATIONS = {
    "append": Operation(open_for, append),
    "append events": Operation(open_for, append_events),
    "append bulk": Operation(open_for, append_bulk),
    "append sheet": Operation(open_for, append_sheet),
    "append states": Operation(open_for, append_states),
    "checkpoint": Operation(nothing, close_again, prepare_close, close),
    "append, full log": Operation(prepare_full_log, append),
    "month turn": Operation(open_for, month_turn),
    "erase": Operation(open_for, erase, prepare_erase_only, erase_only),
    "rotate": Operation(open_for, rotate),
    "seal": Operation(open_for, seal_again, prepare_seal, seal),
    "drop": Operation(open_for, drop_again, prepare_drop, drop),
    "open": Operation(nothing, open_and_close, before="append"),
    "create": Operation(nothing, open_and_close, fresh=True),
}


def on_one_thread(ledger: Ledger) -> None:
    """strace counts calls by thread. What opens files of its own, as a drop does, keeps its threads: there one number
    stands for calls of several, and not each of them is met."""
    ledger.connection.execute("SET threads = 1")


def work_on(folder: Path, name: str, number: int, channel: Channel, *, once: bool, after: bool = False) -> None:
    """Perform an operation until killed, or once. Says `ready`, then waits for the parent's word. With `after` the
    ledger is used and closed afterwards, as a program would that met a failing disk and goes on."""
    work = Work(Place(folder, now=START), channel, number)
    operation = OPERATIONS[name]
    ((once and operation.prepare_once) or operation.prepare)(work)
    if once and work.ledger is not None:
        on_one_thread(work.ledger)
    channel.say(ready=True)
    channel.wait()
    perform = (once and operation.once) or operation.perform
    while not once:
        perform(work)
    try:
        perform(work)
        channel.say(performed=True)
    except ComplianceError as error:  # a disk that fails: what is said, and that nothing follows unseen
        channel.say(refused=type(error).__name__, message=error.message, remedy=error.remedy)
    if not after:
        os._exit(0)  # no clean-up: the ledger is not closed
    if work.ledger is not None:
        with suppress(ComplianceError):
            append(work)
        with suppress(ComplianceError):
            work.ledger.close()
