"""How the PgBouncer collector is told where to look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from compliance.collectors.addresses import is_loopback
from compliance.collectors.declared import DeclaredAccount
from compliance.collectors.postgres.settings import SslMode
from compliance.schemas.messages import LocalPath, Settings, from_configuration
from compliance.schemas.secrets import SecretRef


class PgBouncerSettings(Settings):
    """One PgBouncer and the account of its console."""

    host: str = Field(default="localhost", description="Host, address or socket folder.")
    port: int = Field(default=6432, ge=1, le=65535, description="Port.")
    user: str | None = Field(
        default=None, description="Account listed in stats_users; the system account's name when left out."
    )
    password: SecretRef | None = Field(default=None, description="Reference to the password, never the password.")
    sslmode: SslMode | None = Field(
        default=None, description="verify-full for other machines, prefer for this one, when left out."
    )
    sslrootcert: str | None = Field(default=None, description="CA file that signs the pooler, or 'system'.")
    runs_on: str | None = Field(
        default=None, description="Host name of the pooler's machine, when `host` is a tunnel or a forwarded port."
    )
    config_file: LocalPath | None = Field(
        default=None, description="Its pgbouncer.ini on this machine, when the path it gives itself is relative."
    )
    accounts: dict[str, DeclaredAccount] = Field(
        default_factory=dict, description="Declared: who or what stands behind each of its accounts."
    )
    complete_routes: bool | None = Field(
        default=None, description="Declared: pgbouncer.ini has no '*' database and no auth_user of a single database."
    )
    processes: int | None = Field(
        default=None, ge=1, description="Declared: how many processes share the port with so_reuseport."
    )

    @field_validator("sslrootcert")
    @classmethod
    def _from_configuration(cls, value: str | None, info: ValidationInfo) -> str | None:
        return value if value in (None, "system") else str(from_configuration(Path(value), info))

    def connection(self) -> dict[str, Any]:
        """Connection parameters without the password; the console is a database of a fixed name."""
        given = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "dbname": "pgbouncer",
            "sslmode": self.sslmode or ("prefer" if is_loopback(self.host) else "verify-full"),
            "sslrootcert": self.sslrootcert,
        }
        return {name: value for name, value in given.items() if value is not None}
