"""All kinds of evidence, by room. Importing this package registers them."""

from compliance.schemas.kinds import (
    application,
    code,
    data,
    engine,
    host,
    identity,
    network,
    pooling,
    processes,
    signon,
    web,
)

__all__ = [
    "application",
    "code",
    "data",
    "engine",
    "host",
    "identity",
    "network",
    "pooling",
    "processes",
    "signon",
    "web",
]
