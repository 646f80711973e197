"""The TLS collector: what it promises, and how its answers come together."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import ClassVar

from cryptography import x509

from compliance.collectors.tls import ocsp, web
from compliance.collectors.tls.certificate import Certificate, load, rows_certificate, valid_for
from compliance.collectors.tls.ciphers import is_weak, lacks_forward_secrecy
from compliance.collectors.tls.handshake import (
    Session,
    Target,
    Trust,
    Versions,
    fetch_ciphers,
    fetch_trust,
    fetch_versions,
    first_session,
    trusting,
)
from compliance.collectors.tls.listeners import fetch_tls_ports
from compliance.collectors.tls.settings import Endpoint, TlsSettings
from compliance.schemas.errors import ComplianceError, ConfigError, SourceError
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.host import Exposure
from compliance.schemas.kinds.network import TlsEndpoint
from compliance.schemas.kinds.web import CachedResponse, HttpEndpoint
from compliance.schemas.messages import (
    Access,
    Cause,
    Complete,
    Context,
    Discovery,
    Found,
    Gap,
    Message,
    Record,
    Request,
    Settings,
)


class Tls:
    """Meets TLS endpoints as any client would: no credentials, no rights, nothing sent but hellos and GETs."""

    name: ClassVar[str] = "tls"
    title: ClassVar[str] = "TLS and HTTPS endpoints"
    kinds: ClassVar[tuple[type[Evidence], ...]] = (TlsEndpoint, HttpEndpoint, CachedResponse)
    Settings: ClassVar[type[Settings]] = TlsSettings

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        """One source with every local port that finishes a handshake."""
        ports = list(fetch_tls_ports(ctx))
        if ports:
            endpoints = [{"host": "127.0.0.1", "port": port} for port, _ in ports]
            seen = ", ".join(f"port {port} speaks {version}" for port, version in ports)
            yield Found("tls", {"endpoints": endpoints}, seen)

    def check(self, ctx: Context[TlsSettings]) -> Iterator[Access]:
        """One handshake per endpoint; a web server must also answer."""
        failed = _failures(ctx, ctx.settings.endpoints, lambda e: [first_session(_target(ctx, e))])
        web_failed = failed or _failures(ctx, _web(ctx), lambda e: [_site(ctx, e).get("https", e.port, e.paths[0])])
        for kind, errors in (
            (TlsEndpoint.kind, failed),
            (HttpEndpoint.kind, web_failed),
            (CachedResponse.kind, web_failed),
        ):
            if errors:
                message = "; ".join(e.message for e in errors)
                yield Access(kind, False, message, errors[0].remedy or "")
            elif nothing := _nothing_to_ask(ctx, kind):
                yield Access(kind, False, *nothing)
            else:
                yield Access(kind, True, f"{len(ctx.settings.endpoints)} endpoint(s) answer")

    def collect(self, ctx: Context[TlsSettings]) -> Iterator[Message]:
        """Every kind for every endpoint. One endpoint that does not answer makes the kind a Gap that names it."""
        readers: dict[str, tuple[tuple[Endpoint, ...], Callable[[Endpoint], list[tuple[Evidence, Request]]]]] = {
            TlsEndpoint.kind: (ctx.settings.endpoints, lambda e: [_read_tls(ctx, e)]),
            HttpEndpoint.kind: (_web(ctx), lambda e: _read_http(ctx, e)),
            CachedResponse.kind: (_web(ctx), lambda e: _read_cached(ctx, e)),
        }
        for kind, (endpoints, read) in readers.items():
            if kind not in ctx.wanted:
                continue
            if nothing := _nothing_to_ask(ctx, kind):
                yield Gap(kind, Cause.DISABLED, *nothing)
                continue
            answers: list[tuple[Evidence, Request]] = []

            def keep(
                endpoint: Endpoint,
                read: Callable[[Endpoint], list[tuple[Evidence, Request]]] = read,
                answers: list[tuple[Evidence, Request]] = answers,
            ) -> None:
                answers.extend(read(endpoint))

            errors = _failures(ctx, endpoints, keep)
            requests = tuple(request for _, request in answers)
            if errors:
                yield _gap(kind, errors, requests)
                continue
            for evidence, _ in answers:
                yield Record(evidence)
            yield Complete(kind, requests)


def _failures(
    ctx: Context[TlsSettings], endpoints: tuple[Endpoint, ...], read: Callable[[Endpoint], object]
) -> list[ComplianceError]:
    """Read each endpoint; the errors of those that could not be read."""
    errors: list[ComplianceError] = []
    for endpoint in endpoints:
        if ctx.stop.is_set():
            errors.append(SourceError(f"{endpoint.label}: the run was stopped before it was asked", remedy="run again"))
            continue
        try:
            read(endpoint)
        except (SourceError, ConfigError) as error:
            errors.append(error)
    return errors


def _gap(kind: str, errors: list[ComplianceError], requests: tuple[Request, ...]) -> Gap:
    first = errors[0]
    cause = Cause(first.cause) if isinstance(first, SourceError) else Cause.ABSENT
    message = "; ".join(error.message for error in errors)
    return Gap(kind, cause, message, first.remedy or "run again", requests)


def _nothing_to_ask(ctx: Context[TlsSettings], kind: str) -> tuple[str, str] | None:
    """Message and remedy when the settings name nothing for `kind`: an empty answer would claim that we looked."""
    sites = _web(ctx)
    if kind == HttpEndpoint.kind and not any(e.paths for e in sites):
        return "no endpoint is declared to speak HTTP", "set http and paths of an endpoint"
    if kind == CachedResponse.kind and not any(e.static_paths or e.personal_paths for e in sites):
        return "no static or personal paths are declared", "set static_paths and personal_paths of an endpoint"
    return None


def _read_tls(ctx: Context[TlsSettings], endpoint: Endpoint) -> tuple[Evidence, Request]:
    target = _target(ctx, endpoint)
    session = first_session(target)
    versions = fetch_versions(target)
    ciphers = fetch_ciphers(target, versions.accepted)
    trust = fetch_trust(target, trusting(ctx.settings.ca_file), session.version)
    cert = rows_certificate(session.certificate, endpoint.label)
    revocation = _revocation(ctx, endpoint, session, cert)
    row = rows_tls(endpoint, session, versions, ciphers, trust, cert, revocation, ocsp.fetch_stapled(target))
    text = f"tls {endpoint.host}:{endpoint.port} sni={endpoint.name or '-'}: versions, suites, certificate, chain"
    return row, Request("handshake", text, cert.sha256)


def _revocation(ctx: Context[TlsSettings], endpoint: Endpoint, session: Session, cert: Certificate) -> ocsp.Status:
    if not cert.ocsp_urls:
        return ocsp.Status("none")
    if not ctx.settings.ocsp:
        return ocsp.Status(None, "not asked: ocsp is not switched on")
    leaf = load(session.certificate, endpoint.label)
    known = [load(der, endpoint.label) for der in (session.chain or ())[1:]]
    if ctx.settings.ca_file:
        try:
            known += x509.load_pem_x509_certificates(ctx.settings.ca_file.read_bytes())
        except (OSError, ValueError) as error:
            raise ConfigError(f"ca_file {ctx.settings.ca_file}: {error}", remedy="name a file of PEM roots") from error
    ctx.throttle()
    return ocsp.fetch_status(leaf, ocsp.issuer_of(leaf, known), cert.ocsp_urls, ctx.timeout_s, ctx.clock())


def rows_tls(
    endpoint: Endpoint,
    session: Session,
    versions: Versions,
    ciphers: list[str] | None,
    trust: Trust,
    cert: Certificate,
    revocation: ocsp.Status,
    stapled: bool | None,
) -> TlsEndpoint:
    """The row of one endpoint."""
    untested = set(versions.not_tested) - {"SSLv2"}  # never tested anywhere; claims are made from SSLv3 upwards
    return TlsEndpoint(
        host=endpoint.host,
        port=endpoint.port,
        server_name=endpoint.name,
        exposure=endpoint.exposure or exposure_of(session.peer),
        protocols=list(versions.accepted),
        protocols_not_tested=list(versions.not_tested),
        min_protocol=versions.accepted[0] if versions.accepted and not untested else None,
        ciphers=ciphers,
        weak_ciphers=None if ciphers is None else [name for name in ciphers if is_weak(name)],
        forward_secrecy=None if ciphers is None else not any(lacks_forward_secrecy(name) for name in ciphers),
        cert_subject=cert.subject,
        cert_issuer=cert.issuer,
        cert_names=list(cert.names),
        cert_not_before=cert.not_before,
        cert_not_after=cert.not_after,
        cert_sha256=cert.sha256,
        cert_serial=cert.serial,
        key_type=cert.key_type,
        key_bits=cert.key_bits,
        signature_algorithm=cert.signature_algorithm,
        name_matches=valid_for(cert.names, endpoint.name or endpoint.host),
        chain_ok=trust.ok,
        chain_error=trust.error,
        chain_length=None if session.chain is None else len(session.chain),
        self_signed=cert.self_signed,
        ocsp_stapled=stapled,
        ocsp_status=revocation.value,
        detail={
            "address": session.peer,
            "negotiated": {"version": session.version, "cipher": session.cipher},
            "versions_refused": list(versions.refused),
            "versions_by_hello_only": list(versions.hello_only),
            "ocsp_note": revocation.why,
        },
    )


def exposure_of(address: str) -> Exposure:
    """loopback, private or public, by the address that was connected to."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.is_loopback:
        return Exposure.LOOPBACK
    return Exposure.PRIVATE if ip.is_private or ip.is_link_local else Exposure.PUBLIC


