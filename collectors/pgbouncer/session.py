"""One session on PgBouncer's console: asks each SHOW once, remembers what was asked, bounds every wait."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.rows import DictRow, dict_row

from compliance.collectors.pgbouncer.settings import PgBouncerSettings
from compliance.collectors.postgres.errors import connect_error
from compliance.collectors.postgres.session import deadline
from compliance.schemas.errors import (
    Absent,
    Denied,
    Malformed,
    SecretMissing,
    SourceError,
    TimedOut,
    Truncated,
    Unreachable,
)
from compliance.schemas.messages import Context, Request

Row = Mapping[str, Any]
RIGHT = "list the account in stats_users of pgbouncer.ini and in its auth_file, then RELOAD"


class Session:
    """A console that can only be asked. A question asked twice is answered from memory, a refusal too."""

    def __init__(self, ctx: Context[PgBouncerSettings]) -> None:
        self._ctx = ctx
        self._answers: dict[str, Sequence[Row] | SourceError] = {}
        self.asked: list[Request] = []
        self.notes: list[str] = []
        host = ctx.settings.host
        self.instance = f"[{host}]:{ctx.settings.port}" if ":" in host else f"{host}:{ctx.settings.port}"
        self._conn = self._connect()
        try:
            self._is_pgbouncer()
        except SourceError:
            self._conn.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._conn.close()

    @property
    def address(self) -> str | None:
        """Network address connected to; None for a Unix socket."""
        return self._conn.info.hostaddr or None

    @property
    def own_port(self) -> int | None:
        """Port of this end of the session, by which it is told from other clients; None for a Unix socket."""
        with socket.socket(fileno=os.dup(self._conn.fileno())) as wire:
            return int(wire.getsockname()[1]) if wire.family in (socket.AF_INET, socket.AF_INET6) else None

    def begin_kind(self) -> None:
        """Forget which questions were asked; their answers are kept."""
        self.asked = []
        self.notes = []

    def rows(self, what: str, *columns: str) -> Sequence[Row]:
        """The rows of `SHOW what`, each with at least `columns`. Raises SourceError, again for each kind."""
        request = Request("sql", f"SHOW {what}")
        if request not in self.asked:
            self.asked.append(request)
        if what not in self._answers:
            try:
                self._answers[what] = self._run(what)
            except SourceError as error:
                self._answers[what] = error
        answer = self._answers[what]
        if isinstance(answer, SourceError):
            raise answer
        missing = [name for name in columns if any(name not in row for row in answer)]
        if missing:
            raise Malformed(
                f"SHOW {what} on {self.instance}: no column {', '.join(missing)}",
                remedy="report it with PgBouncer's version",
            )
        return answer

    def config(self) -> Mapping[str, str | None]:
        """The settings in force, those that may hold a secret included: keep only what is named."""
        return {str(row["key"]): row["value"] for row in self.rows("CONFIG", "key", "value")}

    def count(self, what: str) -> int:
        """The number that PgBouncer itself gives for `what` in SHOW LISTS."""
        for row in self.rows("LISTS", "list", "items"):
            if row["list"] == what:
                return int(row["items"])
        raise Malformed(f"SHOW LISTS on {self.instance}: no line {what}", remedy="report it with PgBouncer's version")

    def version(self) -> str:
        """The version number."""
        return str(self.rows("VERSION", "version")[0]["version"]).split()[1]

    def _is_pgbouncer(self) -> None:
        rows = self.rows("VERSION")
        text = str(rows[0].get("version", "")) if len(rows) == 1 else ""
        if not text.startswith("PgBouncer ") or len(text.split()) < 2:
            raise Malformed(
                f"{self.instance} does not answer as PgBouncer", remedy="check host and port: another product is there"
            )

    def _connect(self) -> psycopg.Connection[DictRow]:
        ctx = self._ctx
        try:
            password = ctx.settings.password.resolve() if ctx.settings.password else None
        except SecretMissing as error:
            raise Denied(error.message, remedy=error.remedy) from error
        self._before_request()
        try:
            return psycopg.connect(
                **ctx.settings.connection(),
                password=password,
                connect_timeout=max(2, round(ctx.timeout_s)),  # seconds; libpq refuses less than two
                autocommit=True,  # the console knows no transactions
                prepare_threshold=None,
                row_factory=dict_row,
            )
        except psycopg.Error as error:
            refusal = connect_error(error, f"PgBouncer {self.instance}")
            text = refusal.message.lower()
            if isinstance(refusal, Denied) and "ssl required" in text:
                refusal = Denied(refusal.message, remedy="set sslmode = 'require' or higher: the pooler demands TLS")
            elif isinstance(refusal, Denied) and "fatal" in text:
                refusal = Denied(refusal.message, remedy=f"check user and password reference; {RIGHT}")
            raise refusal from error

    def _run(self, what: str) -> Sequence[Row]:
        self._before_request()
        where = f"SHOW {what} on {self.instance}"
        expired = threading.Event()
        try:
            with deadline(self._conn, self._ctx.timeout_s, expired):
                return self._conn.execute(f"SHOW {what}".encode()).fetchall()
        except psycopg.errors.ProtocolViolation as error:  # how the console refuses
            first = (str(error).splitlines() or ["refused"])[0]
            if "access needed" in first or "not allowed" in first:
                raise Denied(f"{where}: {first}", remedy=RIGHT) from error
            raise Absent(f"{where}: {first}", remedy="this version does not answer it: report the version") from error
        except psycopg.OperationalError as error:
            if expired.is_set():
                raise TimedOut(
                    f"{where}: no answer within {self._ctx.timeout_s:g} s",
                    remedy="find out why the pooler is silent, or raise the time-out",
                ) from error
            if self._conn.closed:
                raise Truncated(f"{where}: the connection broke", remedy="see the pooler's log") from error
            raise Unreachable(f"{where}: {error}", remedy="see the pooler's log and the network") from error
        except (psycopg.Error, UnicodeDecodeError) as error:
            raise Malformed(f"{where}: {type(error).__name__}", remedy="report it with PgBouncer's version") from error

    def _before_request(self) -> None:
        if self._ctx.stop.is_set():
            raise TimedOut(f"{self.instance}: the run was cancelled", remedy="run it again")
        self._ctx.throttle()
