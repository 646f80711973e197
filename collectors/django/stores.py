"""Sessions, tokens and counters of refused sign-ins: how many there are, never what is in them."""

from __future__ import annotations

from compliance.collectors.django.layout import Layout
from compliance.collectors.postgres.session import Query, Row
from compliance.schemas.errors import Absent
from compliance.schemas.kinds.application import FailedSignin, SessionStore

_SPAN = (
    "count(*) AS entries, min({end}) AS oldest, max({end}) AS newest, count(*) FILTER (WHERE {end} < now()) AS expired"
)


def fetch_stores(layout: Layout) -> list[SessionStore]:
    """Every store of sessions or tokens. Raises Absent when the project keeps neither in its database."""
    found = []
    if "django_session" in layout.tables:
        table = layout.need("django_session", ("expire_date",), "sessions", "django.contrib.sessions")
        sql = f"SELECT {_SPAN.format(end='expire_date')} FROM {table.sql}"
        found.append(
            _row("django_session", "session", layout.session.one(Query("sessions", sql, table.grant(["expire_date"]))))
        )
    if "token_blacklist_outstandingtoken" in layout.tables:
        app = "rest_framework_simplejwt.token_blacklist"
        columns = ("id", "created_at", "expires_at")
        issued = layout.need("token_blacklist_outstandingtoken", columns, "tokens", app)
        listed = layout.need("token_blacklist_blacklistedtoken", ("token_id",), "revoked tokens", app)
        sql = (
            f"SELECT {_SPAN.format(end='t.expires_at')}, "
            f"count(*) FILTER (WHERE EXISTS (SELECT 1 FROM {listed.sql} b WHERE b.token_id = t.id)) AS revoked, "
            f"ceil(extract(epoch FROM max(t.expires_at - t.created_at)) / 60)::bigint AS longest FROM {issued.sql} t"
        )
        row = layout.session.one(Query("tokens", sql, issued.grant(columns)))
        found.append(_row("token_blacklist_outstandingtoken", "refresh_token", row))
    if not found:
        raise Absent(
            "the database keeps neither sessions nor tokens",
            remedy="nothing, when sessions lie in a cache or in signed cookies; else migrate django.contrib.sessions",
        )
    return found


def _row(store: str, purpose: str, row: Row) -> SessionStore:
    return SessionStore(
        store=store,
        purpose=purpose,
        entries=row["entries"],
        expired=row["expired"],
        revoked=row.get("revoked"),
        oldest_expiry=row["oldest"],
        newest_expiry=row["newest"],
        longest_minutes=row.get("longest"),
    )


def fetch_counters(layout: Layout) -> tuple[list[FailedSignin], int | None]:
    """The counters of django-axes, and how many there are."""
    columns = ("id", "username", "ip_address", "attempt_time", "failures_since_start")
    table = layout.need("axes_accessattempt", columns, "refused sign-ins", "django-axes")
    ends, join = "NULL::timestamptz", ""
    if {"access_attempt_id", "expires_at"} <= getattr(
        layout.tables.get("axes_accessattemptexpiration"), "readable", set()
    ):
        ends = "e.expires_at"
        join = f" LEFT JOIN {layout.tables['axes_accessattemptexpiration'].sql} e ON e.access_attempt_id = a.id"
    sql = (
        f"SELECT a.id::text AS id, a.username, host(a.ip_address) AS ip, a.attempt_time, a.failures_since_start, "
        f"{ends} AS ends FROM {table.sql} a{join}"
    )
    answer = layout.session.ask(
        Query("refused sign-ins", sql, table.grant(columns), f"SELECT count(*) AS count FROM {table.sql}")
    )
    rows = [
        FailedSignin(
            counter=row["id"],
            account=row["username"],
            source_ip=row["ip"],
            failures=row["failures_since_start"],
            last_at=row["attempt_time"],
            expires_at=row["ends"],
        )
        for row in answer.rows
    ]
    return rows, answer.count
