"""Complete handshakes with the machine's own library: certificate, chain, and each protocol version."""

from __future__ import annotations

import ipaddress
import ssl
import threading
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compliance.collectors.tls import hello
from compliance.schemas.errors import ConfigError, Malformed, SourceError, TimedOut

_TLS_VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
_LEGACY_SERVER_CONNECT = 0x4  # ssl.OP_LEGACY_SERVER_CONNECT, named from Python 3.12 on
_filters = threading.Lock()


@dataclass(frozen=True, slots=True)
class Session:
    """What one completed handshake showed."""

    version: str
    cipher: str
    certificate: bytes  # DER
    chain: tuple[bytes, ...] | None  # all certificates sent, DER; None where this Python cannot tell
    peer: str  # address connected to


@dataclass(frozen=True, slots=True)
class Versions:
    """Which versions a server accepts. `hello_only`: its ServerHello agreed, our library could not finish."""

    accepted: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    not_tested: tuple[str, ...] = ()
    hello_only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trust:
    """The outcome of validating the chain; `ok` is None when there was nothing to validate against."""

    ok: bool | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, and which name to ask for."""

    host: str
    port: int
    server_name: str
    timeout_s: float
    throttle: Callable[[], None] = field(default=lambda: None)

    @property
    def where(self) -> str:
        """`host:port`, with the name asked for where it differs."""
        return f"{self.host}:{self.port}" + (f" ({self.server_name})" if self.server_name != self.host else "")

    def ask(self, version: str, offer: Iterable[int]) -> hello.Answer:
        """One hello (see `hello.ask`)."""
        self.throttle()
        return hello.ask(self.host, self.port, self.server_name, version, offer, self.timeout_s)


def permissive(version: str | None = None) -> ssl.SSLContext:
    """A client that accepts any certificate and offers all it can, so that weak servers can be seen at all.

    It is for looking only: nothing that it reads is trusted, and nothing is sent through it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    offer = "ALL:COMPLEMENTOFALL" if version else "ALL:!aNULL"  # an anonymous suite would show no certificate
    context.set_ciphers(f"{offer}:!PSK:!SRP:@SECLEVEL=0")  # below level 1 TLS 1.0 and 1.1 are offered
    context.options |= _LEGACY_SERVER_CONNECT
    # Python warns of TLS 1.0 and 1.1, which is what we are here to find; filters are global, hence the lock
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = _TLS_VERSIONS[version or "TLSv1"]
        if version:
            context.maximum_version = _TLS_VERSIONS[version]
    return context


def fetch_session(target: Target, context: ssl.SSLContext) -> Session:
    """One complete handshake.

    Raises:
        Unreachable, TimedOut: nobody there, or nobody answers.
        ssl.SSLError: the handshake failed, also on a certificate that the context refuses.
        OSError: the connection broke during it.
    """
    target.throttle()
    with hello.connect(target.host, target.port, target.timeout_s) as raw:
        try:
            with context.wrap_socket(raw, server_hostname=target.server_name or None) as sock:
                cipher = sock.cipher()
                return Session(
                    version=str(sock.version()),
                    cipher=cipher[0] if cipher else "",
                    certificate=sock.getpeercert(binary_form=True) or b"",
                    chain=_chain(sock),
                    peer=str(sock.getpeername()[0]),
                )
        except TimeoutError as error:
            raise TimedOut(
                f"{target.where} accepts connections and does not finish a handshake within {target.timeout_s:g} s",
                remedy="find out why it does not answer",
            ) from error


def first_session(target: Target) -> Session:
    """A handshake with everything allowed. Raises SourceError naming the endpoint when none comes about."""
    try:
        session = fetch_session(target, permissive())
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise Malformed(
            f"{target.where}: no TLS handshake comes about: {reason}",
            remedy="name a port that speaks TLS and does not demand a client certificate",
        ) from error
    if not session.certificate:
        raise Malformed(f"{target.where}: the server shows no certificate", remedy="name a server with a certificate")
    return session


