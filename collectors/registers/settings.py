"""How the registers collector is told where registers lie, and who answers for each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from compliance.collectors.postgres.settings import ConnectionSettings
from compliance.collectors.registers.kept import kept_kind, kept_kinds
from compliance.schemas.evidence import Evidence
from compliance.schemas.messages import LocalPath, Settings

FORMS = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".yaml": "yaml",
    ".yml": "yaml",
}
SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods")  # their readers give a cell in error as an empty one: NULL
_TABLE = re.compile(r"[^\x00.]+(\.[^\x00.]+)?\Z")


class RegisterSettings(Settings):
    """One register: a file, or a table or view of the source's database."""

    file: LocalPath | None = Field(
        default=None, description="File; its ending says the form: .csv, .json, .jsonl, .yaml."
    )
    table: str | None = Field(default=None, description="Table or view of the database, as schema.name or name.")
    owner: str | None = Field(default=None, description="Person who answers for it; else the owner of the source.")
    columns: Mapping[str, str] = Field(
        default_factory=dict, description="Column of the kind → what it is called in the file or table."
    )
    ignore: tuple[str, ...] = Field(default=(), description="Columns of the file or table that are not evidence.")
    time_zone: str | None = Field(default=None, description="Zone of times without one; else that of the source.")

    @field_validator("file")
    @classmethod
    def _known_form(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix.lower() in SPREADSHEETS:
            raise ValueError(f"{value.name}: save the spreadsheet as CSV UTF-8, and name that file")
        if value is not None and value.suffix.lower() not in FORMS:
            raise ValueError(f"{value.name}: a register is one of {', '.join(FORMS)}")
        return value

    @field_validator("table")
    @classmethod
    def _one_name(cls, value: str | None) -> str | None:
        if value is not None and not _TABLE.match(value):
            raise ValueError("write schema.name or name")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return zone_name(value)

    @model_validator(mode="after")
    def _one_place(self) -> RegisterSettings:
        if self.file is not None and self.table is not None:
            raise ValueError("a register is either a file or a table: set one of them")
        return self


class RegistersSettings(Settings):
    """Registers in one folder or one database. What is not named under `registers` is not promised."""

    folder: LocalPath | None = Field(default=None, description="Folder of registers that name no file: KIND.csv.")
    owner: str | None = Field(default=None, description="Role that answers for registers without an owner of theirs.")
    time_zone: str | None = Field(default=None, description="Zone of times without one, for instance America/Bogota.")
    max_bytes: int = Field(default=64 * 2**20, ge=1, description="A larger file is a gap.")
    sqlite: LocalPath | None = Field(default=None, description="Database file of registers that name a table.")
    postgres: ConnectionSettings | None = Field(default=None, description="Server of registers that name a table.")
    registers: Mapping[str, RegisterSettings] = Field(description="Kind of evidence → where it is kept.", min_length=1)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return zone_name(value)

    @field_validator("registers")
    @classmethod
    def _kept(cls, value: Mapping[str, RegisterSettings]) -> Mapping[str, RegisterSettings]:
        for name, register in value.items():
            kind = kept_kind(name)
            for column in register.columns:
                if column not in kind.model_fields:
                    raise ValueError(f"{name} has no column {column!r} to be mapped")
        return value

    @model_validator(mode="after")
    def _places(self) -> RegistersSettings:
        tables = [name for name, register in self.registers.items() if register.table is not None]
        if tables and (self.sqlite is None) == (self.postgres is None):
            raise ValueError(f"{tables[0]} is kept in a table: set either sqlite or postgres")
        for name, register in self.registers.items():
            if register.file is None and register.table is None and self.folder is None:
                raise ValueError(f"{name} has no place: set its file or table, or the folder of them all")
        return self

    def kinds(self) -> tuple[type[Evidence], ...]:
        """The kinds that these registers answer for."""
        return tuple(kind for kind in kept_kinds() if kind.kind in self.registers)

    def owner_of(self, kind: str) -> str | None:
        """Who answers for the register of a kind."""
        return self.registers[kind].owner or self.owner

    def zone_of(self, kind: str) -> ZoneInfo | None:
        """The zone of times that name none."""
        name = self.registers[kind].time_zone or self.time_zone
        return ZoneInfo(name) if name else None


def zone_name(value: str | None) -> str | None:
    """The name itself. Raises ValueError for one that no zone has."""
    if value is not None:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is no time zone; write a name like America/Mexico_City or UTC") from error
    return value
