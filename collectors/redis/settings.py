"""How the Redis collector is told where to look."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from compliance.collectors.declared import DeclaredAccount
from compliance.schemas.messages import LocalPath, Settings
from compliance.schemas.secrets import SecretRef

Use = Literal["sessions", "broker", "state", "cache"]


class RedisSettings(Settings):
    """One Redis-protocol server and the user that reads it."""

    host: str = Field(default="localhost", description="Host or address.")
    port: int = Field(default=6379, ge=1, le=65535, description="Port.")
    unix_socket: LocalPath | None = Field(default=None, description="Path of a Unix socket, instead of host and port.")
    username: str | None = Field(default=None, description="ACL user; the unnamed user when left out.")
    password: SecretRef | None = Field(default=None, description="Reference to the password, never the password.")
    database: int = Field(default=0, ge=0, description="Logical database to select; all are counted from any of them.")
    tls: bool = Field(default=False, description="Speak TLS; the server's certificate is always checked.")
    ca_file: LocalPath | None = Field(default=None, description="CA file that signs the server; else the system's.")
    cert_file: LocalPath | None = Field(default=None, description="Client certificate, when the server asks for one.")
    key_file: LocalPath | None = Field(default=None, description="Its private key; it must need no pass phrase.")
    holds_state: bool | None = Field(default=None, description="Declared: it holds state that must survive.")
    uses: dict[str, Use] = Field(
        default_factory=dict,
        description="Declared: what each logical database is for (sessions, broker, state or cache), by its number.",
    )
    accounts: dict[str, DeclaredAccount] = Field(
        default_factory=dict, description="Declared: who or what stands behind each of its accounts."
    )
    needs_backup: bool | None = Field(default=None, description="Declared: its databases need a backup.")

    @field_validator("uses")
    @classmethod
    def _numbers(cls, value: dict[str, Use]) -> dict[str, Use]:
        for name in value:
            if not (name.isascii() and name.isdigit() and name == str(int(name))):
                raise ValueError(f"uses: {name!r} is no number of a database")
        return value

    @model_validator(mode="after")
    def _together(self) -> RedisSettings:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file are given together")
        if not self.tls and (self.ca_file or self.cert_file):
            raise ValueError("ca_file and cert_file need tls = true")
        if self.tls and self.unix_socket:
            raise ValueError("a Unix socket has no TLS: leave out tls or unix_socket")
        if self.holds_state is False and any(use != "cache" for use in self.uses.values()):
            raise ValueError("holds_state = false, but uses names a database that is no cache")
        return self

    @property
    def instance(self) -> str:
        """`host:port`, or the path of the socket."""
        if self.unix_socket:
            return str(self.unix_socket)
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