def _read_http(ctx: Context[TlsSettings], endpoint: Endpoint) -> list[tuple[Evidence, Request]]:
    site, found = _site(ctx, endpoint), []
    for path in endpoint.paths:
        chain, final_url = web.fetch_chain(site, path)
        plain = web.fetch_plain(site, endpoint.redirect_port, path)
        url = ctx.settings.url(endpoint, path)
        exposure = endpoint.exposure or (exposure_of(chain[0].peer) if chain[0].peer else None)
        row: Evidence = web.rows_http(url, endpoint.name or endpoint.host, exposure, chain, final_url, plain)
        found.append((row, Request("api", f"GET {url} (status and headers)")))
    return found


def _read_cached(ctx: Context[TlsSettings], endpoint: Endpoint) -> list[tuple[Evidence, Request]]:
    site, found = _site(ctx, endpoint), []
    for path in dict.fromkeys((*endpoint.static_paths, *endpoint.personal_paths)):
        reply = site.get("https", endpoint.port, path)
        url = ctx.settings.url(endpoint, path)
        row: Evidence = web.rows_cached(
            url, reply, is_static=path in endpoint.static_paths, is_personal=path in endpoint.personal_paths
        )
        found.append((row, Request("api", f"GET {url} (status and headers)")))
    return found


def _web(ctx: Context[TlsSettings]) -> tuple[Endpoint, ...]:
    return tuple(e for e in ctx.settings.endpoints if e.http)


def _target(ctx: Context[TlsSettings], endpoint: Endpoint) -> Target:
    return Target(endpoint.host, endpoint.port, endpoint.name, ctx.timeout_s, ctx.throttle)


def _site(ctx: Context[TlsSettings], endpoint: Endpoint) -> web.Site:
    return web.Site(endpoint.host, endpoint.port, endpoint.name or endpoint.host, ctx.timeout_s, ctx.throttle)
