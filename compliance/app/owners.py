"""Who answers for a register, by the configuration: the only one whose returns count for it."""

from __future__ import annotations

from compliance.app.config import Config, SourceConfig
from compliance.collectors.registers.settings import RegistersSettings
from compliance.controls import profile
from compliance.controls.catalogue import LoadedControl
from compliance.controls.sql import parse, population
from compliance.schemas.errors import ConfigError
from compliance.schemas.evidence import all_kinds


def owner_of(source: SourceConfig, kind: str) -> str | None:
    """Who answers for the register of a kind, as configured."""
    settings = source.settings
    return settings.owner_of(kind) if isinstance(settings, RegistersSettings) else source.common.owner


def may_state(config: Config, loaded: LoadedControl, by: str) -> None:
    """Refuse a nil return about a control by somebody who owns none of the registers behind it: it would not count.

    Raises:
        ConfigError: names the owners.
    """
    names = population(parse(loaded.sql, loaded.path))
    kept = [kind for name, kind in all_kinds().items() if name in names and kind.kept]
    owners = {owner_of(source, kind.kind) for kind in kept for source in config.sources if kind in source.kinds}
    if owners and profile.person(by) not in {profile.person(owner) for owner in owners}:
        said = ", ".join(sorted(owner or "nobody: set `owner`" for owner in owners))
        raise ConfigError(
            f"{by} owns no register that {loaded.control.id} looks at, and such a return does not count",
            remedy=f"owners are: {said}; each states it for an own register: `compliance registers nil KIND`",
        )
