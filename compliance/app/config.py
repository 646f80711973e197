"""`compliance.toml`: typed, unknown keys refused with the nearest name, secrets only by reference."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from compliance import anchors, collectors
from compliance.app.where import FILE, Where, nearest
from compliance.schemas.catalogue import FRAMEWORKS
from compliance.schemas.errors import ConfigError
from compliance.schemas.evidence import Evidence
from compliance.schemas.messages import Collector, Settings, promised
from compliance.schemas.secrets import SecretRef

FrameworkId = Literal["soc2", "iso27001", "pci_dss", "ferpa", "gdpr", "lfpdppp"]
Language = Literal["en", "es"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Organisation(_Section):
    """Who is audited."""

    name: str = "(organisation not named)"
    time_zone: str = Field(
        default="America/Mexico_City", description="Where it is: terms of law that count days end with its local day."
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("is no time zone; write one like America/Tijuana") from error
        return value


class TokenSection(_Section):
    """A PKCS #11 token that holds the signing key."""

    module: Path = Field(description="Library of the token's maker.")
    token: str = Field(description="Label of the token.")
    key: str = Field(description="Label of the key pair in it.")
    pin: SecretRef


class SegmentsBucket(anchors.BucketSettings):
    """A bucket with Object Lock that keeps a copy of every sealed segment."""

    retain_years: int = Field(default=7, ge=1, le=100, description="From the sealing of a month.")


class LedgerSection(_Section):
    """Where the ledger and what belongs to it lie. Relative paths start at the configuration file."""

    path: Path = Path("compliance.duckdb")
    origin: str | None = Field(default=None, pattern=r"^[^\s+]+$", max_length=200)
    keys: Path | None = None
    signing_key: SecretRef | None = Field(default=None, description="PEM of the private key, instead of a key folder.")
    next_signing_key: SecretRef | None = Field(default=None, description="The one that `keys rotate` hands over to.")
    token: TokenSection | None = None
    lock_store: Path | None = None
    keystore: Path | None = None
    segments: Path | None = None
    attachments: Path | None = Field(default=None, description="Folder of the documents that manual evidence rests on.")
    segments_bucket: SegmentsBucket | None = None
    wait_s: int = Field(default=30, ge=0, le=3600)


class CollectSection(_Section):
    """How sources are read."""

    parallel: int = Field(default=4, ge=1, le=64)
    timeout_s: int = Field(default=300, ge=1, description="For one source.")
    request_timeout_s: int = Field(default=30, ge=1, description="For one request to it.")
    attempts: int = Field(default=3, ge=1, le=10)


class ControlsSection(_Section):
    """Definitions of others that are evaluated too."""

    folders: tuple[Path, ...] = Field(default=(), description="Folders of the shape of `controls/`.")
    packs: tuple[str, ...] = Field(default=(), description="Installed packs, by their entry points' names.")


class AuditSection(_Section):
    """What an audit writes."""

    frameworks: tuple[FrameworkId, ...] = FRAMEWORKS
    languages: tuple[Language, ...] = ("en",)
    output: Path = Path("audit")


class FlagDeclaration(_Section):
    """A declared fact about the organisation; counts for 366 days."""

    value: bool
    declared_by: str
    declared_at: date
    reason: str | None = None


class SourceCommon(_Section):
    """Keys that every source may carry beside its collector's own."""

    collector: str
    enabled: bool = True
    environment: str | None = None
    owner: str | None = None
    data_class: str | None = None
    in_pci_scope: bool | None = None
    timeout_s: int | None = Field(default=None, ge=1)
    request_timeout_s: int | None = Field(default=None, ge=1)
    attempts: int | None = Field(default=None, ge=1, le=10)
    rate_per_s: int | None = Field(default=None, ge=1)


class AnchorCommon(_Section):
    """Keys that every anchor may carry beside those of its type."""

    type: str
    every: str = Field(default="append", pattern=r"^(append|[1-9][0-9]{0,4}[mhd])$")

    @property
    def distance(self) -> timedelta | None:
        """The least time between two copies; None: whenever a command appended."""
        if self.every == "append":
            return None
        return int(self.every[:-1]) * _UNITS[self.every[-1]]


