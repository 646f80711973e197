"""One connection that only asks: each question once, every wait bounded, every refusal with cause and remedy."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import redis.connection
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from compliance.collectors.redis.settings import RedisSettings
from compliance.schemas.errors import (
    Denied,
    Disabled,
    Malformed,
    RateLimited,
    SecretMissing,
    SourceError,
    TimedOut,
    Unreachable,
)
from compliance.schemas.messages import Context, Request

CONFIG_RIGHT = "ACL SETUSER <reader> +config|get"
ACL_RIGHT = "ACL SETUSER <reader> +acl|list"
INFO_RIGHT = "ACL SETUSER <reader> +info"
_wire: Any = redis.connection  # redis-py gives its connections no types
_RIGHTS = {"CONFIG": CONFIG_RIGHT, "ACL": ACL_RIGHT, "INFO": INFO_RIGHT}


class Session:
    """A connection to one server. A question asked twice is answered from memory, a refusal too."""

    def __init__(self, ctx: Context[RedisSettings]) -> None:
        self._ctx = ctx
        self._where = ctx.settings.instance
        self._answers: dict[tuple[str, ...], Any] = {}
        self.asked: list[Request] = []  # questions behind the kind being read, in order, each once
        self.notes: list[str] = []  # columns that stay NULL, with the right that would fill them
        self._conn = _connection(ctx)
        self._before_request()
        try:
            self._conn.connect()
        except (exceptions.RedisError, ValueError, OSError) as error:
            self._conn.disconnect()
            refusal = _source_error(error, "connecting", self._where, "")
            if isinstance(refusal, Unreachable) and ctx.settings.tls and ctx.settings.cert_file is None:
                refusal = _certificate_wanted(ctx) or refusal
            raise refusal from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._conn.disconnect()

    def begin_kind(self) -> None:
        """Forget which questions were asked; their answers are kept."""
        self.asked = []
        self.notes = []

    def ask(self, *command: str) -> Any:
        """The raw answer to `command`. Raises SourceError, again for each kind that needs it."""
        request = Request("command", " ".join(command))
        if request not in self.asked:
            self.asked.append(request)
        if command not in self._answers:
            self._answers[command] = self._run(command)
        answer = self._answers[command]
        if isinstance(answer, SourceError):
            raise answer
        return answer

    def text(self, *command: str) -> str:
        """The answer to `command`, which is text."""
        answer = self.ask(*command)
        if not isinstance(answer, str):
            raise self._unexpected(command)
        return answer

    def texts(self, *command: str) -> Sequence[str]:
        """The answer to `command`, which is a list of text."""
        answer = self.ask(*command)
        if not isinstance(answer, list) or not all(isinstance(item, str) for item in answer):
            raise self._unexpected(command)
        return answer

    def _run(self, command: tuple[str, ...]) -> Any:
        what = " ".join(command[:2])
        try:
            self._before_request()
            self._conn.send_command(*command)
            return self._conn.read_response()
        except SourceError as error:
            return error
        except (exceptions.RedisError, ValueError, OSError) as error:
            return _source_error(error, what, self._where, _RIGHTS.get(command[0], ""))

    def _unexpected(self, command: tuple[str, ...]) -> Malformed:
        what = " ".join(command[:2])
        return Malformed(f"{what} on {self._where}: the answer has another shape than documented", remedy="report it")

    def _before_request(self) -> None:
        if self._ctx.stop.is_set():
            raise TimedOut(f"{self._where}: the run was cancelled", remedy="run it again")
        self._ctx.throttle()


def _connection(ctx: Context[RedisSettings]) -> Any:
    settings = ctx.settings
    try:
        password = settings.password.resolve() if settings.password else None
    except SecretMissing as error:
        raise Denied(error.message, remedy=error.remedy) from error
    common: dict[str, Any] = {
        "db": settings.database,
        "username": settings.username,
        "password": password,
        "socket_timeout": ctx.timeout_s,
        "socket_connect_timeout": ctx.timeout_s,
        "retry": Retry(NoBackoff(), 0),  # the runner retries
        "protocol": 2,
        "driver_info": None,  # no CLIENT SETINFO: the reader has no right to it
        "decode_responses": True,
        "encoding_errors": "backslashreplace",  # key patterns are bytes
    }
    if settings.unix_socket:
        return _wire.UnixDomainSocketConnection(path=str(settings.unix_socket), **common)
    common |= {"host": settings.host, "port": settings.port}
    if not settings.tls:
        return _wire.Connection(**common)
    return _wire.SSLConnection(
        ssl_cert_reqs="required",
        ssl_check_hostname=True,
        ssl_ca_certs=settings.ca_file,
        ssl_certfile=settings.cert_file,
        ssl_keyfile=settings.key_file,
        **common,
    )


def _source_error(error: Exception, what: str, where: str, needs: str) -> SourceError:
    """What Redis, redis-py or TLS said, as an error with cause and remedy. Of a server's words only those before
    `, with args` are kept: what follows repeats the command, which can be AUTH."""
    said = " ".join(str(error).split()).partition(", with args")[0][:300]
    message = f"{what} on {where}: {said}"
    tls = _tls_error(error)
    if tls is not None:
        return _tls_refusal(tls, f"{what} on {where}: {tls.reason or tls}")
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return TimedOut(
            message, remedy="check that `tls` fits the port; find out why the server is silent, or raise the time-out"
        )
    if isinstance(error, exceptions.NoPermissionError):
        return Denied(message, remedy=needs or "give the reading user the right named in the message")
    if isinstance(error, exceptions.InvalidResponse | ValueError):
        # what was answered is not repeated: whoever answers there was sent the password and may echo it
        return Malformed(f"{what} on {where}: the answer is not Redis protocol", remedy="check host, port and tls")
    for words, kind, remedy in _SAID:
        if any(word in said for word in words):
            return kind(message, remedy=remedy)
    if isinstance(error, exceptions.AuthenticationError | exceptions.AuthorizationError):
        return Denied(message, remedy="check username and password reference")
    if isinstance(error, exceptions.ConnectionError | OSError):
        return Unreachable(message, remedy="start the server, or open the path to it; check host, port and tls")
    return Malformed(message, remedy="report it with the server's version")


_SAID: tuple[tuple[tuple[str, ...], type[SourceError], str], ...] = (
    (("max number of clients",), RateLimited, "free connections, or raise maxclients"),
    (("LOADING", "loading the dataset"), Unreachable, "wait until the server has loaded its data"),
    (("MASTERDOWN", "Link with MASTER is down"), Unreachable, "the replica lost its primary: mend the replication"),
    (("MISCONF",), Disabled, "the server cannot save to disk and refuses commands: see its log"),
    (("protected mode",), Denied, "set a password on the server, or read it from its own machine"),
    (("NOAUTH", "Authentication required"), Denied, "give username and a password reference"),
    (("WRONGPASS", "invalid username-password", "invalid password"), Denied, "check username and password reference"),
    (
        ("unknown command", "unknown subcommand", "Unknown subcommand"),
        Disabled,
        "the command is renamed, switched off or unknown to this version: restore it for the reading user",
    ),
    (("No such file", "Permission denied"), Unreachable, "check the path of the socket or of the TLS files"),
)


def _certificate_wanted(ctx: Context[RedisSettings]) -> SourceError | None:
    """The refusal for lack of a client certificate, when that is why the server hung up; else None.

    In TLS 1.3 the alert comes after the handshake and is lost when the server closes on a command that is already on
    its way. So nothing is sent here: the next thing to read is the alert.
    """
    settings = ctx.settings
    ctx.throttle()
    try:
        trust = ssl.create_default_context(cafile=settings.ca_file)
        with (
            socket.create_connection((settings.host, settings.port), ctx.timeout_s) as plain,
            trust.wrap_socket(plain, server_hostname=settings.host) as wire,
        ):
            wire.recv(1)
    except ssl.SSLError as error:
        refusal = _tls_refusal(error, f"connecting on {settings.instance}: {error.reason or error}")
        return refusal if isinstance(refusal, Denied) else None
    except OSError:
        return None
    return None


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """The TLS error behind an error, when there is one."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, ssl.SSLError):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def _tls_refusal(error: ssl.SSLError, message: str) -> SourceError:
    if isinstance(error, ssl.SSLCertVerificationError):
        message = f"{message}: {error.verify_message}"
        return Denied(message, remedy="point ca_file to the CA that signs the server, and use its certificate's name")
    if error.reason and "CERTIFICATE" in error.reason:
        return Denied(message, remedy="give cert_file and key_file: the server asks for a client certificate")
    if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        return Disabled(message, remedy="no TLS is spoken on this port: open tls-port, or set tls = false")
    return Unreachable(message, remedy="check the server's TLS settings (tls-protocols, tls-ciphers)")
