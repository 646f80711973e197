"""What a collector is, and what it says to the runner.

A collector looks; it never writes, decides or remembers. For each kind it promises it ends in exactly one `Complete`
or one `Gap`. Nothing turns an error into an empty list.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

from compliance.schemas.evidence import Evidence
from compliance.schemas.secrets import from_folder

if TYPE_CHECKING:
    import pyarrow as pa


class Cause(StrEnum):
    """Why something could not be read."""

    DENIED = "denied"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    ABSENT = "absent"
    DISABLED = "disabled"
    MALFORMED = "malformed"
    TRUNCATED = "truncated"


TRANSIENT = frozenset({Cause.UNREACHABLE, Cause.TIMEOUT, Cause.RATE_LIMITED})


@dataclass(frozen=True, slots=True)
class Request:
    """One question that was put to a system: the request is evidence.

    `method` is sql, command, api, file, handshake or library; `text` the exact SQL, argument list, path with
    parameters or file path; `digest` the SHA-256 (hex) of the raw answer where one was kept in hand.
    """

    method: str
    text: str
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One observed row. `observed_at` is the source's clock where it has one."""

    evidence: Evidence
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Events of `kind` are out up to `cursor`: the runner may commit them and will continue from there next time."""

    kind: str
    cursor: str


@dataclass(frozen=True, slots=True)
class Bulk:
    """Many events of `kind` as columns of Arrow, and the position that they reach: records and their Mark in one.

    `table` has exactly the columns of the kind, in the types that `compliance.ledger.sheets.shape` names. With `again`
    some of them may have been given before: those whose key and time are recorded already are not recorded again.
    """

    kind: str
    table: pa.Table
    cursor: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Complete:
    """All of `kind` was read. `independent_count` is a count obtained another way (`count(*)`, a file's line count);
    when it differs from the rows seen, the runner records a `truncated` Gap instead."""

    kind: str
    requests: tuple[Request, ...] = ()
    independent_count: int | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """`kind` could not be read, or not wholly. `message` says what happened to what; `remedy` what would mend it.

    Rows already yielded for the kind are dropped: half a state is not a state.
    """

    kind: str
    cause: Cause
    message: str
    remedy: str
    requests: tuple[Request, ...] = ()


Message = Record | Mark | Bulk | Complete | Gap


@dataclass(frozen=True, slots=True)
class Found:
    """A system of this type that `discover` saw on this machine. `settings` go under `[sources.NAME]`."""

    name: str
    settings: Mapping[str, Any]
    seen: str  # how it was noticed, for the reader of the proposed configuration


@dataclass(frozen=True, slots=True)
class Access:
    """What `check` says of one kind: readable, or which right is missing."""

    kind: str
    readable: bool
    message: str
    remedy: str = ""


def from_configuration(path: Path, info: ValidationInfo) -> Path:
    """`path` as an absolute one: relative ones start at the folder of the configuration file, `~` is the home folder.

    The folder comes as the validation context `{"folder": Path}`; without one the path stays as it is.
    """
    folder = (info.context or {}).get("folder")
    return path if folder is None else from_folder(folder, path)


LocalPath = Annotated[Path, AfterValidator(from_configuration)]
"""Type of a setting that names a file or folder of this machine."""


class Settings(BaseModel):
    """Base of every collector's settings: unknown keys are refused, secrets are references."""

    model_config = ConfigDict(extra="forbid", frozen=True)


S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What `discover` gets: where to look. `root` is `/` and `folder` the current folder, except in tests."""

    root: Path
    folder: Path
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Context(Generic[S]):
    """What `check` and `collect` get. `wanted` names the kinds asked for (all promised ones unless a retry narrows
    it); `cursors` the stored position per event kind; `timeout_s` bounds one request; `throttle()` is called before
    each request and keeps the source's rate limit; `stop` is set when the run is being cancelled."""

    source: str
    settings: S
    clock: Callable[[], datetime]
    wanted: frozenset[str]
    timeout_s: float = 30.0
    cursors: Mapping[str, str] = field(default_factory=dict)
    throttle: Callable[[], None] = lambda: None
    stop: threading.Event = field(default_factory=threading.Event)


@runtime_checkable
class Collector(Protocol):
    """Reads one type of system. Instances hold no state: everything comes with the context."""

    name: ClassVar[str]
    title: ClassVar[str]
    kinds: ClassVar[tuple[type[Evidence], ...]]
    Settings: ClassVar[type[Settings]]

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        """What of this type is on this machine, without credentials."""
        ...

    def check(self, ctx: Context[Any]) -> Iterator[Access]:
        """One Access per promised kind: readable or not, and the grant that is missing."""
        ...

    def collect(self, ctx: Context[Any]) -> Iterator[Message]:
        """Records, then exactly one Complete or Gap for each wanted kind."""
        ...


@runtime_checkable
class Selective(Protocol):
    """A collector whose sources differ in what they can answer for: their settings decide, and nothing else."""

    def promises(self, settings: Any) -> tuple[type[Evidence], ...]:
        """Those of the collector's kinds that a source with these settings answers for."""
        ...


def promised(collector: Collector, settings: Settings) -> tuple[type[Evidence], ...]:
    """The kinds that a source promises: all of its collector's, unless that one chooses by the settings.

    What no source promises stays without evidence: it is unknown, never empty.
    """
    return collector.promises(settings) if isinstance(collector, Selective) else collector.kinds