_UNITS: Mapping[str, timedelta] = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class AnchorConfig:
    """One configured anchor, its settings checked."""

    name: str
    common: AnchorCommon
    settings: anchors.AnchorSettings


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One configured source, its collector loaded and its settings checked."""

    name: str
    common: SourceCommon
    collector: Collector
    settings: Settings

    @property
    def kinds(self) -> tuple[type[Evidence], ...]:
        """What this source promises to answer for."""
        return promised(self.collector, self.settings)

    @property
    def settings_sha256(self) -> str:
        """Digest of the settings, relative paths made absolute; secrets count by their reference."""
        plain = self.settings.model_dump(mode="json")
        return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def secrets(self) -> frozenset[str]:
        """The resolved secrets of this source, for the filter at the last door. Raises SecretMissing."""
        return frozenset(ref.resolve() for ref in _secret_refs(self.settings.model_dump()))


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration."""

    path: Path | None  # None: no file was found
    organisation: Organisation
    ledger: LedgerSection
    collect: CollectSection
    audit: AuditSection
    controls: ControlsSection
    sources: tuple[SourceConfig, ...]
    anchors: tuple[AnchorConfig, ...] = ()
    profile: Mapping[str, FlagDeclaration] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    where: Where = field(default_factory=Where)

    @property
    def folder(self) -> Path:
        """What relative paths start from."""
        return self.path.parent if self.path else Path.cwd()

    def resolve(self, path: Path) -> Path:
        """`path` from the configuration, absolute."""
        return (self.folder / path.expanduser()).absolute()


_TOP: Mapping[str, type[_Section] | None] = {
    "organisation": Organisation,
    "ledger": LedgerSection,
    "collect": CollectSection,
    "audit": AuditSection,
    "controls": ControlsSection,
    "sources": None,
    "anchors": None,
    "profile": None,
    "parameters": None,
}


def empty() -> Config:
    """The configuration of somebody who has none."""
    return parse({}, None, "")


def load(path: Path | None = None) -> Config:
    """The configuration at `path`, or `compliance.toml` in this folder, or an empty one when there is none.

    Raises:
        ConfigError: unreadable file, wrong TOML (with line), unknown key (with the nearest name), wrong value.
    """
    if path is None:
        path = Path(FILE)
        if not path.exists():
            return empty()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}", remedy="check the path and its permissions") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        place = f"{path.absolute()}:{line[1]}" if line else f"{path.absolute()}"
        raise ConfigError(f"{place}: not valid TOML: {error}", remedy="mend this line") from error
    return parse(data, path.absolute(), text)


def parse(data: Mapping[str, Any], path: Path | None, text: str) -> Config:
    """The configuration in `data`. `text` is only searched for line numbers."""
    where = Where(path, text)
    for key in data:
        if key not in _TOP:
            raise where.unknown(key, (), _TOP)
    sections = {
        name: _section(where, (name,), cls, data.get(name, {})) for name, cls in _TOP.items() if cls is not None
    }
    sources = tuple(_source(where, name, table) for name, table in _tables(where, "sources", data).items())
    outside = tuple(_anchor(where, name, table) for name, table in _tables(where, "anchors", data).items())
    profile = {
        flag: _section(where, ("profile", flag), FlagDeclaration, table)
        for flag, table in _tables(where, "profile", data).items()
    }
    return Config(
        path=path,
        organisation=sections["organisation"],
        ledger=sections["ledger"],
        collect=sections["collect"],
        audit=sections["audit"],
        controls=sections["controls"],
        sources=sources,
        anchors=outside,
        profile=profile,
        parameters=_tables(where, "parameters", data),
        where=where,
    )


