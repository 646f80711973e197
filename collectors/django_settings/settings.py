"""Settings of a `django_settings` source."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from compliance.schemas.messages import LocalPath, Settings


class DjangoProjectSettings(Settings):
    """Where the report comes from, and what the organisation declares beside it."""

    settings_module: str = Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$",
        description="Settings module that serves; a report of another is refused.",
    )
    application: str | None = Field(
        default=None, min_length=1, description="Name in all rows; default: settings_module."
    )
    command: tuple[str, ...] = Field(default=(), description="Argument list that prints the report.")
    folder: LocalPath | None = Field(default=None, description="Folder the command is run in.")
    user: str | None = Field(default=None, description="System account it runs as, when the engine is root.")
    pass_environment: tuple[str, ...] = Field(default=(), description="Names of variables handed on to the command.")
    time_limit_s: float = Field(default=60, gt=0, le=600, description="Seconds the command may take.")
    report: LocalPath | None = Field(default=None, description="File with a report, instead of a command.")
    max_age_h: int = Field(default=4, ge=1, description="Hours after which a report file is too old.")
    host: str | None = Field(default=None, description="Host that must have made the report.")
    max_report_mib: int = Field(default=16, ge=1, le=256, description="Longest report.")
    public_endpoints: tuple[str, ...] = Field(
        default=(), description="Routes that anybody may call, as the map has them."
    )
    reuse_alert: str | None = Field(
        default=None, min_length=1, description="Reference of the alert that a reused refresh token raises."
    )
    jwks_url: str | None = Field(
        default=None, pattern=r"^https?://[^@\s]+$", description="Key set of the token issuer."
    )
    jwks_ca_file: LocalPath | None = Field(default=None, description="Certificates that vouch for it.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.command) == (self.report is not None):
            raise ValueError("give either command or report")
        return self

    @property
    def name(self) -> str:
        """The application as rows name it."""
        return self.application or self.settings_module
