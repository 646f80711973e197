"""The least-privilege probe over configured sources."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from compliance.app.config import Config, SourceConfig
from compliance.app.where import nearest
from compliance.schemas.errors import ComplianceError, ConfigError
from compliance.schemas.messages import Access, Context


def chosen(config: Config, names: Sequence[str]) -> list[SourceConfig]:
    """The enabled sources, or those named. Raises ConfigError for a name that is not configured."""
    known = {source.name: source for source in config.sources}
    for name in names:
        if name not in known:
            raise ConfigError(
                f"no source is called {name!r}{nearest(name, known)}", remedy="`compliance sources list` shows them"
            )
    return [known[name] for name in names] if names else [s for s in config.sources if s.common.enabled]


def check(config: Config, names: Sequence[str]) -> list[tuple[str, Access]]:
    """(source, access) for every promised kind of the chosen sources; a probe that breaks is not readable."""
    rows: list[tuple[str, Access]] = []
    for source in chosen(config, names):
        kinds = [kind.kind for kind in source.kinds]
        ctx = Context(
            source=source.name,
            settings=source.settings,
            clock=lambda: datetime.now(UTC),
            wanted=frozenset(kinds),
            timeout_s=source.common.request_timeout_s or config.collect.request_timeout_s,
        )
        try:
            found = {access.kind: access for access in source.collector.check(ctx)}
        except ComplianceError as error:
            found = {k: Access(k, False, error.message, error.remedy or "") for k in kinds}
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError) as error:
            said = f"the probe of collector {source.collector.name} broke: {type(error).__name__}: {error}"
            found = {k: Access(k, False, said, "report it to the maker of the collector") for k in kinds}
        silent = Access("", False, "the collector said nothing about this kind", "report it")
        rows += [(source.name, found.get(k, Access(k, silent.readable, silent.message, silent.remedy))) for k in kinds]
    return rows
