"""The conformance suite: what every collector must do, ours and anybody's, checked by running it.

    class TestAcme(Conformance):
        collector = Acme
        settings = {"url": "https://localhost:8443", "token": "env:ACME_TOKEN"}
        unreachable = {"url": "https://localhost:1", "token": "env:ACME_TOKEN"}

pytest then runs one test per rule; `assert_conforms(Acme, settings, unreachable=…)` runs them all without pytest.
`settings` should point to a system where everything can be read. Set `planted` to secrets that you put into that
system (a password in its configuration, a token in a table): they are searched in everything the collector says, next
to the secrets that the settings refer to. A fixture may set the attributes on `self`.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import io
import logging
import os
import re
import tempfile
import threading
import typing
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from compliance.schemas import canonical, messages
from compliance.schemas.errors import EvidenceError
from compliance.schemas.evidence import KINDS, Event, Evidence
from compliance.schemas.messages import (
    Access,
    Bulk,
    Cause,
    Collector,
    Complete,
    Context,
    Discovery,
    Found,
    Gap,
    Mark,
    Record,
    Selective,
    promised,
)
from compliance.schemas.secrets import SecretRef

METHODS = frozenset({"sql", "command", "api", "file", "handshake", "library"})
_SECRET_NAME = re.compile(r"(^|_)(password|passphrase|passwd|secret|token|api_key|private_key|credential)s?($|_)")
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything one run of a collector said, on every way out."""

    said: tuple[Any, ...]
    error: str | None
    logged: tuple[str, ...]
    printed: str

    def endings(self, kind: str) -> list[Complete | Gap]:
        """The endings of one kind; one, when all is well."""
        return [m for m in self.said if isinstance(m, Complete | Gap) and m.kind == kind]

    def records(self, kind: str | None = None) -> list[Record]:
        """The records, of one kind or of all."""
        return [m for m in self.said if isinstance(m, Record) and kind in (None, m.evidence.kind)]

    def texts(self) -> Iterator[tuple[str, str]]:
        """Where something was said, and what, as text."""
        for message in self.said:
            if isinstance(message, Record):
                yield f"a {message.evidence.kind} record", _text(message.evidence)
            else:
                yield f"a {type(message).__name__}", repr(message)
        yield from (("a log record", line) for line in self.logged)
        yield from (("the output", self.printed), ("an error", self.error or ""))


