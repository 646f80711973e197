"""All kinds of evidence, by room. Importing this package registers them."""

from compliance.schemas.kinds import (
    application,
    code,
    data,
    engine,
    estate,
    host,
    identity,
    network,
    operations,
    people,
    pooling,
    privacy,
    processes,
    signon,
    vendors,
    web,
)

__all__ = [
    "application",
    "code",
    "data",
    "engine",
    "estate",
    "host",
    "identity",
    "network",
    "operations",
    "people",
    "pooling",
    "privacy",
    "processes",
    "signon",
    "vendors",
    "web",
]
