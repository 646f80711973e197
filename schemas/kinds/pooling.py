"""Connection poolers: what stands between applications and a database server, and how much of it they may take."""

from __future__ import annotations

from typing import Any, ClassVar

from compliance.schemas.evidence import Instant, State, always, column


class ConnectionPooler(State):
    """A connection pooler: whom it lets in, how it is encrypted to both sides, and its limits."""

    kind: ClassVar[str] = "connection_pooler"
    key: ClassVar[tuple[str, ...]] = ("instance",)

    instance: str = always("Host and port, or socket folder and port, it answers on.")
    product: str | None = column("pgbouncer, …")
    version: str | None = column("Version.")
    started_at: Instant | None = column("Running since; NULL unless it runs on the machine that reads it.")
    auth_method: str | None = column("How clients prove who they are (scram-sha-256, md5, cert, hba, trust, any, …).")
    authenticates: bool | None = column(
        "Every client must prove who it is; false with trust or any, NULL where rules decide that are not readable."
    )
    looks_up_accounts: bool | None = column(
        "Asks a database for accounts it does not know, so that their number is not its own."
    )
    client_tls_mode: str | None = column("TLS to clients as configured (disable, allow, prefer, require, verify-…).")
    client_tls_required: bool | None = column("No client gets in over the network without TLS.")
    client_certificates: bool | None = column("Clients must show a certificate.")
    client_tls_protocols: str | None = column("TLS versions offered to clients, as configured.")
    server_tls_mode: str | None = column("TLS to the database servers, as configured.")
    server_tls_required: bool | None = column("No server is reached over the network without TLS.")
    server_tls_verified: bool | None = column("Certificate and host name of the server are both checked.")
    pool_mode: str | None = column("When a server connection is given back: session, transaction or statement.")
    clients_max: int | None = column("Limit of client connections.")
    clients_now: int | None = column("Client connections now, those to its console included.")
    default_pool_size: int | None = column("Server connections per pool where nothing else is said.")
    processes: int | None = column("Processes that share the address, each with pools of its own; NULL when not known.")
    routes_complete: bool | None = column(
        "The routes recorded are all there are, and nothing unseen adds pools to them; NULL when that was not seen."
    )
    client_idle_minutes: int | None = column("Idle minutes after which a client is cut off; 0 when never.")
    wait_limit_s: int | None = column("Longest wait for a server connection before the client is refused; 0 for none.")
    log_connections: bool | None = column("Sign-ins are logged.")
    log_disconnections: bool | None = column("Ends of sessions are logged.")
    listen_addresses: list[str] | None = column("Addresses bound; [] for none but a Unix socket, ['*'] for all.")
    is_loopback_only: bool | None = column("Bound to loopback or a Unix socket only.")
    detail: dict[str, Any] | None = column("What only this product says.")


class PoolRoute(State):
    """A database name that a pooler offers, the server it leads to, and the connections it may open there."""

    kind: ClassVar[str] = "pool_route"
    key: ClassVar[tuple[str, ...]] = ("instance", "database")

    instance: str = always("Pooler.")
    database: str = always("Name that clients ask for; '*' for any other name.")
    target_database: str | None = column("Database on the server; NULL when it is the name asked for.")
    targets: list[str] | None = column("Servers as configured, host:port; a Unix socket as its folder and port.")
    servers: list[str] | None = column(
        "The same servers by every address known, sorted, to be compared with `database_instance.addresses`."
    )
    is_local: bool | None = column("Every server is on the pooler's own machine.")
    forced_account: str | None = column("Account used on the server whoever the client is; NULL when the client's own.")
    pool_mode: str | None = column("When a server connection is given back.")
    pool_size: int | None = column("Server connections per pool.")
    reserve_size: int | None = column("Further ones per pool when clients wait.")
    pools_max: int | None = column("Pools that can exist; NULL when unbounded or not known.")
    connections_limit: int | None = column("Limit over all its pools; 0 for none.")
    connections_max: int | None = column(
        "Most connections to its server that all of it can open; NULL when unbounded or not known."
    )
    is_bounded: bool | None = column("Something bounds that number; false when proven that nothing does.")
    connections_now: int | None = column("Connections to its server now.")
    clients_waiting: int | None = column("Clients that wait for a server connection now.")
    longest_wait_ms: int | None = column("Longest of these waits so far; 0 when nobody waits.")
    wait_total_ms: int | None = column("Time that clients waited, added up since the pooler started.")
    transactions: int | None = column("Transactions since then.")
    is_paused: bool | None = column("Paused by an administrator.")
    is_disabled: bool | None = column("Refuses new clients.")


class ConnectionPool(State):
    """One pool in use: a database as one account uses it."""

    kind: ClassVar[str] = "connection_pool"
    key: ClassVar[tuple[str, ...]] = ("instance", "database", "account")
    subject_column: ClassVar[str | None] = "account"

    instance: str = always("Pooler.")
    database: str = always("Name that clients ask for.")
    account: str = always("Account of the pool.", personal=True)
    pool_mode: str | None = column("When a server connection is given back.")
    clients_active: int | None = column("Clients served or idle.")
    clients_waiting: int | None = column("Clients that wait.")
    servers_active: int | None = column("Server connections in use.")
    servers_idle: int | None = column("Server connections at rest, being tested or signing in.")
    longest_wait_ms: int | None = column("Longest wait of a client that still waits; 0 when nobody does.")
