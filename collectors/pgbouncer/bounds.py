"""How many connections to its server a route may open at most.

PgBouncer keeps one pool per database name and account. A pool takes pool_size connections, and reserve_pool more when
clients wait; max_db_connections limits all pools of a name together. Limits per account are not counted on: before 1.23
the console does not show those that raise them. An account that looks others up (auth_user) has a pool of its own.
Connections for cancel requests may exceed all limits, but PostgreSQL answers them outside of max_connections.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compliance.collectors.pgbouncer.session import Row

CONSOLE = "pgbouncer"  # its own database and account
_OWN_ACCOUNTS = frozenset({"trust", "plain", "md5", "scram-sha-256", "cert"})  # methods for accounts of the auth_file


@dataclass(frozen=True, slots=True)
class Bound:
    """The most pools and connections; None when unbounded or not known, which `is_bounded` tells apart."""

    pools: int | None
    connections: int | None
    is_bounded: bool | None


def bound(
    route: Row, accounts: Sequence[Row], config: Mapping[str, str | None], auth_user: str | None, processes: int | None
) -> Bound:
    """The bound of one line of SHOW DATABASES. `auth_user` is the one that applies to it as far as known; `processes`
    is None when several share the port and nobody says how many."""
    pools = _pools(route, accounts, config, auth_user)
    size = max([int(route["pool_size"]), *_own(accounts, "pool_size")])
    reserve = max([int(route[_reserve(route)]), *_own(accounts, "reserve_pool_size")])
    limit = int(route["max_connections"])
    each = None if pools is None else pools * (size + reserve)
    if limit > 0:
        each = limit if each is None else min(limit, each)
    if processes is None:
        return Bound(pools, None, None if each is not None else False)
    if each is None:
        return Bound(None, None, False)
    return Bound(None if pools is None else pools * processes, each * processes, True)


def _pools(route: Row, accounts: Sequence[Row], config: Mapping[str, str | None], auth_user: str | None) -> int | None:
    forced = route["force_user"]
    if forced:
        return 2 if auth_user else 1  # two even for one name: they are kept by object, not by name
    if auth_user or config.get("auth_type") not in _OWN_ACCOUNTS:
        return None
    return sum(1 for row in accounts if row["name"] != CONSOLE)


def _own(accounts: Sequence[Row], name: str) -> list[int]:
    """What accounts set for themselves in versions that show it."""
    return [int(row[name]) for row in accounts if row.get(name) not in (None, "") and int(row[name]) > 0]


def _reserve(route: Row) -> str:
    return "reserve_pool_size" if "reserve_pool_size" in route else "reserve_pool"  # renamed in 1.24
