"""Archiving, and up to which moment everything written is archived by the server's own word.

A segment is written until it is finished and never again, so the time of the file of the newest archived one is when it
was finished: what was written before is archived. With nothing waiting, that holds too for all that is older than
archive_timeout, because the server finishes a segment in that time when something was written to it (PostgreSQL
documentation, archive_timeout). pg_stat_archiver's last name is no such witness: it may be that of a backup's label.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from compliance.collectors import segments
from compliance.collectors.postgres.session import Row
from compliance.schemas.kinds.data import ArchiveStatus


def row_archive_status(instance: str, row: Row, position: Row | None) -> ArchiveStatus:
    """Archiving as one row. A command that throws segments away (`true`) does not count as archiving."""
    works = (bool(row["has_command"]) and not row["goes_nowhere"]) or bool(row["has_library"])
    known = row["mode"] is not None and row["has_command"] is not None
    enabled = None if not known else row["mode"] != "off" and works
    return ArchiveStatus(
        instance=instance,
        enabled=enabled,
        last_archived_at=row["last_archived_time"],
        last_failed_at=row["last_failed_time"],
        is_failing=_is_failing(row["last_archived_time"], row["last_failed_time"]),
        archived_count=row["archived_count"],
        failed_count=row["failed_count"],
        waiting_count=None if position is None else int(position["waiting"]),
        last_segment=last_segment(position) if enabled and position is not None else None,
        archived_until=archived_until(position, row["timeout_s"]) if enabled and position is not None else None,
        timeout_s=row["timeout_s"],
        tool=row["library"] or row["tool"],
    )


def last_segment(position: Row) -> str | None:
    """The newest segment that is archived: with nothing waiting the one before the one that is written."""
    current, size = position["current"], position["segment_bytes"]
    if current is None:
        return None
    if position["waiting"] or size is None:
        done: str | None = position["done"]
        return done
    place = int(position["written"]) // size  # between two segments the server still names the one before
    return segments.name(segments.timeline(current), place - 1, size) if place else None


def archived_until(position: Row, timeout_s: int | None) -> datetime | None:
    """The latest moment before which everything written is archived; None where nothing tells."""
    if position["current"] is None:
        return None
    known = [] if position["done_written_at"] is None else [position["done_written_at"]]
    if not position["waiting"] and timeout_s:
        known.append(position["at"] - timedelta(seconds=timeout_s))
    return min(max(known), position["at"]) if known else None


def _is_failing(archived: datetime | None, failed: datetime | None) -> bool | None:
    if failed is None:
        return None if archived is None else False
    return archived is None or failed > archived
