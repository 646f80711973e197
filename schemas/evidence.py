"""The base of every kind of evidence, and what follows from a kind's class.

A kind is one class below `State` (keyed; a collection records the complete set) or `Event` (own id and time; recorded
exactly once from a cursor). Its docstring and field descriptions are its documentation. NULL in a column means
"not readable", never "no".
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, ConfigDict
from sqlmodel import Field, SQLModel

from compliance.schemas.canonical import jsonable
from compliance.schemas.errors import EvidenceError

KINDS: dict[str, type[Evidence]] = {}

# Columns that the engine adds to the view of every kind; no kind may use these names.
VIEW_COLUMNS: Mapping[str, str] = {
    "entry": "BIGINT",  # ledger entry the row rests on
    "source": "VARCHAR",  # configured name of the system
    "subject": "VARCHAR",  # random alias of the person the row is about, NULL when about nobody
    "observed_at": "TIMESTAMP",  # source's clock where it has one, else the collection's time (UTC)
    "collected_at": "TIMESTAMP",  # when the collection that last saw this row finished (UTC)
}


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("time without a time zone; times are aware UTC")
    return value


Instant = Annotated[datetime, AfterValidator(_aware)]


def column(description: str, *, personal: bool = False, **extra: Any) -> Any:
    """A nullable column: NULL when the source did not let us read it. `personal` columns never enter a hashed line
    of a row that names a subject; they lie beside it, encrypted under the subject's key."""
    return Field(
        default=None, description=description, schema_extra={"json_schema_extra": {"personal": personal}}, **extra
    )


def always(description: str, *, personal: bool = False, **extra: Any) -> Any:
    """A column that the source always gives."""
    return Field(description=description, schema_extra={"json_schema_extra": {"personal": personal}}, **extra)


class Evidence(SQLModel):
    """Common ground of all kinds. Subclasses set `kind` and, for states, `key`."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_assignment=False)  # type: ignore[assignment]

    kind: ClassVar[str]
    key: ClassVar[tuple[str, ...]] = ()
    subject_column: ClassVar[str | None] = None  # the column that identifies the person a row is about
    kept: ClassVar[bool] = False  # people keep it in a register (a file or table); no system knows it by itself

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        name = cls.__dict__.get("kind")
        if name is None:
            return
        known = KINDS.get(name, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"kind {name!r} is declared twice: in {known.__module__} and in {cls.__module__}")
        KINDS[name] = cls

    @classmethod
    def columns(cls) -> Mapping[str, str]:
        """Column name → DuckDB type, in declared order, without the engine's own columns."""
        return {name: duckdb_type(info.annotation, name) for name, info in cls.model_fields.items()}

    @classmethod
    def personal_columns(cls) -> frozenset[str]:
        """Names of the columns that hold personal data."""
        return frozenset(
            name
            for name, info in cls.model_fields.items()
            if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("personal")
        )

    def row(self) -> dict[str, Any]:
        """The record as profile JSON, columns in declared order, NULLs included: the shape of a row never varies."""
        return {name: jsonable(getattr(self, name)) for name in type(self).model_fields}

    def key_values(self) -> tuple[str, ...]:
        """The key's parts as text. Raises EvidenceError when a part is NULL."""
        parts = []
        for name in self.key:
            value = jsonable(getattr(self, name))
            if value is None:
                raise EvidenceError(f"{self.kind}: key column {name} is NULL; a record without identity is a Gap")
            parts.append(value if isinstance(value, str) else str(value))
        return tuple(parts)


class State(Evidence):
    """Something that is so at the moment of looking. A complete collection records the whole set."""


class Event(Evidence):
    """Something that happened: own id, own time. Collected incrementally from a cursor, exactly once."""

    occurred_at: Instant = always("When it happened, by the source's clock (UTC).")


def duckdb_type(annotation: Any, name: str = "") -> str:
    """The DuckDB column type of a field annotation; raises TypeError for one that has none."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return duckdb_type(get_args(annotation)[0], name)
    if origin in (Union, types.UnionType):
        options = [a for a in get_args(annotation) if a is not type(None)]
        if len(options) == 1:
            return duckdb_type(options[0], name)
    if origin is Literal:
        return "VARCHAR"
    if origin in (list, tuple, frozenset, set):
        return duckdb_type(get_args(annotation)[0], name) + "[]"
    if origin is dict or annotation is dict:
        return "JSON"
    if isinstance(annotation, type):
        if issubclass(annotation, Enum) or issubclass(annotation, str):
            return "VARCHAR"
        if issubclass(annotation, bool):
            return "BOOLEAN"
        if issubclass(annotation, int):
            return "BIGINT"
        if issubclass(annotation, datetime):
            return "TIMESTAMP"
    raise TypeError(f"column {name!r}: {annotation!r} has no DuckDB type (floats are not evidence: use integer units)")


def kind_named(name: str) -> type[Evidence]:
    """The class of a kind; raises EvidenceError with the nearest name for an unknown one."""
    import difflib

    import compliance.schemas.kinds  # noqa: F401  -- registers every kind

    found = KINDS.get(name)
    if found is None:
        near = difflib.get_close_matches(name, KINDS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise EvidenceError(f"no kind is called {name!r}{hint}", remedy="`compliance evidence list` shows all kinds")
    return found


def all_kinds() -> Mapping[str, type[Evidence]]:
    """Every declared kind by name, sorted."""
    import compliance.schemas.kinds  # noqa: F401  -- registers every kind

    return dict(sorted(KINDS.items()))


def json_schema(kind: type[Evidence]) -> dict[str, Any]:
    """The published JSON Schema (2020-12) of one kind, with key, subject and personal columns named."""
    schema = kind.model_json_schema(mode="serialization")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = kind.kind
    schema["x-key"] = list(kind.key)
    schema["x-shape"] = "event" if issubclass(kind, Event) else "state"
    schema["x-subject"] = kind.subject_column
    schema["x-kept"] = kind.kept
    schema["x-duckdb"] = dict(kind.columns())
    return schema
