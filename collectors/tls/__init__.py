"""TLS endpoints as a client meets them: handshakes, certificates, protective headers and cache headers."""

from compliance.collectors.tls.collector import Tls
from compliance.collectors.tls.settings import Endpoint, TlsSettings

__all__ = ["Endpoint", "Tls", "TlsSettings"]
