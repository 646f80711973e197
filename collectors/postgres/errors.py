"""What PostgreSQL and libpq say when they refuse, as errors that name a cause and a remedy.

Before a session exists libpq gives no SQLSTATE, only text: its own words are English, the server's follow
`lc_messages`. The words below are matched in order; a FATAL in other words is a refusal (denied), anything else is
unreachable. Inside a session the SQLSTATE decides and the language does not matter.
"""

from __future__ import annotations

import psycopg

from compliance.schemas.errors import (
    Absent,
    Denied,
    Disabled,
    Malformed,
    RateLimited,
    SourceError,
    TimedOut,
    Truncated,
    Unreachable,
)

_CONNECT: tuple[tuple[tuple[str, ...], type[SourceError], str], ...] = (
    (("timeout expired", "timed out"), TimedOut, "find out why the server is silent, or raise the time-out"),
    (
        ("too many clients", "too many connections", "remaining connection slots", "demasiad"),
        RateLimited,
        "free connections, or raise the limit of the server or of the reading role",
    ),
    (
        ("starting up", "shutting down", "not yet accepting", "in recovery mode", "not accepting connections"),
        Unreachable,
        "wait until the server accepts connections",
    ),
    (
        ("server does not support ssl", "server does not support encryption"),
        Disabled,
        "switch ssl on in the server, or lower sslmode if plain text is meant",
    ),
    (
        ("no encryption", "ssl off", "sin cifrado", "ssl inactivo", "ssl required"),
        Denied,
        "set sslmode = 'require' or higher, or let the reading role in with a hostssl rule in pg_hba.conf",
    ),
    (("no pg_hba.conf entry", "pg_hba.conf rejects"), Denied, "add a rule for the reading role to pg_hba.conf"),
    (
        ("certificate verify failed", "root certificate file", "server certificate for"),
        Denied,
        "point sslrootcert to the CA that signs the server, and use the host name of its certificate",
    ),
    (
        ("requires a valid client certificate", "certificate required"),
        Denied,
        "let the reading role in with a password over TLS: client certificates are not supported",
    ),
    (
        ("no password supplied", "password authentication failed", "authentication failed"),
        Denied,
        "check user and password reference; `password` must resolve to the role's current password",
    ),
    (("permission denied for database",), Denied, "GRANT CONNECT ON DATABASE … TO the reading role"),
    (
        ("invalid response", "expected authentication request", "received invalid", "unsupported frontend"),
        Malformed,
        "check host and port: something other than PostgreSQL answers there",
    ),
    (('fatal: database "',), Absent, "correct dbname or databases"),
    (("fatal",), Denied, "check the role, its password and the rules of pg_hba.conf"),
)

_SQLSTATE: dict[str, tuple[type[SourceError], str]] = {
    "42501": (Denied, ""),  # the remedy is the query's own grant
    "57014": (TimedOut, "raise the time-out, or find out why the server is slow"),
    "55P03": (TimedOut, "another session holds a lock on a catalogue: find it in pg_locks"),
    "42P01": (Absent, "the server is too old or too new for this question: report its version"),
    "42883": (Absent, "the server is too old or too new for this question: report its version"),
    "42703": (Absent, "the server is too old or too new for this question: report its version"),
    "53300": (RateLimited, "free connections, or raise the limit of the server"),
    "57P01": (Unreachable, "the server ended the session: see its log"),
    "57P02": (Unreachable, "the server crashed: see its log"),
    "57P03": (Unreachable, "wait until the server accepts connections"),
}


def connect_error(error: psycopg.Error, where: str) -> SourceError:
    """The refusal of a connection to `where` as a SourceError."""
    text = " ".join(str(error).split())
    lowered = text.lower()
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        lowered = "timeout expired"
    for words, kind, remedy in _CONNECT:
        if any(word in lowered for word in words):
            return kind(f"no session on {where}: {text}", remedy=remedy)
    return Unreachable(
        f"no session on {where}: {text}", remedy="start the server, or open the path to it; check host and port"
    )


def query_error(error: psycopg.Error, what: str, where: str, needs: str) -> SourceError:
    """The refusal of the query `what` on `where`; `needs` is the grant it takes."""
    first = (str(error).splitlines() or [type(error).__name__])[0]
    message = f"{what} on {where}: {first}"
    state = error.sqlstate
    if state is None:  # the connection broke, or the answer did not fit the type announced for it
        if isinstance(error, psycopg.OperationalError):
            return Unreachable(message, remedy="the connection broke: see the server's log and the network")
        return Malformed(message, remedy="report it with the server's version")
    if state in _SQLSTATE:
        kind, remedy = _SQLSTATE[state]
        return kind(message, remedy=remedy or needs)
    if state.startswith("08"):
        return Truncated(message, remedy="the connection broke in the middle of an answer: see the server's log")
    return Malformed(f"{message} (SQLSTATE {state})", remedy="report it with the server's version")
