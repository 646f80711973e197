"""The organisation's own catalogue of roles: a YAML file beside the configuration."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compliance.schemas.errors import Absent, Denied, Malformed
from compliance.schemas.messages import Request

_REMEDY = "correct it; the README of the collector shows the form"


class Role(BaseModel):
    """What is declared of one role."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: str | None = None
    purpose: str | None = None
    approved_by: str | None = None
    approved_at: date | None = None
    permissions: tuple[str, ...] = ()
    conflicts_with: tuple[str, ...] = ()


class Declared(BaseModel):
    """The whole catalogue: roles by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    roles: dict[str, Role] = Field(min_length=1)

    def conflicts(self, role: str) -> set[str]:
        """Roles that nobody may hold together with `role`, whichever of both says so."""
        own = self.roles[role].conflicts_with if role in self.roles else ()
        return {*own, *(other for other, said in self.roles.items() if role in said.conflicts_with)}


def read(path: Path) -> tuple[Declared, Request]:
    """The catalogue in a file, and the request that it was read by. Raises Absent, Denied or Malformed."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise Absent(f"there is no catalogue of roles at {path}", remedy="correct roles_file") from error
    except OSError as error:
        raise Denied(
            f"the catalogue of roles {path} cannot be read: {error.strerror}", remedy="mend its rights"
        ) from error
    try:
        declared = Declared.model_validate(yaml.safe_load(content) or {})
    except yaml.YAMLError as error:
        raise Malformed(f"the catalogue of roles {path} is no YAML", remedy=_REMEDY) from error
    except ValidationError as error:
        places = "; ".join(
            ".".join(map(str, one["loc"])) + f": {one['msg']}" for one in error.errors(include_input=False)[:3]
        )
        raise Malformed(f"the catalogue of roles {path}: {places}", remedy=_REMEDY) from error
    return declared, Request("file", str(path), sha256(content).hexdigest())