def _chain(sock: ssl.SSLSocket) -> tuple[bytes, ...] | None:
    # public from Python 3.13 on; before that only on the object behind the socket
    get: Callable[[], Sequence[Any] | None] | None = getattr(sock, "get_unverified_chain", None) or getattr(
        getattr(sock, "_sslobj", None), "get_unverified_chain", None
    )
    if get is None:
        return None
    der_encoding = 2  # _ssl.ENCODING_DER
    return tuple(c if isinstance(c, bytes) else c.public_bytes(der_encoding) for c in get() or ())


def fetch_versions(target: Target) -> Versions:
    """Each version by a handshake of its own. Where our library cannot finish one, the server's hello decides.

    SSLv2 has another record format and is never tested. A version is refused only when the server says so, or hangs
    up on it while it still answers a version that it accepts.
    """
    accepted, refused, silent, not_tested, hello_only = [], [], [], ["SSLv2"], []
    for version in hello.VERSIONS:
        if _completes(target, version):
            accepted.append(version)
            continue
        match _hello_says(target, version):
            case "yes":
                accepted.append(version)
                hello_only.append(version)
            case "no":
                refused.append(version)
            case "hangs up":
                silent.append(version)
            case _:
                not_tested.append(version)
    if silent:
        still_talks = any(_completes(target, v) or _hello_says(target, v) == "yes" for v in accepted[:1])
        (refused if still_talks else not_tested).extend(silent)
    return Versions(tuple(accepted), _ordered(refused), _ordered(not_tested), tuple(hello_only))


def _ordered(versions: list[str]) -> tuple[str, ...]:
    order = ["SSLv2", *hello.VERSIONS]
    return tuple(sorted(versions, key=order.index))


def _completes(target: Target, version: str) -> bool:
    if version not in _TLS_VERSIONS or not getattr(ssl, "HAS_" + version.replace(".", "_"), False):
        return False
    try:
        return fetch_session(target, permissive(version)).version == version
    except (ssl.SSLError, OSError, TimedOut):
        return False


def _hello_says(target: Target, version: str) -> str | None:
    """The server's first answer to `version`: yes, no or hangs up; None when it is none of them."""
    try:
        answer = target.ask(version, hello.suites(version))
    except SourceError:
        return None
    if answer.version is not None:
        return "yes" if answer.version == hello.VERSIONS[version] else "no"
    if answer.alert in hello.REFUSALS:
        return "no"
    return "hangs up" if answer.closed else None


def fetch_ciphers(target: Target, accepted: Iterable[str]) -> list[str] | None:
    """All suites accepted in the accepted versions; None when one enumeration could not be completed."""
    found: dict[str, None] = {}
    for version in accepted:

        def send(offer: Iterable[int], version: str = version) -> hello.Answer:
            return target.ask(version, offer)

        try:
            names = hello.accepted_suites(send, version)
        except SourceError:
            return None
        if not names:  # an accepted version without a single suite: the enumeration itself did not work
            return None
        found.update(dict.fromkeys(names))
    return list(found)


def trusting(ca_file: Path | None) -> ssl.SSLContext | None:
    """A client that validates chains against `ca_file` or the system's store; None when the store is empty.

    Raises ConfigError when `ca_file` cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the name is judged apart: two questions, two answers
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"ca_file {ca_file}: {error}", remedy="point ca_file at a readable file of PEM certificates"
            ) from error
        return context
    context.load_default_certs()
    folder: str | None = ssl.get_default_verify_paths().capath  # None where it does not exist, whatever the stubs say
    in_folder = bool(folder) and any(Path(folder or "").glob("*.0"))
    return context if in_folder or context.cert_store_stats()["x509_ca"] else None


def fetch_trust(target: Target, context: ssl.SSLContext | None, version: str) -> Trust:
    """Whether the chain validates. A server that only speaks old versions is asked with those allowed."""
    if context is None:
        return Trust(None, "this machine has no store of trusted roots")
    if version in ("TLSv1", "TLSv1.1"):
        context.set_ciphers("ALL:@SECLEVEL=0")
        with _filters, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
    try:
        fetch_session(target, context)
    except ssl.SSLCertVerificationError as error:
        return Trust(False, error.verify_message)
    except (ssl.SSLError, OSError) as error:
        return Trust(None, f"no validating handshake came about: {error}")
    return Trust(True)


def is_address(host: str) -> bool:
    """`host` is an IP address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
