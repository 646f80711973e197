"""All kinds of evidence, by room. Importing this package registers them."""

from compliance.schemas.kinds import code, data, engine, host, identity, network, pooling, web

__all__ = ["code", "data", "engine", "host", "identity", "network", "pooling", "web"]
