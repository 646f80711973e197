"""A read-only session that also gives large answers as bytes of CSV, and keeps the requests of such reading short."""

from __future__ import annotations

import json
import threading
from hashlib import sha256
from typing import Any

import psycopg

from compliance.collectors.postgres.errors import query_error
from compliance.collectors.postgres.session import Query, Session, deadline
from compliance.schemas.errors import TimedOut
from compliance.schemas.messages import Context, Request

_REQUESTS = 30_000  # bytes of questions that are recorded in full: an entry of the ledger has at most 65,535


class DjangoSession(Session):
    """A session on a project's database. Times come in UTC and in ISO form."""

    def __init__(self, ctx: Context[Any]) -> None:
        super().__init__(ctx)
        try:
            self._conn.execute("SET TimeZone = 'UTC'")
            self._conn.execute("SET DateStyle = 'ISO'")
            # a policy that hides rows from the reader must be an error and no shorter answer
            self._conn.execute("SET row_security = off")
        except psycopg.Error as error:
            self._conn.close()
            raise query_error(error, "preparing a session", self._where, "") from error

    def note(self, what: str, sql: str) -> None:
        """Remember that the pages of `what` are asked for by this text: one request for all of them."""
        request = Request("sql", f"-- in pages, COPY … TO STDOUT (FORMAT csv): {what}\n{sql}")
        if request not in self.asked:
            self.asked.append(request)

    def requests(self) -> tuple[Request, ...]:
        """What was asked for the kind being read, in order; beyond what an entry holds the rest as one digest."""
        kept: list[Request] = []
        left = list(self.asked)
        room = _REQUESTS
        while left and room >= (size := len(json.dumps(left[0].text)) + 60):
            kept.append(left.pop(0))
            room -= size
        if left:
            digest = sha256("\n".join(request.text for request in left).encode()).hexdigest()
            text = f"-- and {len(left)} more of the same form; the SHA-256 over their texts, one a line: {digest}"
            kept.append(Request("sql", text))
        return tuple(kept)

    def copied(self, query: Query) -> bytes:
        """The whole answer as CSV. Raises SourceError."""
        self._before_request()
        expired = threading.Event()
        parts: list[bytes] = []
        try:
            with (
                deadline(self._conn, self._ctx.timeout_s + 3, expired),
                self._conn.cursor() as cursor,
                cursor.copy(f"COPY ({query.sql}) TO STDOUT (FORMAT csv)".encode()) as copy,
            ):
                parts.extend(bytes(part) for part in copy)
        except psycopg.Error as error:
            if expired.is_set():
                raise TimedOut(
                    f"{query.what} on {self._where}: no answer within {self._ctx.timeout_s:g} s",
                    remedy="find out why the server is silent, or raise the time-out",
                ) from error
            raise query_error(error, query.what, self._where, query.needs) from error
        return b"".join(parts)
