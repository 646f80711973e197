"""A way to an S3 server on which somebody changes what is downloaded."""

from __future__ import annotations

import http.client
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self


class Tampering:
    """Forwards every request to `port` on loopback; flips a bit of each answer to GET whose path contains `part`.

    The checksums that the server adds are taken away, as somebody who changes the content would."""

    def __init__(self, port: int, part: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                up = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                up.request(self.command, self.path, body or None, dict(self.headers.items()))
                answer = up.getresponse()
                content = bytearray(answer.read())
                if self.command == "GET" and part in self.path and content:
                    content[len(content) // 2] ^= 1
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "date", "server") and (
                        "checksum" not in name.lower()
                    ):
                        self.send_header(name, value)
                if answer.getheader("Content-Length") is None:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                up.close()

            do_GET = do_PUT = do_HEAD = do_POST = forward

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
