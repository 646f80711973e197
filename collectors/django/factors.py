"""Second factors: the tables of the apps that keep them, and what of a device is evidence; never a key or a code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compliance.collectors.django.layout import Layout, name
from compliance.collectors.postgres.session import Query, Row
from compliance.schemas.kinds.identity import MfaDevice


@dataclass(frozen=True, slots=True)
class DeviceTable:
    """A table of second factors: SQL of account key or name, method, confirmation, and times."""

    table: str
    app: str
    columns: tuple[str, ...]
    method: str
    confirmed: str = "d.confirmed"
    owner: str = "user_id"
    by_name: bool = False
    created: str | None = "created_at"
    used: str | None = "last_used_at"


_OTP = ("id", "user_id", "confirmed")
DEVICES = (
    DeviceTable("otp_totp_totpdevice", "django-otp", _OTP, "'totp'"),
    DeviceTable("otp_hotp_hotpdevice", "django-otp", _OTP, "'hotp'"),
    DeviceTable("otp_email_emaildevice", "django-otp", _OTP, "'email'"),
    DeviceTable("otp_static_staticdevice", "django-otp", _OTP, "'recovery'"),
    DeviceTable("two_factor_phonedevice", "django-two-factor-auth", _OTP, "'sms'"),
    DeviceTable("otp_webauthn_webauthncredential", "django-otp-webauthn", _OTP, "'webauthn'"),
    DeviceTable(
        "mfa_authenticator", "allauth.mfa", ("id", "user_id", "type"),
        "CASE d.type WHEN 'recovery_codes' THEN 'recovery' ELSE d.type END", "TRUE",
    ),
    DeviceTable(
        "mfa_user_keys", "django-mfa2", ("id", "username", "key_type", "enabled"),
        "CASE upper(d.key_type) WHEN 'RECOVERY' THEN 'recovery' WHEN 'FIDO2' THEN 'webauthn' "
        "WHEN 'U2F' THEN 'webauthn' ELSE lower(d.key_type) END", "d.enabled", "username", True,
        created="added_on", used="last_used",
    ),
)  # fmt: skip


def fetch_devices(layout: Layout, table: DeviceTable) -> Sequence[Row]:
    """The devices of one table; never a key, a code or what a device answers."""
    found = layout.need(table.table, table.columns, "second factors", table.app)
    users = layout.users
    join = (
        f"u.{name(users.username)} = d.{name(table.owner)}"
        if table.by_name
        else f"u.{name(users.key)} = d.{name(table.owner)}"
    )
    times = [
        f"d.{name(c)} AS {as_}" if c in found.readable else f"NULL::timestamptz AS {as_}"
        for c, as_ in ((table.created, "created_at"), (table.used, "last_used_at"))
        if c is not None
    ]
    failures = "d.throttling_failure_count" if "throttling_failure_count" in found.readable else "NULL::int"
    sql = (
        f"SELECT d.id::text AS id, u.{name(users.key)}::text AS key, u.{name(users.username)} AS username, "
        f"{table.method} AS method, {table.confirmed} AS confirmed, {failures} AS failures, {', '.join(times)} "
        f"FROM {found.sql} d LEFT JOIN {users.table.sql} u ON {join}"
    )
    return layout.session.rows(Query(f"second factors in {table.table}", sql, found.grant(table.columns)))


def rows_devices(table: DeviceTable, rows: Sequence[Row]) -> list[MfaDevice]:
    """The devices of one table that belong to an account."""
    return [
        MfaDevice(
            account=row["username"],
            device=f"{table.table}:{row['id']}",
            method=row["method"],
            is_confirmed=row["confirmed"],
            is_second_factor=row["method"] != "recovery",
            failures=row["failures"],
            created_at=row["created_at"],
            last_used_at=row["last_used_at"],
        )
        for row in rows
        if row["username"] is not None  # a device whose account is gone opens nothing
    ]


def enrolled(
    users: Sequence[Row], devices: Mapping[str, Sequence[Row] | None], *, elsewhere: bool
) -> dict[str, bool | None]:
    """For each account key whether a confirmed second factor is there. `devices` holds None for a table that is there
    and may not be read: then, as without any table, a missing factor is not known to be missing."""
    has = {
        row["key"]
        for rows in devices.values()
        for row in rows or ()
        if row["confirmed"] is True and row["method"] != "recovery"
    }
    sure = bool(devices) and all(rows is not None for rows in devices.values()) and not elsewhere
    return {row["key"]: True if row["key"] in has else False if sure else None for row in users}


def tables_of(layout: Layout) -> list[DeviceTable]:
    """The tables of second factors that the project has."""
    return [table for table in DEVICES if table.table in layout.tables]
