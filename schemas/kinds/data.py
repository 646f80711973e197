"""Data stores: databases and caches, how they keep, protect and log data."""

from __future__ import annotations

from typing import Any, ClassVar

from compliance.schemas.evidence import Instant, State, always, column


class DatabaseInstance(State):
    """A running database server."""

    kind: ClassVar[str] = "database_instance"
    key: ClassVar[tuple[str, ...]] = ("instance",)

    instance: str = always("Host and port (or socket folder and port) it answers on.")
    addresses: list[str] | None = column(
        "Every address it is known by (host:port in small letters, localhost for loopback and sockets), sorted."
    )
    product: str | None = column("postgresql, …")
    version: str | None = column("Version.")
    system_identifier: str | None = column("The cluster's own identifier.")
    started_at: Instant | None = column("Running since.")
    in_recovery: bool | None = column("It is a standby.")
    max_connections: int | None = column("Limit of connections.")
    reserved_connections: int | None = column("Kept for superusers.")
    connections_used: int | None = column("Connections now.")
    superuser_roles: int | None = column("Login roles that are superuser, or may take on a role that is.")
    rules_in_force: bool | None = column(
        "The sign-in rules that can be read are those it runs by; false when they changed since it loaded them, NULL when "
        "that is not visible."
    )
    tls_enabled: bool | None = column("TLS is offered.")
    tls_min_protocol: str | None = column("Lowest protocol version.")
    is_loopback_only: bool | None = column("Bound to loopback or a Unix socket only.")
    tls_required: bool | None = column("No network rule lets an unencrypted client in.")
    password_encryption: str | None = column("Hash for new passwords.")
    encrypted_at_rest: bool | None = column(
        "Its files lie on encrypted storage; NULL when not visible from the database."
    )
    data_checksums: bool | None = column("Pages carry checksums.")
    audit_extension: str | None = column("Audit extension loaded; '' for none.")
    audit_classes: list[str] | None = column("What the audit extension logs (read, write, ddl, role, …).")
    audit_logging: bool | None = column(
        "Changes of structure, roles and data are logged for everybody (by the extension or log_statement)."
    )
    audit_switchers: int | None = column(
        "Accounts that can sign in, superusers apart, and may change what is logged for themselves or for all."
    )
    log_connections: bool | None = column("Connections are logged.")
    log_disconnections: bool | None = column("Disconnections are logged.")
    log_statement: str | None = column("none, ddl, mod or all.")
    log_destination: str | None = column("Where the log goes.")
    log_line_prefix: str | None = column("Prefix of log lines.")
    idle_session_minutes: int | None = column("Idle minutes after which a session ends; 0 when never.")
    environment: str | None = column("Declared environment.")
    detail: dict[str, Any] | None = column("What only this product says.")


class AuditScope(State):
    """What of an account's statements in a database reaches the log, as the settings that hold there make it."""

    kind: ClassVar[str] = "audit_scope"
    key: ClassVar[tuple[str, ...]] = ("instance", "account", "database")
    subject_column: ClassVar[str | None] = "account"

    instance: str = always("Instance.")
    account: str = always("Account; '*' for all that have no settings of their own.", personal=True)
    database: str = always("Database; '*' for all that have no settings of their own.")
    logs_structure: bool | None = column("Changes of structure are logged.")
    logs_roles: bool | None = column("Changes of roles and rights are logged.")
    logs_writes: bool | None = column("Changes of data are logged.")
    logs_reads: bool | None = column("Reads of data are logged.")
    classes: list[str] | None = column("Classes of statements that are logged, sorted; NULL when not all are known.")
    settings: dict[str, Any] | None = column("The settings that decide it.")


