"""Connections of clients and of standbys into evidence."""

from __future__ import annotations

from collections.abc import Sequence

from compliance.collectors.postgres.session import Row
from compliance.schemas.kinds.data import ReplicationLink
from compliance.schemas.kinds.network import InternalLink


def rows_internal_links(instance: str, connections: Sequence[Row]) -> list[InternalLink]:
    """One InternalLink per client address, role and database; encrypted only when every connection of it is."""
    return [
        InternalLink(
            source_component=f"{row['client']} {row['role']}@{row['database']}",
            target_component=instance,
            is_local=row["is_local"],
            tls_enabled=row["tls"],
            tls_version=min(row["versions"]) if row["versions"] else None,  # the lowest one seen
            connections=row["connections"],
            detail={"encrypted": row["encrypted"]},
        )
        for row in connections
    ]


def rows_replication_links(instance: str, links: Sequence[Row]) -> list[ReplicationLink]:
    """One ReplicationLink per standby or slot, named by the slot where there is one."""
    found = []
    seen: dict[str, int] = {}
    for row in links:
        name = row["slot"] or (f"{row['application']} {row['client']}" if row["client"] else row["application"])
        seen[name] = seen.get(name, 0) + 1
        found.append(
            ReplicationLink(
                instance=instance,
                link=name if seen[name] == 1 else f"{name} #{seen[name]}",
                state=row["state"] if row["connected"] else "inactive",
                is_sync=row["sync_state"] in ("sync", "quorum") if row["connected"] else False,
                lag_bytes=row["lag_bytes"],
                lag_s=row["lag_s"],
                is_slot_active=row["active"],
                tls=row["tls"],
            )
        )
    return found
