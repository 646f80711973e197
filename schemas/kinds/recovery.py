"""How far back, and how close to now, what is archived leads."""

from __future__ import annotations

from typing import ClassVar

from compliance.schemas.evidence import Instant, State, always, column


class ArchiveChain(State):
    """The write-ahead log that a backup tool holds in one repository, and how far it leads without a hole."""

    kind: ClassVar[str] = "archive_chain"
    key: ClassVar[tuple[str, ...]] = ("backup_set", "repository")

    backup_set: str = always("Whose log it is, as the tool names it (stanza, server).")
    repository: str = always("Where it lies: number or address of the repository, without user and password.")
    tool: str | None = column("Tool: pgbackrest, barman, wal-g, …")
    system_identifier: str | None = column("Identifier of the database cluster, as the cluster itself tells it.")
    segment_bytes: int | None = column("Size of a segment, as the positions of the backups tell it.")
    backups: int | None = column("Backups from which a restore reaches the end of the chain; 0 when there is none.")
    earliest_restore_at: Instant | None = column("End of the oldest of them: from here on any moment can be restored.")
    last_segment: str | None = column("Last segment that is reached without a hole; NULL when no backup can be used.")
    last_segment_at: Instant | None = column("When the repository took that segment.")
    newest_segment: str | None = column("Newest segment that lies there, reached or not.")
    missing_segments: int | None = column("Segments that lack between the oldest usable backup and the newest segment.")
    first_missing: str | None = column("The first of them; '' for none.")