class DataStore(State):
    """A database (or logical database) inside an instance: the unit that is backed up and owned."""

    kind: ClassVar[str] = "data_store"
    key: ClassVar[tuple[str, ...]] = ("instance", "data_store")

    instance: str = always("Instance it lives in.")
    data_store: str = always("Name of the database.")
    size_mib: int | None = column("Size in MiB.")
    records: int | None = column("Records or keys, where the product counts them cheaply.")
    owner_role: str | None = column("Owning role.")
    is_template: bool | None = column("A template, not meant for data.")
    allows_connections: bool | None = column("Can be connected to.")
    public_connect: bool | None = column("Everybody who can sign in may connect.")
    expiring_records: int | None = column("Records that carry an expiry (caches, sessions).")
    use: str | None = column("Declared use: sessions, broker, state or cache.")
    environment: str | None = column("Declared environment.")
    data_class: str | None = column("Declared class of data.")
    needs_backup: bool | None = column("Declared to need a backup.")


class DatabaseExtension(State):
    """An extension installed in a database."""

    kind: ClassVar[str] = "database_extension"
    key: ClassVar[tuple[str, ...]] = ("instance", "database", "extension")

    instance: str = always("Instance.")
    database: str = always("Database.")
    extension: str = always("Extension.")
    installed_version: str | None = column("Version installed.")
    available_version: str | None = column("Version the server would install now.")


class DefaultGrant(State):
    """Rights that will be given on every object an account creates from now on."""

    kind: ClassVar[str] = "default_grant"
    key: ClassVar[tuple[str, ...]] = ("database", "creator", "schema_name", "object_type", "account")
    subject_column: ClassVar[str | None] = "account"

    database: str = always("Database.")
    creator: str = always("Account whose new objects it holds for.")
    schema_name: str = always("Schema it is limited to; '*' for all.")
    object_type: str = always("table, sequence, function, type or schema.")
    account: str = always("Account that receives the rights; PUBLIC for everybody.", personal=True)
    privileges: list[str] | None = column("Rights, sorted.")
    grantable: list[str] | None = column("Those of them it may pass on.")
    is_public: bool | None = column("Given to everybody.")


class RowProtection(State):
    """Whether a table shows each account only the rows meant for it."""

    kind: ClassVar[str] = "row_protection"
    key: ClassVar[tuple[str, ...]] = ("instance", "database", "table_name")

    instance: str = always("Instance.")
    database: str = always("Database.")
    table_name: str = always("Qualified name of the table.")
    owner: str | None = column("Owning role.")
    holds_personal_data: bool | None = column("Declared to hold personal data; NULL when nothing is declared.")
    is_enabled: bool | None = column("Rows are filtered by policies.")
    is_forced: bool | None = column("The owner is filtered too.")
    policies: int | None = column("Policies on it; with none, only the owner sees rows.")
    open_policies: int | None = column("Permissive policies that let every row through.")
    policy_commands: list[str] | None = column("Commands that policies are about, sorted (ALL, SELECT, …).")
    unfiltered_accounts: int | None = column(
        "Accounts that can sign in and read the table, superusers apart, and that no policy filters."
    )


class ReplicationLink(State):
    """A standby or subscriber as the primary sees it."""

    kind: ClassVar[str] = "replication_link"
    key: ClassVar[tuple[str, ...]] = ("instance", "link")

    instance: str = always("Primary.")
    link: str = always("Application name or slot.")
    state: str | None = column("streaming, catchup, inactive, …")
    is_sync: bool | None = column("The primary waits for it.")
    lag_bytes: int | None = column("Bytes behind.")
    lag_s: int | None = column("Seconds behind.")
    is_slot_active: bool | None = column("The slot has a consumer.")
    tls: bool | None = column("Encrypted.")


class ArchiveStatus(State):
    """Continuous archiving of a database: the ground of point-in-time recovery."""

    kind: ClassVar[str] = "archive_status"
    key: ClassVar[tuple[str, ...]] = ("instance",)

    instance: str = always("Instance.")
    enabled: bool | None = column("Archiving is switched on and has a command or library.")
    last_archived_at: Instant | None = column("Last segment archived.")
    last_failed_at: Instant | None = column("Last failure.")
    is_failing: bool | None = column("It failed last time; NULL when it was never tried.")
    archived_count: int | None = column("Segments archived since the counters began.")
    failed_count: int | None = column("Failures since then.")
    waiting_count: int | None = column("Segments waiting.")
    last_segment: str | None = column("Newest segment before which none waits: the server says they are archived.")
    archived_until: Instant | None = column(
        "What was written until then is archived, by the server's word; NULL for a standby, which archives nothing."
    )
    timeout_s: int | None = column("Longest time before a segment is closed; 0 when never forced.")
    earliest_restore_at: Instant | None = column("Earliest time that can be restored; needs the backup tool's word.")
    latest_restore_at: Instant | None = column("Latest time that can be restored.")
    tool: str | None = column(
        "Tool named in the archive command (pgbackrest, barman, wal-g); never the command itself."
    )