def _tables(where: Where, name: str, data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found = data.get(name, {})
    if not isinstance(found, dict) or not all(isinstance(v, dict) for v in found.values()):
        raise where.error(f"[{name}] holds tables: [{name}.NAME]", (name,))
    return found


def _section(where: Where, place: tuple[str, ...], cls: type[Any], table: Any) -> Any:
    if not isinstance(table, dict):
        raise where.error(f"[{'.'.join(place)}] is a table", place)
    for key in table:
        if key not in cls.model_fields:
            raise where.unknown(key, place, cls.model_fields)
    return _valid(where, place, cls, table)


def _source(where: Where, name: str, table: dict[str, Any]) -> SourceConfig:
    place = ("sources", name)
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", name) or name == "engine":
        raise where.error(
            f"source name {name!r} is not usable", place, "use a-z, 0-9, - and _, a letter first; 'engine' is taken"
        )
    if "collector" not in table:
        known = "known ones: " + ", ".join(collectors.names())
        raise where.error(f"[sources.{name}] names no collector", place, known)
    try:
        collector = collectors.load(str(table["collector"]))
    except ConfigError as error:
        raise where.error(f"[sources.{name}] {error.message}", (*place, "collector"), error.remedy) from error
    own = collector.Settings.model_fields
    for key in table:
        if key not in SourceCommon.model_fields and key not in own:
            raise where.unknown(key, place, {*SourceCommon.model_fields, *own})
    common = _section(where, place, SourceCommon, {k: v for k, v in table.items() if k in SourceCommon.model_fields})
    settings = _valid(where, place, collector.Settings, {k: v for k, v in table.items() if k in own})
    return SourceConfig(name, common, collector, settings)


def _anchor(where: Where, name: str, table: dict[str, Any]) -> AnchorConfig:
    place = ("anchors", name)
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", name):
        raise where.error(f"anchor name {name!r} is not usable", place, "use a-z, 0-9, - and _, a letter first")
    known = "known ones: " + ", ".join(anchors.TYPES)
    if "type" not in table:
        raise where.error(f"[anchors.{name}] names no type", place, known)
    kind = str(table["type"])
    if kind not in anchors.TYPES:
        raise where.error(
            f"[anchors.{name}] no anchor is of type {kind!r}{nearest(kind, anchors.TYPES)}",
            (*place, "type"),
            known,
        )
    settings = anchors.TYPES[kind].Settings
    for key in table:
        if key not in AnchorCommon.model_fields and key not in settings.model_fields:
            raise where.unknown(key, place, {*AnchorCommon.model_fields, *settings.model_fields})
    common = _section(where, place, AnchorCommon, {k: v for k, v in table.items() if k in AnchorCommon.model_fields})
    own = _valid(where, place, settings, {k: v for k, v in table.items() if k in settings.model_fields})
    return AnchorConfig(name, common, own)


def _valid(where: Where, place: tuple[str, ...], cls: type[Any], table: Mapping[str, Any]) -> Any:
    try:
        return cls.model_validate(table, context={"folder": where.path.parent if where.path else Path.cwd()})
    except ValidationError as error:
        raise _explain(where, place, cls, error) from None  # the original repeats the input, which may hold a secret


def _explain(where: Where, place: tuple[str, ...], cls: type[BaseModel], error: ValidationError) -> ConfigError:
    errors = error.errors(include_input=False, include_url=False)
    # a misspelt key is also a missing one: the spelling is what to mend
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    inside: list[str | int] = list(first["loc"])
    name = ".".join(str(part) for part in inside)
    more = error.error_count() - 1
    rest = f" (and {more} more)" if more else ""
    said, remedy = str(first["msg"]).removeprefix("Value error, "), None
    if first["type"] == "extra_forbidden":
        known = sorted(_keys_at(cls, inside[:-1]))
        said = f"unknown key{nearest(str(inside[-1]), known)}"
        remedy = f"known keys: {', '.join(known)}" if known else None
    return where.error(f"[{'.'.join(place)}]{' ' if name else ''}{name}: {said}{rest}", (*place, *inside), remedy)


def _keys_at(cls: type[BaseModel], inside: Sequence[str | int]) -> Iterable[str]:
    """The keys of the table that `inside` leads to, from the settings class `cls`; none where no model describes it."""
    named = False  # this part is the name of one of several tables, not a key
    for part in inside:
        if isinstance(part, str) and not named:
            found = cls.model_fields.get(part)
            named = found is not None and get_origin(found.annotation) in (dict, Mapping)
            models = list(_models(found.annotation)) if found else []
            if len(models) != 1:
                return ()
            cls = models[0]
        else:
            named = False
    return cls.model_fields


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field's type holds: `tuple[Endpoint, ...]` and `Endpoint | None` hold one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _secret_refs(value: Any) -> Iterable[SecretRef]:
    if isinstance(value, SecretRef):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secret_refs(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secret_refs(item)


def day(value: date) -> datetime:
    """A calendar day as the aware moment at its start (UTC)."""
    return datetime.combine(value, time.min, tzinfo=UTC)
