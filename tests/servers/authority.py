"""A time-stamping authority: `openssl ts` behind a small HTTP server on loopback, with its own root certificate.

`mode` says how it behaves: `good`, `wrong` (stamps other bytes), `expired` (its certificate is over), `garbage`,
`refuses` (HTTP 403), `rejects` (a proper answer that says no).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

_CONFIG = """
[tsa]
default_tsa = own
[own]
serial = {base}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority:
    """A running authority: `url`, `ca` (its root certificate), and `mode`, which tests set."""

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="tsa-", dir="/tmp"))
        self.mode = "good"
        self.ca = self.base / "ca.crt"
        self.server: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where requests are posted."""
        return f"http://127.0.0.1:{self._port}/tsr"

    def __enter__(self) -> Self:
        (self.base / "tsa.cnf").write_text(_CONFIG.format(base=self.base))
        (self.base / "serial").write_text("01\n")
        _make_ca(self.base)
        _certificate(self.base, "good", "-days", "30")
        _certificate(self.base, "expired", "-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
        self.start()
        return self

    def start(self) -> None:
        """Listen, on the same port as before."""
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status, body = authority.answer(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.base, ignore_errors=True)

    def answer(self, query: bytes) -> tuple[int, bytes]:
        """Status and body for one request."""
        if self.mode == "garbage":
            return 200, b"<html>It works!</html>"
        if self.mode == "refuses":
            return 403, b""
        request = self.base / "query.tsq"
        request.write_bytes(query)
        if self.mode == "wrong":  # the nonce of the request over another digest
            start = query.index(b"\x04\x20") + 2
            request.write_bytes(query[:start] + bytes(32) + query[start + 32 :])
        if self.mode == "rejects":
            _openssl(self.base, "ts", "-query", "-data", "serial", "-sha512", "-cert", "-out", "query.tsq")
        who = "expired" if self.mode == "expired" else "good"
        _openssl(self.base, "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-signer", f"{who}.crt",
                 "-inkey", f"{who}.key", "-out", "reply.tsr")  # fmt: skip
        return 200, (self.base / "reply.tsr").read_bytes()


def _openssl(base: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=base, check=True, capture_output=True)


_CA = """
[ca]
default_ca = own
[own]
database = {base}/index
new_certs_dir = {base}/certs
serial = {base}/number
certificate = {base}/ca.crt
private_key = {base}/ca.key
default_md = sha256
policy = any
x509_extensions = v3
unique_subject = no
[any]
commonName = supplied
[v3]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
authorityKeyIdentifier = keyid
subjectKeyIdentifier = hash
"""


def _make_ca(base: Path) -> None:
    _openssl(
        base, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
        "-out", "ca.crt", "-days", "3650", "-subj", "/CN=Test Root",
        "-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign",
    )  # fmt: skip
    (base / "index").touch()
    (base / "certs").mkdir()
    (base / "number").write_text("1000\n")
    (base / "ca.cnf").write_text(_CA.format(base=base))


def _certificate(base: Path, name: str, *dates: str) -> None:
    """A certificate for time stamping."""
    _openssl(base, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
             "-out", f"{name}.csr", "-subj", f"/CN=Test TSA {name}")  # fmt: skip
    _openssl(base, "ca", "-batch", "-notext", "-config", "ca.cnf", "-in", f"{name}.csr", "-out", f"{name}.crt", *dates)