class CacheInstance(State):
    """A Redis-protocol server."""

    kind: ClassVar[str] = "cache_instance"
    key: ClassVar[tuple[str, ...]] = ("instance",)

    instance: str = always("Host and port or socket.")
    product: str | None = column("redis, valkey, …")
    version: str | None = column("Version.")
    role: str | None = column("master or replica.")
    started_at: Instant | None = column("Running since.")
    aof_enabled: bool | None = column("Append-only file is on.")
    aof_fsync: str | None = column("always, everysec or no.")
    aof_last_write_ok: bool | None = column("The last write to it succeeded.")
    aof_last_rewrite_ok: bool | None = column("The last rewrite succeeded.")
    aof_rewrite_running: bool | None = column("A rewrite runs now.")
    aof_last_rewrite_s: int | None = column("Seconds the last rewrite took; NULL when there was none.")
    rdb_rules: str | None = column("Snapshot rules; '' when none.")
    rdb_last_save_ok: bool | None = column("The last snapshot succeeded.")
    rdb_last_save_at: Instant | None = column("Last successful snapshot, or start of the server.")
    rdb_save_running: bool | None = column("A snapshot is being written now.")
    rdb_last_save_s: int | None = column("Seconds the last snapshot took; NULL when there was none.")
    is_loading: bool | None = column("It still reads its data from disk, and knows only a part of it.")
    changes_since_save: int | None = column("Changes not yet in a snapshot.")
    auth_required: bool | None = column("A client must authenticate before any command.")
    default_user_enabled: bool | None = column("The unnamed user can be used.")
    default_user_nopass: bool | None = column("The unnamed user needs no password.")
    protected_mode: bool | None = column("Refuses remote clients while no password is set.")
    bind_addresses: list[str] | None = column("Addresses bound; [] for all.")
    is_loopback_only: bool | None = column("Bound to loopback or a Unix socket only.")
    tls_enabled: bool | None = column("A TLS port is open.")
    tls_protocols: list[str] | None = column("TLS versions offered, as configured; [] for the library's own choice.")
    plaintext_port: bool | None = column("A port without TLS is open.")
    tls_client_certificates: bool | None = column("Clients must show a certificate.")
    maxmemory_mib: int | None = column("Memory limit in MiB; 0 for none.")
    maxmemory_policy: str | None = column("What happens at the limit.")
    used_memory_mib: int | None = column("Memory used in MiB.")
    evicted: int | None = column("Entries thrown away for want of memory since the server began to count.")
    holds_state: bool | None = column(
        "Declared, or by the declared uses, to hold state that must survive (sessions, queues); NULL when not declared."
    )
    uses: list[str] | None = column("Declared uses of its databases, sorted; NULL when nothing is declared.")
    undeclared_databases: int | None = column(
        "Databases that hold records without a declared use; NULL when nothing is declared."
    )
    dangerous_commands: list[str] | None = column("Commands of administration that the unnamed user may run.")
    environment: str | None = column("Declared environment.")
    detail: dict[str, Any] | None = column("What only this product says.")


class CacheMetric(State):
    """How a cache served over a window."""

    kind: ClassVar[str] = "cache_metric"
    key: ClassVar[tuple[str, ...]] = ("cache",)

    cache: str = always("Cache.")
    use: str | None = column("What was counted, by the declared uses: cache, mixed or state; NULL when not declared.")
    lookups: int | None = column("Look-ups in the window.")
    hits: int | None = column("Hits in the window.")
    hit_permille: int | None = column("Hit ratio, per thousand; NULL without look-ups.")
    evicted: int | None = column("Entries evicted in the window.")
    expired: int | None = column("Entries expired in the window.")
    window_s: int | None = column("Length of the window in seconds.")
