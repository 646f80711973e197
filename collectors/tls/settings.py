"""What the TLS collector is told: which endpoints to meet, and whom to trust."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from compliance.collectors.tls.handshake import is_address
from compliance.schemas.kinds.host import Exposure
from compliance.schemas.messages import LocalPath, Settings

Port = Annotated[int, Field(ge=1, le=65535)]
UrlPath = Annotated[str, Field(pattern=r"^/[\x21-\x7e]*$")]


class Endpoint(Settings):
    """One TLS endpoint. Paths are asked with GET and nothing else, without credentials."""

    host: str = Field(min_length=1, description="Host name or address to connect to.")
    port: Port = 443
    server_name: str | None = Field(
        default=None, description="Name to ask for; the host when it is a name. '' asks for none."
    )
    exposure: Exposure | None = Field(default=None, description="Declared; otherwise told from the address.")
    http: bool = Field(default=True, description="It speaks HTTP. A database or mail port over TLS does not.")
    paths: tuple[UrlPath, ...] = ("/",)
    static_paths: tuple[UrlPath, ...] = ()
    personal_paths: tuple[UrlPath, ...] = Field(default=(), description="Paths declared to return personal data.")
    redirect_port: Port | None = Field(default=80, description="Where plain HTTP is tried; none: not asked.")

    @property
    def name(self) -> str:
        """The name for SNI; '' for none."""
        if self.server_name is not None:
            return self.server_name
        return "" if is_address(self.host) else self.host

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"{self.host}:{self.port}" + (f" ({self.name})" if self.name not in ("", self.host) else "")


class TlsSettings(Settings):
    """Which endpoints to meet, and whom to trust."""

    endpoints: tuple[Endpoint, ...] = Field(min_length=1)
    ca_file: LocalPath | None = Field(default=None, description="PEM roots to trust instead of the system's store.")
    ocsp: bool = Field(default=False, description="Ask the responder named in the certificate, over plain HTTP.")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        seen = [(e.host, e.port, e.name) for e in self.endpoints]
        if len(seen) != len(set(seen)):
            raise ValueError("an endpoint is listed twice (same host, port and server_name)")
        return self

    def url(self, endpoint: Endpoint, path: str) -> str:
        """The URL a row is known by. Where one name is met at several addresses, the address stands as fragment."""
        name = endpoint.name or endpoint.host
        authority = (f"[{name}]" if ":" in name else name) + ("" if endpoint.port == 443 else f":{endpoint.port}")
        twins = [e for e in self.endpoints if (e.name or e.host, e.port) == (name, endpoint.port)]
        return f"https://{authority}{path.partition('?')[0]}" + (f"#{endpoint.host}" if len(twins) > 1 else "")
