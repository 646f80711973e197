"""Collectors: the only code that talks to other systems. Ours are listed here; others come by entry point."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points

from compliance.schemas.errors import ConfigError
from compliance.schemas.messages import Collector

BUILTIN: Mapping[str, str] = {
    "django": "compliance.collectors.django:Django",
    "django_settings": "compliance.collectors.django_settings:DjangoProject",
    "git": "compliance.collectors.git:Git",
    "gunicorn": "compliance.collectors.gunicorn:Gunicorn",
    "host": "compliance.collectors.host:Host",
    "nginx": "compliance.collectors.nginx:Nginx",
    "pgbackrest": "compliance.collectors.pgbackrest:PgBackRest",
    "pgbouncer": "compliance.collectors.pgbouncer:PgBouncer",
    "postgres": "compliance.collectors.postgres:Postgres",
    "redis": "compliance.collectors.redis:Redis",
    "registers": "compliance.collectors.registers:Registers",
    "tls": "compliance.collectors.tls:Tls",
}

GROUP = "compliance.collectors"


def names() -> list[str]:
    """Every collector that can be named in a configuration, ours and installed ones, sorted."""
    return sorted({*BUILTIN, *(point.name for point in entry_points(group=GROUP))})


def load(name: str) -> Collector:
    """The collector of that name, ready to use. A third party's never replaces one of ours.

    Raises:
        ConfigError: no such collector, or it cannot be imported or breaks the contract.
    """
    if name in BUILTIN:
        return _instance(BUILTIN[name])
    for point in entry_points(group=GROUP, name=name):
        return _instance(point.value)
    import difflib

    near = difflib.get_close_matches(name, names(), n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ConfigError(f"no collector is called {name!r}{hint}", remedy="known ones: " + ", ".join(names()))


def _instance(place: str) -> Collector:
    module, _, attribute = place.partition(":")
    try:
        made = getattr(importlib.import_module(module), attribute)()
    except (ImportError, AttributeError, TypeError) as error:
        raise ConfigError(f"collector {place} cannot be loaded: {error}", remedy="reinstall or remove it") from error
    if not isinstance(made, Collector):
        raise ConfigError(f"{place} is not a collector: it lacks a part of the contract")
    return made
