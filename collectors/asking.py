"""The course of a collector that reads a server over one session: each wanted kind ends in a Complete or a Gap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from compliance.schemas.errors import SourceError
from compliance.schemas.evidence import Evidence
from compliance.schemas.messages import Access, Cause, Complete, Context, Gap, Message, Record, Request

Read = tuple[Sequence[Evidence], int | None]  # rows, and the independent count where there is one


class Asking(Protocol):
    """What a session has: what was asked for the kind being read, and which columns a missing right leaves NULL."""

    asked: list[Request]
    notes: list[str]

    def begin_kind(self) -> None:
        """Forget both."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


S = TypeVar("S", bound=Asking)
Readers = Mapping[str, Callable[[Context[Any], S], Read]]


def collect(ctx: Context[Any], connect: Callable[[Context[Any]], S], readers: Readers[S]) -> Iterator[Message]:
    """Records of the wanted kinds, in the order of `readers`, each kind closed by one Complete or Gap."""
    for message, _ in _read_all(ctx, connect, readers):
        yield message


def check(ctx: Context[Any], connect: Callable[[Context[Any]], S], readers: Readers[S]) -> Iterator[Access]:
    """Reads every kind once and keeps nothing: readable or not, and which columns a missing right leaves NULL."""
    for message, notes in _read_all(ctx, connect, readers):
        if isinstance(message, Gap):
            yield Access(message.kind, False, message.message, message.remedy)
        elif isinstance(message, Complete):
            yield Access(message.kind, True, "; ".join(notes) or "readable")


def _read_all(
    ctx: Context[Any], connect: Callable[[Context[Any]], S], readers: Readers[S]
) -> Iterator[tuple[Message, Sequence[str]]]:
    wanted = [kind for kind in readers if kind in ctx.wanted]
    try:
        session = connect(ctx)
    except SourceError as error:
        for kind in wanted:
            yield _gap(kind, error, ()), ()
        return
    with session:
        for kind in wanted:
            session.begin_kind()
            try:
                rows, count = readers[kind](ctx, session)
            except SourceError as error:
                yield _gap(kind, error, tuple(session.asked)), ()
                continue
            for row in rows:
                yield Record(row), ()
            yield Complete(kind, tuple(session.asked), count), tuple(session.notes)


def _gap(kind: str, error: SourceError, requests: tuple[Request, ...]) -> Gap:
    return Gap(kind, Cause(error.cause), error.message, error.remedy or "see the server's log", requests)
