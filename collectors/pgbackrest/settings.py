"""How the pgBackRest collector is told where to look."""

from __future__ import annotations

from pydantic import Field

from compliance.schemas.messages import LocalPath, Settings


class PgBackRestSettings(Settings):
    """One installation of pgBackRest, and what is known of where its repositories lie."""

    command: tuple[str, ...] = Field(
        default=("pgbackrest",),
        min_length=1,
        description='Program, with the words before it that change the account ("sudo", "-n", "-u", "postgres", …).',
    )
    config: LocalPath | None = Field(default=None, description="Its configuration file, where it is not the usual one.")
    stanzas: tuple[str, ...] = Field(
        default=(), description="Stanzas that must be there; without it those that are found, and at least one."
    )
    data_stores: dict[str, tuple[str, ...]] | None = Field(
        default=None, description="Declared: the data stores in each stanza, by their names in the inventory."
    )
    environment: str | None = Field(default=None, description="Declared environment.")
    site: str | None = Field(default=None, description="Declared: site of the databases (region, data centre).")
    repository_sites: dict[str, str] = Field(
        default_factory=dict, description="Declared: site of each repository, by its number."
    )
    storage_encrypted: dict[str, bool] = Field(
        default_factory=dict, description="Declared: a repository lies on encrypted storage, by its number."
    )
    max_list_mib: int = Field(default=64, ge=1, description="A longer list of an archive is a gap.")