class Conformance:
    """Subclass it, set `collector`, `settings` and `unreachable`; each method is one rule."""

    collector: ClassVar[type[Collector]]
    settings: Mapping[str, Any]
    unreachable: Mapping[str, Any] | str  # settings that point to nothing; or in words, why there is no such thing
    planted: Sequence[str] = ()
    timeout_s: float = 30.0
    _heard: ClassVar[dict[str, Heard]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._heard = {}  # the system is read once for all rules

    def test_the_class_says_what_it_is(self) -> None:
        """Name, title, kinds and Settings are there and of the right form; it is made without arguments."""
        cls = self.collector
        _require(bool(_NAME.match(cls.name)), f"name {cls.name!r} is not of the form [a-z][a-z0-9_]*")
        _require(bool(cls.title.strip()), "title is empty")
        _require(bool((cls.__doc__ or "").strip()), "the class has no docstring")
        kinds: object = cls.kinds
        _require(isinstance(kinds, tuple) and len(kinds) > 0, "kinds must be a tuple of at least one kind")
        for kind in cls.kinds:
            _require(KINDS.get(getattr(kind, "kind", "")) is kind, f"{kind!r} in kinds is no declared kind of evidence")
        _once([kind.kind for kind in cls.kinds], "kinds")
        _require(issubclass(cls.Settings, messages.Settings), "Settings must be a subclass of messages.Settings")
        _require(isinstance(cls(), Collector), "the class lacks a part of the Collector protocol")

    def test_settings_refuse_unknown_keys(self) -> None:
        """A misspelt key is an error and not silently without effect."""
        self.collector.Settings.model_validate(dict(self.settings))
        with contextlib.suppress(ValidationError):
            self.collector.Settings.model_validate({**self.settings, "surely_no_such_key": 1})
            raise AssertionError("Settings accept an unknown key: keep extra='forbid'")

    def test_settings_hold_secrets_by_reference(self) -> None:
        """Everything that is named like a secret is a SecretRef, so that printing settings shows no secret."""
        for path, annotation in _fields(self.collector.Settings):
            if _SECRET_NAME.search(path.rpartition(".")[2]):
                named = any(a is SecretRef for a in _parts(annotation))
                _require(named, f"Settings.{path} is named like a secret and is no SecretRef")
        shown = repr(self._settings(self.settings))
        for secret in self._secrets():
            _require(secret not in shown, "printing the settings shows a secret")

    def test_a_source_promises_kinds_of_its_collector(self) -> None:
        """What the settings choose are kinds that the class declares, at least one, each once."""
        chosen = self._kinds()
        _require(bool(chosen), "a source with `settings` promises nothing")
        _once([kind.kind for kind in chosen], "promised kinds")
        beyond = [kind.kind for kind in chosen if kind not in self.collector.kinds]
        _require(not beyond, f"promises kinds that the class does not declare: {beyond}")

    def test_every_kind_ends_exactly_once(self) -> None:
        """One Complete or one Gap for each promised kind, nothing after it, no other kind, no exception."""
        _check_endings(self._collected(), [kind.kind for kind in self._kinds()])

    def test_only_wanted_kinds_are_read(self) -> None:
        """A retry asks for some kinds only, and gets answers for these only."""
        kinds = self._kinds()
        for kind in {kinds[0].kind, kinds[-1].kind}:
            _check_endings(self._hear(self.settings, wanted=frozenset({kind})), [kind])

    def test_rows_are_promised_keyed_and_recordable(self) -> None:
        """Rows are of promised kinds, in canonical form, their keys complete and, within a state, single."""
        heard = self._collected()
        for kind in self._kinds():
            keys = []
            for record in heard.records(kind.kind):
                _require(type(record.evidence) is kind, f"{kind.kind}: a record is of another class")
                observed = record.observed_at
                _require(observed is None or observed.tzinfo is not None, f"{kind.kind}: observed_at has no time zone")
                try:
                    canonical.encode(record.evidence.row())
                    keys.append(record.evidence.key_values())
                except EvidenceError as error:
                    raise AssertionError(f"{kind.kind}: a record cannot be recorded: {error}") from error
            _once(keys, f"{kind.kind} records")

    def test_counts_agree(self) -> None:
        """An independent count, where one is given, equals the rows."""
        heard = self._collected()
        for kind in self._kinds():
            for ending in heard.endings(kind.kind):
                if isinstance(ending, Complete) and ending.independent_count is not None:
                    rows = len(heard.records(kind.kind))
                    _require(rows == ending.independent_count, f"{kind.kind}: {rows} rows, count {ending}")

    def test_requests_are_recorded(self) -> None:
        """Each Complete says what was asked: the request is evidence."""
        for kind in self._kinds():
            for ending in self._collected().endings(kind.kind):
                if isinstance(ending, Complete):
                    _require(bool(ending.requests), f"{kind.kind}: Complete without a request")
                for request in ending.requests:
                    _require(request.method in METHODS, f"{kind.kind}: request method {request.method!r} is unknown")
                    _require(bool(request.text.strip()), f"{kind.kind}: a request has no text")

    def test_the_good_system_can_be_read(self) -> None:
        """The settings given here lead to answers: a suite that saw only Gaps has tested nothing."""
        heard = self._collected()
        complete = [k.kind for k in self._kinds() if isinstance(next(iter(heard.endings(k.kind)), None), Complete)]
        _require(bool(complete), f"no kind could be read with `settings`: {heard.said[:3]}")

    def test_events_are_given_once(self) -> None:
        """From the stored cursor on, no event comes a second time."""
        first = self._collected()
        cursors = {m.kind: m.cursor for m in first.said if isinstance(m, Mark | Complete) and m.cursor is not None}
        events = [kind for kind in self._kinds() if issubclass(kind, Event) and kind.kind in cursors]
        if not events:
            return
        again = self._hear(self.settings, cursors=cursors)
        for kind in events:
            before = {record.evidence.key_values() for record in first.records(kind.kind)}
            twice = [r for r in again.records(kind.kind) if r.evidence.key_values() in before]
            _require(not twice, f"{kind.kind}: {len(twice)} events came again after cursor {cursors[kind.kind]!r}")

    def test_check_says_one_access_per_kind(self) -> None:
        """`check` answers for each kind once, names a remedy for what is missing, and agrees with `collect`."""
        heard = self._hear(self.settings, check=True)
        _check_access(heard, [kind.kind for kind in self._kinds()])
        for access in heard.said:
            for ending in self._collected().endings(access.kind):
                denied = isinstance(ending, Gap) and ending.cause is Cause.DENIED
                _require(not (access.readable and denied), f"{access.kind}: check says readable, collect says denied")

    def test_discover_never_raises_and_needs_no_credentials(self) -> None:
        """On an empty machine and on this one, with the secrets taken away; what it proposes are valid keys."""
        with tempfile.TemporaryDirectory() as empty, self._without_secrets():
            for root, folder in ((Path(empty), Path(empty)), (Path("/"), Path.cwd())):
                heard = self._hear(None, where=Discovery(root=root, folder=folder, timeout_s=2.0))
                _require(heard.error is None, f"discover raised: {heard.error}")
                for found in heard.said:
                    _require(isinstance(found, Found) and bool(found.name), f"discover gave {found!r}")
                    unknown = set(found.settings) - set(self.collector.Settings.model_fields)
                    _require(not unknown, f"discover proposes settings that do not exist: {sorted(unknown)}")

    def test_an_unreachable_system_is_gaps_only(self) -> None:
        """Nothing that could not be read looks like an empty answer; `check` says so too."""
        _require(
            hasattr(self, "unreachable"), "set `unreachable`: settings that point to nothing, or why there are none"
        )
        if isinstance(self.unreachable, str):
            _require(bool(self.unreachable.strip()), "`unreachable` as text says why it cannot happen")
            return
        kinds = [kind.kind for kind in self._kinds(self.unreachable)]
        heard = self._hear(self.unreachable)
        _check_endings(heard, kinds)
        for kind in kinds:
            (ending,) = heard.endings(kind)
            _require(isinstance(ending, Gap), f"{kind}: complete although nothing could be reached")
            told = isinstance(ending, Gap) and ending.message.strip() and ending.remedy.strip()
            _require(bool(told), f"{kind}: a Gap needs message and remedy")
        access = self._hear(self.unreachable, check=True)
        _check_access(access, kinds)
        readable = [a.kind for a in access.said if a.readable]
        _require(not readable, f"check calls kinds readable although nothing could be reached: {readable}")
        self._search(heard, access)

    def test_no_secret_is_said(self) -> None:
        """The secrets of the settings and the planted ones appear in no record, message, request, log line or error."""
        self._search(self._collected(), self._hear(self.settings, check=True))

    def test_instances_hold_no_state(self) -> None:
        """Everything comes with the context: an instance is the same after a run as before."""
        made = self.collector()
        before = dict(vars(made)) if hasattr(made, "__dict__") else {}
        self._hear(self.settings, instance=made)
        _require(before == (dict(vars(made)) if hasattr(made, "__dict__") else {}), "collect changed the instance")

    def test_ours_are_documented(self) -> None:
        """Collectors of this project have a page beside their code that names every kind and the grant they need."""
        module = self.collector.__module__
        if not module.startswith("compliance.collectors"):
            return
        file = Path(importlib.import_module(module).__file__ or "")
        pages = [file.with_suffix(".md"), file.parent / "README.md"]
        pages = pages if file.parent.name != "collectors" else pages[:1]  # not every collector's common page
        page = next((p for p in pages if p.is_file()), None)
        if page is None:
            raise AssertionError(f"no page beside {file.name}: write {' or '.join(map(str, pages))}")
        text = page.read_text("utf-8")
        if isinstance(self.collector(), Selective):
            return  # which kinds it answers for, each source says
        missing = [kind.kind for kind in self._kinds() if kind.kind not in text]
        _require(not missing, f"{page.name} does not name these kinds: {missing}")

    def _collected(self) -> Heard:
        key = repr(sorted(self.settings.items(), key=lambda item: item[0]))
        if key not in self._heard:
            self._heard[key] = self._hear(self.settings)
        return self._heard[key]

    def _kinds(self, settings: Mapping[str, Any] | None = None) -> tuple[type[Evidence], ...]:
        """What a source with these settings (those of the suite) promises."""
        return promised(self.collector(), self._settings(self.settings if settings is None else settings))

    def _settings(self, values: Mapping[str, Any]) -> messages.Settings:
        return self.collector.Settings.model_validate(dict(values))

    def _secrets(self) -> list[str]:
        found = [secret for secret in self.planted if secret]
        for reference in _references(self._settings(self.settings)):
            found.append(reference.resolve())
        return found

    @contextlib.contextmanager
    def _without_secrets(self) -> Iterator[None]:
        names = [r.partition(":")[2] for r in _references(self._settings(self.settings)) if r.startswith("env:")]
        kept = {name: os.environ.pop(name) for name in names if name in os.environ}
        try:
            yield
        finally:
            os.environ.update(kept)

    def _search(self, *heard: Heard) -> None:
        for secret in self._secrets():
            forms = {secret, quote(secret, safe=""), repr(secret)[1:-1]}
            if len(secret) >= 8:
                forms.add(base64.b64encode(secret.encode()).decode().rstrip("="))
            for place, text in (pair for one in heard for pair in one.texts()):
                _require(not any(form in text for form in forms), f"a secret appears in {place}")

    def _hear(
        self,
        settings: Mapping[str, Any] | None,
        *,
        wanted: frozenset[str] | None = None,
        cursors: Mapping[str, str] | None = None,
        check: bool = False,
        where: Discovery | None = None,
        instance: Collector | None = None,
    ) -> Heard:
        """Runs `discover`, `check` or `collect` to its end, with everything it says caught."""
        made = instance or self.collector()
        said: list[Any] = []
        error: str | None = None
        logs, printed = _Logs(), io.StringIO()
        with logs, contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                if where is not None:
                    said.extend(made.discover(where))
                else:
                    context = Context(
                        source="conformance",
                        settings=self._settings(settings or {}),
                        clock=lambda: datetime.now(UTC),
                        wanted=wanted or frozenset(kind.kind for kind in self._kinds(settings)),
                        timeout_s=self.timeout_s,
                        cursors=cursors or {},
                        stop=threading.Event(),
                    )
                    for message in made.check(context) if check else made.collect(context):
                        said.extend(_taken_apart(message))
            except Exception as raised:  # noqa: BLE001 -- a border around a plugin: what it raises is what is tested
                error = f"{type(raised).__name__}: {raised}"
        return Heard(tuple(said), error, tuple(logs.lines), printed.getvalue())


def _taken_apart(message: Any) -> Iterator[Any]:
    """A table of events as single records and their Mark; everything else as it is."""
    if not isinstance(message, Bulk) or message.kind not in KINDS:
        yield message
        return
    yield from (Record(KINDS[message.kind].model_validate(row)) for row in message.table.to_pylist())
    yield Mark(message.kind, message.cursor)


class _Logs(logging.Handler):
    """Catches every log record of every library from DEBUG up while it is entered."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._level = logging.NOTSET

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter().format(record))

    def __enter__(self) -> None:
        root = logging.getLogger()
        self._level = root.level
        root.addHandler(self)
        root.setLevel(logging.DEBUG)

    def __exit__(self, *exc: object) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._level)


def assert_conforms(
    collector: type[Collector],
    settings: Mapping[str, Any],
    *,
    unreachable: Mapping[str, Any] | str,
    planted: Sequence[str] = (),
) -> None:
    """Runs every rule of the suite; raises AssertionError naming the first that does not hold."""
    fields = {"collector": collector, "settings": settings, "unreachable": unreachable, "planted": planted}
    suite = type("Suite", (Conformance,), fields)()
    for name in [name for name in vars(Conformance) if name.startswith("test_")]:
        try:
            getattr(suite, name)()
        except AssertionError as error:
            raise AssertionError(
                f"{collector.__name__}, {name.removeprefix('test_').replace('_', ' ')}: {error}"
            ) from error


def _check_endings(heard: Heard, kinds: Sequence[str]) -> None:
    _require(heard.error is None, f"collect raised: {heard.error}")
    ended: set[str] = set()
    for message in heard.said:
        _require(isinstance(message, Record | Mark | Complete | Gap), f"{type(message).__name__} is no message")
        kind = message.evidence.kind if isinstance(message, Record) else message.kind
        _require(kind in kinds, f"a {type(message).__name__} of {kind!r}, which was not asked for")
        _require(kind not in ended, f"{kind}: a {type(message).__name__} after its ending")
        if isinstance(message, Complete | Gap):
            ended.add(kind)
        if isinstance(message, Gap):
            _require(isinstance(message.cause, Cause), f"{kind}: cause {message.cause!r} is not in the contract")
    missing = [kind for kind in kinds if kind not in ended]
    _require(not missing, f"kinds without Complete or Gap: {missing}")


def _check_access(heard: Heard, kinds: Sequence[str]) -> None:
    _require(heard.error is None, f"check raised: {heard.error}")
    _require(all(isinstance(a, Access) for a in heard.said), "check gave something that is no Access")
    answered = sorted(access.kind for access in heard.said)
    _require(answered == sorted(kinds), f"check answered for {answered}, promised are {sorted(kinds)}")
    for access in heard.said:
        mute = not access.readable and not access.remedy.strip()
        _require(not mute, f"{access.kind}: not readable, and no remedy says what would mend it")


def _text(evidence: Evidence) -> str:
    try:
        return repr(evidence.row())
    except (EvidenceError, AttributeError):  # told by another rule; here only the words matter
        return repr(evidence)


def _once(values: Sequence[Any], what: str) -> None:
    twice = [value for value, count in Counter(values).items() if count > 1]
    _require(not twice, f"{what}: {len(twice)} keys occur more than once, the first is {twice[:1]}")


def _require(holds: bool, otherwise: str) -> None:
    """`assert` that also holds under `python -O` and without pytest's rewriting."""
    if not holds:
        raise AssertionError(otherwise)


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of a settings class, nested ones with their path."""
    for name, info in model.model_fields.items():
        yield prefix + name, info.annotation
        for part in _parts(info.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _fields(part, f"{prefix}{name}.")


def _parts(annotation: Any) -> Iterator[Any]:
    """A type annotation and everything inside its brackets."""
    yield annotation
    for inner in typing.get_args(annotation):
        yield from _parts(inner)


def _references(value: Any) -> Iterator[SecretRef]:
    """Every secret reference inside settings."""
    if isinstance(value, SecretRef):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _references(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _references(item)
