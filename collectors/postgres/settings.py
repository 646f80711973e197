"""How the PostgreSQL collector is told where to look."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from compliance.collectors.addresses import is_loopback
from compliance.collectors.declared import DeclaredAccount
from compliance.schemas.messages import Settings, from_configuration
from compliance.schemas.secrets import SecretRef

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


class ConnectionSettings(Settings):
    """How to reach a PostgreSQL server, and the account that reads it."""

    host: str | None = Field(default=None, description="Host, address or socket folder. localhost without a service.")
    port: int | None = Field(default=None, ge=1, le=65535, description="Port; 5432 without a service.")
    user: str | None = Field(default=None, description="Reading role; the system account's name when left out.")
    dbname: str | None = Field(default=None, description="Database that holds the grants of the README; postgres.")
    password: SecretRef | None = Field(default=None, description="Reference to the password, never the password.")
    sslmode: SslMode | None = Field(
        default=None, description="verify-full for other machines, prefer for this one, when left out."
    )
    sslrootcert: str | None = Field(default=None, description="CA file that signs the server, or 'system'.")
    service: str | None = Field(default=None, description="Entry of pg_service.conf that gives what is left out here.")

    @field_validator("sslrootcert")
    @classmethod
    def _from_configuration(cls, value: str | None, info: ValidationInfo) -> str | None:
        return value if value in (None, "system") else str(from_configuration(Path(value), info))

    def connection(self, dbname: str | None = None) -> dict[str, Any]:
        """Connection parameters without the password; `dbname` instead of the configured database."""
        given: dict[str, Any] = {
            "service": self.service,
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "dbname": dbname or self.dbname,
            "sslmode": self.sslmode,
            "sslrootcert": self.sslrootcert,
        }
        if self.service is None:
            host = self.host or "localhost"
            given |= {
                "host": host,
                "port": self.port or 5432,
                "dbname": dbname or self.dbname or "postgres",
                "sslmode": self.sslmode or ("prefer" if is_loopback(host) else "verify-full"),
            }
        return {name: value for name, value in given.items() if value is not None}


class PostgresSettings(ConnectionSettings):
    """One PostgreSQL server and what of it to read."""

    databases: tuple[str, ...] | None = Field(
        default=None, description="Databases to look into; all that accept connections and are no templates."
    )
    exclude_databases: tuple[str, ...] = Field(default=(), description="Databases not to look into.")
    addresses: tuple[str, ...] = Field(
        default=(), description="Other host names or addresses of the server, as poolers in front of it name it."
    )
    needs_backup: bool | None = Field(default=None, description="Declared: its databases need a backup.")
    personal_tables: tuple[str, ...] | None = Field(
        default=None,
        description="Declared: tables with personal data, as database.schema.table; * stands for any text.",
    )
    stored_forms: str | None = Field(
        default=None,
        pattern=r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$",
        description="View in the database of `dbname`, as schema.view, that tells `role` and `algorithm`.",
    )
    accounts: dict[str, DeclaredAccount] = Field(
        default_factory=dict, description="Declared: who or what stands behind each of its accounts."
    )
    grants_limit: int = Field(default=200_000, ge=1, description="More rows of rights than this are a gap.")
