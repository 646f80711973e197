"""pgBackRest: stanzas, runs, the archive and its holes, and how it is set up, read by its own program."""

from compliance.collectors.pgbackrest.collector import PgBackRest

__all__ = ["PgBackRest"]
