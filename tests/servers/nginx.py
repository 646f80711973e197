"""Real nginx servers for tests: unprivileged, on loopback, random ports, a folder of their own.

`good(...)` and `bad(...)` start one server each; the caller keeps it for the session and calls `stop()`.
Certificates come from a throw-away authority made with `cryptography`.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

MODSECURITY = Path("/usr/lib/nginx/modules/ngx_http_modsecurity_module.so")
CRS = (Path("/etc/modsecurity/crs/crs-setup.conf"), Path("/usr/share/modsecurity-crs/rules"))
NOBODY = 65534


def nginx_binary() -> str:
    """Path of nginx; skips the test, saying what is missing, where there is none."""
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("nginx is not installed (apt: nginx libnginx-mod-http-modsecurity modsecurity-crs)")
    if not MODSECURITY.exists() or not all(path.exists() for path in CRS):
        pytest.skip("ModSecurity for nginx is not installed (apt: libnginx-mod-http-modsecurity modsecurity-crs)")
    return found


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Authority:
    """A certificate authority with an OCSP responder that says whatever `status` holds."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Authority")])
        now = dt.datetime.now(dt.UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        self.status = ocsp.OCSPCertStatus.GOOD
        self.issued: dict[int, x509.Certificate] = {}
        self.forger: Authority | None = None  # signs answers in place of this one
        self._http = _serve(self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_port}/"

    def issue(self, *names: str, days: int = 20, responder: bool = True) -> tuple[bytes, bytes]:
        """Key and certificate (PEM) for DNS names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=10))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if responder:
            access = x509.AccessDescription(
                AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(self.url)
            )
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        self.issued[certificate.serial_number] = certificate
        return _pem_key(key), certificate.public_bytes(serialization.Encoding.PEM)

    def ocsp_response(self, serial: int) -> bytes:
        """The signed status of one issued certificate (DER)."""
        now = dt.datetime.now(dt.UTC)
        signer = self.forger or self
        revoked = self.status is ocsp.OCSPCertStatus.REVOKED
        return (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=self.issued[serial],
                issuer=self.certificate,
                algorithm=hashes.SHA1(),
                cert_status=self.status,
                this_update=now - dt.timedelta(hours=1),
                next_update=now + dt.timedelta(days=1),
                revocation_time=now - dt.timedelta(hours=2) if revoked else None,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
            .sign(signer.key, hashes.SHA256())
            .public_bytes(serialization.Encoding.DER)
        )

    def stop(self) -> None:
        """Stop the responder."""
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        authority = self

        class Responder(_Quiet):
            def do_POST(self) -> None:
                asked = ocsp.load_der_ocsp_request(self.rfile.read(int(self.headers["Content-Length"])))
                self.answer(200, authority.ocsp_response(asked.serial_number))

        return Responder


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    extra: ClassVar[dict[str, str]] = {}

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        for name, value in self.extra.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: tests read results, not the console."""


class _App(_Quiet):
    extra: ClassVar[dict[str, str]] = {"Set-Cookie": "session=s3cret-cookie-value; Path=/"}

    def do_GET(self) -> None:
        self.answer(200, b"hello")


@dataclass
class Nginx:
    """A running server and where its pieces lie."""

    folder: Path
    config: Path
    https_port: int
    http_port: int
    ca_file: Path
    backends: tuple[int, ...]
    dead_port: int
    process: subprocess.Popen[bytes]
    extras: list[ThreadingHTTPServer] = field(default_factory=list)

    def stop(self) -> None:
        """Stop the server and its backends and remove its folder."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for server in self.extras:
            server.shutdown()
            server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)


def good(authority: Authority) -> Nginx:
    """TLS 1.2 and 1.3, HSTS, redirect, two live upstreams, the core rule set blocking, cached static files."""
    return _start(authority, _GOOD, engine="On", names=("localhost", "127.0.0.1"))


def bad(authority: Authority) -> Nginx:
    """TLS 1.0, no HSTS at the site, a dead upstream, a filter that only watches, a shared cache on a personal page."""
    return _start(authority, _BAD, engine="DetectionOnly", names=("elsewhere.example",))


@dataclass
class Plain:
    """A tiny server without TLS."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Stop it and remove its folder."""
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def plain(folder: Path, locations: str, *, before: str = "", http: str = "") -> Plain:
    """A server on plain HTTP with these locations, in `folder`, which it then owns. `before` stands at the
    top, `http` before the server."""
    binary = nginx_binary()
    for _ in range(4):
        port = free_port()
        config = folder / "nginx.conf"
        config.write_text(
            _fill(_PLAIN, {"D": str(folder), "PORT": str(port), "LOCATIONS": locations, "BEFORE": before, "MORE": http})
        )
        process = _spawn(binary, folder, config)
        if _accepts(port, process):
            return Plain(folder, port, process)
        process.kill()
        process.wait()
    raise RuntimeError(f"nginx does not start: {(folder / 'error.log').read_text()[-2000:]}")


def as_nobody(ask: Callable[[], str]) -> str:
    """What `ask` answers in a forked child without any right (as ourselves where we have none to give up)."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():  # newer Pythons warn of forking beside threads; the child uses none of them
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            os.write(writer, ask().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(16)
        yield int(sock.getsockname()[1])


@contextmanager
def babbling_port(reply: bytes = b"220 not what you think\r\n") -> Iterator[int]:
    """A port that answers every connection with `reply` and closes."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(16)
        sock.settimeout(0.1)
        stop = threading.Event()

        def talk() -> None:
            while not stop.is_set():
                try:
                    peer, _ = sock.accept()
                except TimeoutError:
                    continue
                with peer:
                    try:
                        peer.settimeout(0.2)
                        peer.recv(4096)
                        peer.sendall(reply)
                    except OSError:
                        continue

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        try:
            yield int(sock.getsockname()[1])
        finally:
            stop.set()
            thread.join()


def _start(authority: Authority, template: str, *, engine: str, names: tuple[str, ...]) -> Nginx:
    binary = nginx_binary()
    for attempt in range(4):  # a port that was free may be taken by the time nginx binds it
        server = _try_start(binary, authority, template, engine, names)
        try:
            _wait_ready(server)
        except RuntimeError:
            log = server.folder / "error.log"
            text = log.read_text() if log.exists() else "no log"
            server.stop()
            if attempt == 3 or "Address already in use" not in text:
                raise RuntimeError(f"nginx does not start: {text[-2000:]}") from None
            continue
        return server
    raise AssertionError("unreachable")


def _try_start(binary: str, authority: Authority, template: str, engine: str, names: tuple[str, ...]) -> Nginx:
    folder = Path(tempfile.mkdtemp(prefix="nginx-test-"))
    key, certificate = authority.issue(*names)
    leaf = x509.load_pem_x509_certificate(certificate)
    (folder / "site.key").write_bytes(key)
    (folder / "site.crt").write_bytes(certificate)
    (folder / "ca.crt").write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "ocsp.der").write_bytes(authority.ocsp_response(leaf.serial_number))
    (folder / "static").mkdir()
    (folder / "static/app.css").write_text("body {}")
    (folder / "sites").mkdir()
    (folder / "temp").mkdir()
    setup, rules = CRS
    (folder / "modsecurity.conf").write_text(
        f"SecRuleEngine {engine}\nSecRequestBodyAccess On\nInclude {setup}\nInclude {rules}/*.conf\n"
    )
    backends = [_serve(_App), _serve(_App)]
    ports = {
        "D": str(folder),
        "HTTPS": str(free_port()),
        "HTTP": str(free_port()),
        "A": str(backends[0].server_port),
        "B": str(backends[1].server_port),
        "DEAD": str(free_port()),
        "MODULE": str(MODSECURITY),
    }
    main, site = template.split("#---\n")
    config = folder / "nginx.conf"
    config.write_text(_fill(_MAIN, ports) + _fill(main, ports) + "}\n")
    (folder / "sites/site.conf").write_text(_fill(site, ports))
    process = _spawn(binary, folder, config)
    return Nginx(
        folder=folder,
        config=config,
        https_port=int(ports["HTTPS"]),
        http_port=int(ports["HTTP"]),
        ca_file=folder / "ca.crt",
        backends=(backends[0].server_port, backends[1].server_port),
        dead_port=int(ports["DEAD"]),
        process=process,
        extras=backends,
    )


