"""The shape of the report of `manage.py compliance_report`, version 1: every name, every type, nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

T = TypeVar("T")


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time without a zone")
    return value


Moment = Annotated[datetime, Field(strict=False), AfterValidator(_aware)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Section(_Part, Generic[T]):
    """What was read, or the class of what went wrong."""

    value: T | None = None
    error: str | None = Field(default=None, pattern=r"^\w{1,80}$")


class About(_Part):
    """Versions."""

    django: str
    python: str


class SettingRow(_Part):
    """One setting as text."""

    name: str
    value: str | None
    overridden: bool


class Sessions(_Part):
    """Sessions and cookies."""

    cookie_name: str
    cookie_secure: bool
    cookie_httponly: bool
    cookie_samesite: str
    cookie_domain: str
    age_s: int
    ends_with_browser: bool
    renewed_by_request: bool
    engine: str
    serializer: str
    middleware: bool
    csrf_cookie_secure: bool
    csrf_cookie_httponly: bool
    csrf_cookie_samesite: str


class Database(_Part):
    """A database without its credentials."""

    alias: str
    engine: str
    host: str
    port: str
    tls: dict[str, str]
    by_service: bool


class Table(_Part):
    """A table, with the models that are kept in it."""

    table: str
    models: list[str] = Field(min_length=1)


class Check(_Part):
    """A message of `check --deploy`."""

    id: str
    about: str
    level: Literal["debug", "info", "warning", "error", "critical"]
    silenced: bool
    times: int = Field(ge=1)


class Validator(_Part):
    """A password validator."""

    name: str
    options: dict[str, bool | int | str]


class Hasher(_Part):
    """A password hasher."""

    name: str
    algorithm: str


class Passwords(_Part):
    """Rules for passwords."""

    password_login: bool | None
    validators: list[Validator]
    min_length: int | None = Field(ge=0)
    needs_alnum: bool | None
    history: int | None = Field(ge=0)
    hashers: list[Hasher] = Field(min_length=1)
    hash_algorithm: str | None
    hash_iterations: int | None


class Lockout(_Part):
    """What happens after failed attempts."""

    product: str | None
    attempts: int | None = Field(ge=0)
    minutes: int | None = Field(ge=0)
    by: list[str] | None
    note: str


class Certificate(_Part):
    """A certificate that is trusted."""

    not_before: Moment
    not_after: Moment
    key_bits: int | None
    sha256: str


class Provider(_Part):
    """A service provider with one identity provider."""

    sp_id: str
    idp_id: str
    product: str
    strict: bool | None
    assertions_signed: bool | None
    responses_signed: bool | None
    either_signed: bool | None
    weak_signatures_refused: bool | None
    signature_algorithm: str | None
    digest_algorithm: str | None
    requests_signed: bool | None
    assertions_encrypted: bool | None
    unsolicited_allowed: bool | None
    replay_protection: bool | None
    clock_skew_s: int | None
    idp_certificates: list[Certificate]
    sp_cert_not_after: Moment | None
    metadata_valid_until: Moment | None
    metadata_signed: bool | None


class Token(_Part):
    """A sort of token."""

    issuer: str
    product: str
    algorithm: str
    leeway_s: int | None
    audience: bool
    issuer_named: bool
    jwk_url: str | None
    changed: list[str]
    blacklist_installed: bool
    key_kind: Literal["hmac", "rsa", "ec", "okp"] | None
    key_bits: int | None
    curve: str | None
    key_id: str | None
    key_shared: bool | None
    access_ttl_s: int | None
    refresh_ttl_s: int | None
    rotate_refresh: bool
    blacklist_after_rotation: bool


class Endpoint(_Part):
    """An entry of the URL map."""

    route: str
    view: str
    name: str | None
    requires_signin: bool | None
    requires_permission: bool | None
    permissions: list[str]
    guards: list[str]
    undecided: list[str]
    methods: list[str] | None
    basis: str


class Sections(_Part):
    """All sections; none may be missing."""

    about: Section[About]
    settings: Section[list[SettingRow]]
    sessions: Section[Sessions]
    databases: Section[list[Database]]
    tables: Section[list[Table]]
    checks: Section[list[Check]]
    passwords: Section[Passwords]
    lockout: Section[Lockout]
    sso: Section[list[Provider]]
    tokens: Section[list[Token]]
    endpoints: Section[list[Endpoint]]


class Report(_Part):
    """The whole report."""

    format: Literal["compliance-django-report"]
    version: Literal[1]
    app_version: str
    generated_at: Moment
    host: str
    settings_module: str
    sections: Sections
    digest: str
