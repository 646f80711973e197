"""The conformance suite holds for a good collector, and each rule catches the collector that breaks it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from compliance.collectors.testing import Conformance, assert_conforms
from compliance.schemas import messages
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.code import Commit, Repository
from compliance.schemas.messages import (
    Access,
    Cause,
    Complete,
    Context,
    Discovery,
    Found,
    Gap,
    Message,
    Record,
    Request,
)
from compliance.schemas.secrets import SecretRef

PASSWORD = "s3cret/of-the+shelf"
log = logging.getLogger("shelf")


class ShelfSettings(messages.Settings):
    """A folder with `repositories.json` and `commits.json`, and the password that opens it."""

    path: Path
    password: SecretRef


class Shelf:
    """Reads two small files: the least a real collector can be."""

    name: ClassVar[str] = "shelf"
    title: ClassVar[str] = "Shelf of files"
    kinds: ClassVar[tuple[type[Evidence], ...]] = (Repository, Commit)
    Settings: ClassVar[type[messages.Settings]] = ShelfSettings

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        if (ctx.folder / "repositories.json").is_file():
            yield Found("shelf", {"path": str(ctx.folder)}, "repositories.json lies here")

    def check(self, ctx: Context[Any]) -> Iterator[Access]:
        for kind in self.kinds:
            readable = self._file(ctx, kind.kind).is_file()
            yield Access(kind.kind, readable, "file", "" if readable else "create the file")

    def collect(self, ctx: Context[Any]) -> Iterator[Message]:
        for kind in self.kinds:
            if kind.kind in ctx.wanted:
                yield from self.read(ctx, kind)

    def read(self, ctx: Context[Any], kind: type[Evidence]) -> Iterator[Message]:
        file = self._file(ctx, kind.kind)
        try:
            rows = json.loads(file.read_text("utf-8"))
        except FileNotFoundError:
            yield Gap(kind.kind, Cause.ABSENT, f"{file} does not exist", "create it")
            return
        rows = rows[int(ctx.cursors.get(kind.kind, 0)) :]
        for row in rows:
            yield Record(kind.model_validate(row))
        at = str(int(ctx.cursors.get(kind.kind, 0)) + len(rows)) if kind is Commit else None
        yield Complete(kind.kind, (Request("file", str(file)),), independent_count=len(rows), cursor=at)

    @staticmethod
    def _file(ctx: Context[Any], kind: str) -> Path:
        path: Path = ctx.settings.path / {"repository": "repositories.json", "commit": "commits.json"}[kind]
        return path


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("SHELF_PASSWORD", PASSWORD)
    (tmp_path / "repositories.json").write_text(json.dumps([{"repository": "a"}, {"repository": "b"}]))
    commit = {"repository": "a", "commit": "0" * 40, "occurred_at": "2026-01-01T00:00:00Z"}
    (tmp_path / "commits.json").write_text(json.dumps([commit]))
    return {"path": str(tmp_path), "password": "env:SHELF_PASSWORD"}


def nowhere(settings: Mapping[str, str]) -> dict[str, str]:
    return {**settings, "path": "/nonexistent/shelf"}


class TestShelf(Conformance):
    """The class form, as its docstring shows it."""

    collector = Shelf

    @pytest.fixture(autouse=True)
    def _system(self, shelf: dict[str, str]) -> None:
        self.settings = shelf
        self.unreachable = nowhere(shelf)
        self.planted = ("a-secret-planted-in-the-system",)


def test_a_good_collector_conforms(shelf: dict[str, str]) -> None:
    assert_conforms(Shelf, shelf, unreachable=nowhere(shelf), planted=["planted-nowhere"])


class ChoosyShelf(Shelf):
    """Promises what its settings name; here one of its two kinds."""

    def promises(self, settings: messages.Settings) -> tuple[type[Evidence], ...]:
        return (Commit,)

    def check(self, ctx: Context[Any]) -> Iterator[Access]:
        return (access for access in super().check(ctx) if access.kind in ctx.wanted)


def test_a_source_may_promise_a_part(shelf: dict[str, str]) -> None:
    assert_conforms(ChoosyShelf, shelf, unreachable=nowhere(shelf))


class NoTitle(Shelf):
    """Bad."""

    title = " "


class TwiceTheKind(Shelf):
    """Bad."""

    kinds = (Repository, Repository)


class LooseSettings(ShelfSettings):
    """Bad."""

    model_config: ClassVar[Any] = {"extra": "ignore", "frozen": True}


class Loose(Shelf):
    """Bad."""

    Settings = LooseSettings


class OpenSettings(messages.Settings):
    """Bad: a password in clear text."""

    path: Path
    password: str


class Open(Shelf):
    """Bad."""

    Settings = OpenSettings


class Raises(Shelf):
    """Bad."""

    def read(self, ctx: Context[Any], kind: type[Evidence]) -> Iterator[Message]:
        yield from super().read(ctx, kind)
        raise KeyError("oops")


class NoEnding(Shelf):
    """Bad."""

    def read(self, ctx: Context[Any], kind: type[Evidence]) -> Iterator[Message]:
        records = super().read(ctx, kind)
        return (m for m in records if isinstance(m, Record))


class TwoEndings(Shelf):
    """Bad."""

    def read(self, ctx: Context[Any], kind: type[Evidence]) -> Iterator[Message]:
        yield from super().read(ctx, kind)
        yield Complete(kind.kind, (Request("file", "x"),))


class Stranger(Shelf):
    """Bad."""

    def collect(self, ctx: Context[Any]) -> Iterator[Message]:
        yield from super().collect(ctx)
        yield Complete("user_account", (Request("file", "x"),))


class IgnoresWanted(Shelf):
    """Bad."""

    def collect(self, ctx: Context[Any]) -> Iterator[Message]:
        for kind in self.kinds:
            yield from self.read(ctx, kind)


class Duplicates(Shelf):
    """Bad."""

    def read(self, ctx: Context[Any], kind: type[Evidence]) -> Iterator[Message]:
        for message in super().read(ctx, kind):
            yield message
            if isinstance(message, Record):
                yield message


class Miscounts(Shelf):
    """Bad."""

    def read(self, ctx: Context[Any], kind: type[Evidence]) -> Iterator[Message]:
        for message in super().read(ctx, kind):
            if isinstance(message, Complete):
                yield Complete(message.kind, message.requests, 17, message.cursor)
            else:
                yield message


class NoRequests(Shelf):
    """Bad."""

    def read(self, ctx: Context[Any], kind: type[Evidence]) -> Iterator[Message]:
        for message in super().read(ctx, kind):
            yield Complete(message.kind, cursor=message.cursor) if isinstance(message, Complete) else message


class Blind(Shelf):
    """Bad for the suite: it reads nothing."""

    def read(self, ctx: Context[Any], kind: type[Evidence]) -> Iterator[Message]:
        yield Gap(kind.kind, Cause.DISABLED, "switched off", "switch it on")


class ForgetsCursor(Shelf):
    """Bad."""

    def collect(self, ctx: Context[Any]) -> Iterator[Message]:
        fresh: Context[Any] = Context(ctx.source, ctx.settings, ctx.clock, ctx.wanted)
        return super().collect(fresh)


class HalfChecked(Shelf):
    """Bad."""

    def check(self, ctx: Context[Any]) -> Iterator[Access]:
        yield next(super().check(ctx))


class NoRemedy(Shelf):
    """Bad."""

    def check(self, ctx: Context[Any]) -> Iterator[Access]:
        for access in super().check(ctx):
            yield Access(access.kind, access.readable, access.message)


class NeedsPassword(Shelf):
    """Bad."""

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        yield Found(SecretRef("env:SHELF_PASSWORD").resolve()[:0] or "shelf", {}, "")


class ProposesNonsense(Shelf):
    """Bad."""

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        yield Found("shelf", {"folder": "/"}, "guessed")


class EmptyWhenGone(Shelf):
    """The unforgivable one: what could not be read looks like an empty answer."""

    def read(self, ctx: Context[Any], kind: type[Evidence]) -> Iterator[Message]:
        for message in super().read(ctx, kind):
            yield Complete(message.kind, (Request("file", "x"),)) if isinstance(message, Gap) else message


class SaysYes(Shelf):
    """Bad."""

    def check(self, ctx: Context[Any]) -> Iterator[Access]:
        return (Access(kind.kind, True, "fine") for kind in self.kinds)


class LogsSecret(Shelf):
    """Bad."""

    def read(self, ctx: Context[Any], kind: type[Evidence]) -> Iterator[Message]:
        log.debug("opening with %s", ctx.settings.password.resolve())
        yield from super().read(ctx, kind)


class RecordsSecret(Shelf):
    """Bad."""

    def read(self, ctx: Context[Any], kind: type[Evidence]) -> Iterator[Message]:
        if kind is Repository and ctx.settings.path.is_dir():
            yield Record(Repository(repository="x", detail={"url": f"a://u:{ctx.settings.password.resolve()}@h"}))
            yield Complete(kind.kind, (Request("file", "x"),))
        else:
            yield from super().read(ctx, kind)


class PrintsSecret(Shelf):
    """Bad."""

    def check(self, ctx: Context[Any]) -> Iterator[Access]:
        print(ctx.settings.password.resolve())
        return super().check(ctx)


class Remembers(Shelf):
    """Bad."""

    def collect(self, ctx: Context[Any]) -> Iterator[Message]:
        self.last: datetime = ctx.clock()
        return super().collect(ctx)


class PromisesMore(Shelf):
    """Bad."""

    kinds = (Repository,)

    def promises(self, settings: messages.Settings) -> tuple[type[Evidence], ...]:
        return (Repository, Commit)


class PromisesNothing(Shelf):
    """Bad."""

    def promises(self, settings: messages.Settings) -> tuple[type[Evidence], ...]:
        return ()


class AnswersForAll(Shelf):
    """Bad."""

    def promises(self, settings: messages.Settings) -> tuple[type[Evidence], ...]:
        return (Commit,)

    def collect(self, ctx: Context[Any]) -> Iterator[Message]:
        for kind in self.kinds:
            yield from self.read(ctx, kind)


BAD = {
    PromisesMore: "does not declare: ['commit']",
    PromisesNothing: "promises nothing",
    AnswersForAll: "'repository', which was not asked for",
    NoTitle: "title is empty",
    TwiceTheKind: "occur more than once",
    Loose: "accept an unknown key",
    Open: "no SecretRef",
    Raises: "collect raised: KeyError",
    NoEnding: "without Complete or Gap",
    TwoEndings: "after its ending",
    Stranger: "'user_account', which was not asked for",
    IgnoresWanted: "which was not asked for",
    Duplicates: "occur more than once",
    Miscounts: "count",
    NoRequests: "Complete without a request",
    Blind: "no kind could be read",
    ForgetsCursor: "came again",
    HalfChecked: "check answered for",
    NoRemedy: "no remedy",
    NeedsPassword: "discover raised: SecretMissing",
    ProposesNonsense: "settings that do not exist",
    EmptyWhenGone: "complete although nothing could be reached",
    SaysYes: "check calls kinds readable",
    LogsSecret: "a secret appears in a log record",
    RecordsSecret: "a secret appears in a repository record",
    PrintsSecret: "a secret appears in the output",
    Remembers: "changed the instance",
}


@pytest.mark.parametrize("bad", BAD, ids=lambda cls: cls.__name__)
def test_a_bad_collector_is_caught(bad: type[Shelf], shelf: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match=re.escape(BAD[bad])):
        assert_conforms(bad, shelf, unreachable=nowhere(shelf))


def test_a_planted_secret_is_caught(shelf: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "repositories.json").write_text(json.dumps([{"repository": "planted-in-the-system"}]))
    with pytest.raises(AssertionError, match="a secret appears in a repository record"):
        assert_conforms(Shelf, shelf, unreachable=nowhere(shelf), planted=["planted-in-the-system"])


def test_ours_need_a_page(shelf: dict[str, str]) -> None:
    ours = type("Shelf", (Shelf,), {"__doc__": "One.", "__module__": "compliance.collectors.testing"})
    with pytest.raises(AssertionError, match=r"no page beside testing\.py"):
        assert_conforms(ours, shelf, unreachable=nowhere(shelf))