def _spawn(binary: str, folder: Path, config: Path) -> subprocess.Popen[bytes]:
    """nginx as an account without rights: root would give its workers other rights than its files have."""
    as_root = os.geteuid() == 0
    if as_root:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    return subprocess.Popen(
        [binary, "-c", str(config), "-p", str(folder), "-e", str(folder / "error.log")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **({"user": NOBODY, "group": NOBODY, "extra_groups": []} if as_root else {}),
    )


def _wait_ready(server: Nginx) -> None:
    if not _accepts(server.https_port, server.process):
        raise RuntimeError("nginx is not ready")


def _accepts(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
            continue
        return True
    return False


def _serve(handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


def _fill(template: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


_MAIN = """
daemon off;
worker_processes 2;  # one alone could have been replaced without a reload
pid @D@/nginx.pid;
error_log @D@/error.log;
load_module @MODULE@;
events { worker_connections 256; }
http {
    access_log @D@/access.log;
    client_body_temp_path @D@/temp;
    proxy_temp_path @D@/temp;
    fastcgi_temp_path @D@/temp;
    uwsgi_temp_path @D@/temp;
    scgi_temp_path @D@/temp;
    types { text/css css; text/html html; }
    ssl_certificate @D@/site.crt;
    ssl_certificate_key @D@/site.key;
    modsecurity_rules_file @D@/modsecurity.conf;
    include @D@/sites/*.conf;
"""

_GOOD = """
    server_tokens off;
    modsecurity on;
    limit_req_zone $binary_remote_addr zone=clients:1m rate=1000r/s;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE+AESGCM;
#---
upstream app {
    least_conn;
    server 127.0.0.1:@A@ max_fails=3 fail_timeout=10s;
    server 127.0.0.1:@B@ backup;
}
server {
    listen 127.0.0.1:@HTTP@;
    server_name localhost;
    return 301 https://localhost:@HTTPS@$request_uri;
}
server {
    listen 127.0.0.1:@HTTPS@ ssl http2;
    server_name localhost;
    add_header Strict-Transport-Security "max-age=31536000; includeSubDomains; preload" always;
    add_header X-Content-Type-Options nosniff always;
    add_header Content-Security-Policy "default-src 'self'" always;
    ssl_stapling on;
    ssl_stapling_file @D@/ocsp.der;
    limit_req zone=clients burst=1000 nodelay;
    location / {
        proxy_pass http://app;
    }
    location /account {
        add_header Strict-Transport-Security "max-age=31536000; includeSubDomains; preload" always;
        add_header Cache-Control "private, no-store";
        proxy_pass http://app;
        proxy_cookie_flags session secure httponly;
    }
    location ~* \\.(css|js|png)$ {
        root @D@/static;
        expires 30d;
        add_header Strict-Transport-Security "max-age=31536000; includeSubDomains; preload" always;
        add_header Cache-Control "public, immutable";
    }
    location = /status {
        stub_status;
        access_log off;
    }
    location = /closed {
        deny all;
    }
}
"""

_BAD = """
    modsecurity on;
    proxy_cache_path @D@/cache keys_zone=shared:1m;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2;
    ssl_ciphers ALL:@SECLEVEL=0;
#---
upstream app {
    server 127.0.0.1:@A@;
    server 127.0.0.1:@DEAD@ max_fails=0;
    server 127.0.0.1:@B@ down;
}
server {
    listen 127.0.0.1:@HTTP@;
    server_name elsewhere.example;
    access_log off;
    location / {
        proxy_pass http://app;
    }
}
server {
    listen 127.0.0.1:@HTTPS@ ssl;
    server_name elsewhere.example;
    add_header Strict-Transport-Security "max-age=600";
    location / {
        add_header X-Page main;
        proxy_pass http://app;
    }
    location /account {
        modsecurity off;
        proxy_cache shared;
        proxy_cache_valid 200 1m;
        proxy_ignore_headers Set-Cookie;
        add_header Cache-Control "public, max-age=600";
        proxy_pass http://app;
    }
    location /files/ {
        alias @D@/static/;
        autoindex on;
    }
}
"""

_PLAIN = """
@BEFORE@
daemon off;
pid @D@/nginx.pid;
error_log @D@/error.log;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path @D@;
    proxy_temp_path @D@;
    fastcgi_temp_path @D@;
    uwsgi_temp_path @D@;
    scgi_temp_path @D@;
    @MORE@
    server {
        listen 127.0.0.1:@PORT@;
        @LOCATIONS@
    }
}
"""
