"""One read-only session: asks each question once, remembers what was asked, bounds every wait."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.rows import DictRow, dict_row

from compliance.collectors.postgres.errors import connect_error, query_error
from compliance.schemas.errors import Denied, Malformed, SecretMissing, SourceError, TimedOut
from compliance.schemas.messages import Context, Request

Row = Mapping[str, Any]
Connection = psycopg.Connection[DictRow]


@dataclass(frozen=True, slots=True)
class Query:
    """A question: the exact SQL, what it reads in words, and the grant it takes. `count_sql` obtains the number of
    rows another way, in the same snapshot."""

    what: str
    sql: str
    needs: str = "GRANT pg_monitor TO the reading role"
    count_sql: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, and the independent count where the query has one."""

    rows: Sequence[Row]
    count: int | None


class Session:
    """A connection that cannot write. A question asked twice is answered from memory, a refusal too."""

    def __init__(self, ctx: Context[Any], dbname: str | None = None) -> None:
        self._ctx = ctx
        self._answers: dict[str, Answer | SourceError] = {}
        self.asked: list[Request] = []  # questions behind the kind being read, in order, each once
        self.notes: list[str] = []  # columns that stay NULL, with the grant that would fill them
        parameters = ctx.settings.connection(dbname)
        self._where = f"{parameters.get('host') or parameters.get('service')}/{parameters.get('dbname', '')}"
        self._conn = self._connect(parameters)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._conn.close()

    @property
    def instance(self) -> str:
        """`host:port`, or socket folder and port."""
        host = self._conn.info.host
        return f"[{host}]:{self._conn.info.port}" if ":" in host else f"{host}:{self._conn.info.port}"

    @property
    def host(self) -> str:
        """Host, address or socket folder connected to."""
        return self._conn.info.host

    @property
    def address(self) -> str | None:
        """Network address connected to; None for a Unix socket."""
        return self._conn.info.hostaddr or None

    @property
    def port(self) -> int:
        """Port connected to."""
        return self._conn.info.port

    def begin_kind(self) -> None:
        """Forget which questions were asked; their answers are kept."""
        self.asked = []
        self.notes = []

    def ask(self, query: Query) -> Answer:
        """The answer to `query`. Raises SourceError, again for each kind that needs it."""
        request = Request("sql", query.sql)
        if request not in self.asked:
            self.asked.append(request)
        if query.sql not in self._answers:
            try:
                self._answers[query.sql] = self._run(query)
            except SourceError as error:
                self._answers[query.sql] = error
        answer = self._answers[query.sql]
        if isinstance(answer, SourceError):
            raise answer
        return answer

    def rows(self, query: Query) -> Sequence[Row]:
        """The rows of `query`."""
        return self.ask(query).rows

    def one(self, query: Query) -> Row:
        """The only row of `query`. Raises Malformed when there is another number of rows."""
        rows = self.rows(query)
        if len(rows) != 1:
            raise Malformed(f"{query.what} on {self._where}: expected one row, got {len(rows)}", remedy="report it")
        return rows[0]

    def _connect(self, parameters: dict[str, Any]) -> Connection:
        ctx = self._ctx
        try:
            password = ctx.settings.password.resolve() if ctx.settings.password else None
        except SecretMissing as error:
            raise Denied(error.message, remedy=error.remedy) from error
        self._before_request()
        try:
            conn = psycopg.connect(
                **parameters,
                password=password,
                connect_timeout=max(2, round(ctx.timeout_s)),  # seconds; libpq refuses less than two
                application_name="compliance",
                client_encoding="utf8",
                autocommit=True,
                prepare_threshold=None,
                row_factory=dict_row,
            )
        except psycopg.Error as error:
            raise connect_error(error, self._where) from error
        milliseconds = round(ctx.timeout_s * 1000)
        try:
            conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            conn.read_only = True
            # a foreign function or operator in `public` must not answer in place of the catalogue's
            conn.execute("SET search_path = pg_catalog")
            conn.execute("SET default_transaction_read_only = on")
            conn.execute(f"SET statement_timeout = {milliseconds:d}".encode())
            conn.execute(f"SET lock_timeout = {milliseconds:d}".encode())
        except psycopg.Error as error:
            conn.close()
            raise query_error(error, "preparing a read-only session", self._where, "") from error
        return conn

    def _run(self, query: Query) -> Answer:
        self._before_request()
        expired = threading.Event()
        try:
            with deadline(self._conn, self._ctx.timeout_s + 3, expired), self._conn.transaction():
                rows = self._conn.execute(query.sql.encode()).fetchall()
                count = None
                if query.count_sql is not None:
                    (counted,) = self._conn.execute(query.count_sql.encode()).fetchall()
                    count = int(counted["count"])
        except psycopg.Error as error:
            if expired.is_set():
                raise TimedOut(
                    f"{query.what} on {self._where}: no answer within {self._ctx.timeout_s:g} s",
                    remedy="find out why the server is silent, or raise the time-out",
                ) from error
            raise query_error(error, query.what, self._where, query.needs) from error
        except UnicodeDecodeError as error:
            raise Malformed(
                f"{query.what} on {self._where}: a name is not valid UTF-8", remedy="rename it, or report it"
            ) from error
        return Answer(rows, count)

    def _before_request(self) -> None:
        if self._ctx.stop.is_set():
            raise TimedOut(f"{self._where}: the run was cancelled", remedy="run it again")
        self._ctx.throttle()


@contextlib.contextmanager
def deadline(conn: Connection, seconds: float, expired: threading.Event) -> Iterator[None]:
    """Cut the connection after `seconds`: the server's own statement_timeout does not help when the server is
    frozen, and libpq has no time limit on an answer."""
    try:
        wire = socket.socket(fileno=os.dup(conn.fileno()))
    except (psycopg.OperationalError, OSError):  # already closed: the query itself will say so
        yield
        return

    def cut() -> None:
        expired.set()
        with contextlib.suppress(OSError):
            wire.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        wire.close()
