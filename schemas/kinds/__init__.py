"""All kinds of evidence, by room. Importing this package registers them."""

from compliance.schemas.kinds import code, data, engine, host, identity, network, signon, web

__all__ = ["code", "data", "engine", "host", "identity", "network", "signon", "web"]
