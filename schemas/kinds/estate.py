"""Backups, files, networks at the edge, capacity: what an estate of systems tells, whatever product provides it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from compliance.schemas.evidence import Event, Instant, State, always, column
from compliance.schemas.kinds.identity import AccountType


class BackupType(StrEnum):
    """What a run copies, and so what else is needed to restore it."""

    FULL = "full"  # everything; needs no other run (also a snapshot that is complete in itself)
    DIFF = "diff"  # what changed since the last full
    INCR = "incr"  # what changed since the last run of any type
    WAL = "wal"  # a stretch of the write-ahead log, for points in time between runs


class RunOutcome(StrEnum):
    """How something that was started ended."""

    SUCCESS = "success"
    WARNING = "warning"  # it ended, and the tool found something wrong (a page whose checksum differs, a file left out)
    FAILED = "failed"
    RUNNING = "running"


class BackupSet(State):
    """What a backup tool is set up to back up (a stanza, a server, a protected resource), runs or no runs."""

    kind: ClassVar[str] = "backup_set"
    key: ClassVar[tuple[str, ...]] = ("backup_set",)

    backup_set: str = always("Name the tool gives it (stanza, server, resource).")
    tool: str | None = column("Tool: pgbackrest, barman, wal-g, restic, …")
    content: str | None = column("What is backed up: database or files.")
    system_identifier: str | None = column(
        "Identifier of the database cluster it belongs to now, as the cluster itself tells it; NULL for files."
    )
    data_stores: list[str] | None = column(
        "Declared: the data stores in it, by their names in the inventory; NULL when nothing is declared."
    )
    environment: str | None = column("Declared environment (production, staging, …).")
    repositories: int | None = column("Repositories it is written to.")
    is_ok: bool | None = column("The tool says that every repository is in order and holds a backup.")
    status: str | None = column("The tool's own words for the state.")
    runs: int | None = column("Runs that can be restored now; 0 when none.")
    earliest_restore_at: Instant | None = column("Earliest moment that can be restored.")
    latest_restore_at: Instant | None = column("Latest moment that can be restored.")
    keeps_full: int | None = column("Full backups that are kept; 0 for no limit, NULL when kept by days.")
    keeps_days: int | None = column("Days for which backups are kept; 0 for no limit, NULL when kept by number.")
    detail: dict[str, Any] | None = column("What only this tool says.")


class BackupRun(State):
    """One run of a backup, in one place where its result lies: a copy elsewhere is a row of its own.

    The set is what the tool still knows. Tools that forget failed runs (pgBackRest) show a failure only by the absence
    of a newer run.
    """

    kind: ClassVar[str] = "backup_run"
    key: ClassVar[tuple[str, ...]] = ("backup_set", "repository", "run")

    backup_set: str = always("What was backed up, as the tool names it (stanza, server, resource).")
    repository: str = always("Where it lies: number or address of the repository, without user and password.")
    run: str = always("The tool's label for the run.")
    tool: str | None = column("Tool: pgbackrest, barman, wal-g, restic, …")
    content: str | None = column("What was backed up: database or files.")
    backup_type: BackupType | None = column("full, diff, incr or wal.")
    needs: list[str] | None = column("Runs without which it cannot be restored, sorted; [] for none.")
    system_identifier: str | None = column(
        "Identifier of the database cluster that was backed up, as the cluster itself tells it; NULL for files."
    )
    data_stores: list[str] | None = column(
        "Declared: the data stores in it, by their names in the inventory; NULL when nothing is declared."
    )
    environment: str | None = column("Declared environment (production, staging, …).")
    started_at: Instant | None = column("Start.")
    finished_at: Instant | None = column("End; NULL while it runs, too.")
    outcome: RunOutcome | None = column("success, warning, failed or running.")
    size_bytes: int | None = column(
        "Size of all that can be restored from it, before compression; for diff and incr too, so that runs compare."
    )
    copied_bytes: int | None = column("Of that, what this run itself copied.")
    stored_bytes: int | None = column("Room that takes in the repository.")
    encrypted: bool | None = column("Encrypted by the tool or by the storage it lies on.")
    cipher: str | None = column("Cipher of the tool; 'none' when the tool does not encrypt.")
    page_errors: bool | None = column("The tool found pages whose checksum is wrong; NULL when it did not check.")
    verified_at: Instant | None = column("When the stored files were last compared with their checksums.")
    verified_ok: bool | None = column("They were whole then; NULL when they were never compared.")
    same_host: bool | None = column("It lies on the machine it was taken from.")
    other_site: bool | None = column("It lies at another site (region, data centre) than the data.")
    site: str | None = column("Site where it lies (region, data centre).")
    immutable_until: Instant | None = column("Until then nobody can change or delete it; NULL when that is not told.")
    is_locked: bool | None = column("A lock against change is set on it; FALSE when there is none.")
    lock_removable: bool | None = column("Somebody with special rights could lift the lock before its end.")
    expires_at: Instant | None = column("When retention ends by date; NULL when the tool keeps a number of runs.")
    detail: dict[str, Any] | None = column("What only this tool says (log positions, versions).")


class RestoreTest(State):
    """A trial of bringing data back from a backup. A tool can record it; else the person who does the trial does."""

    kind: ClassVar[str] = "restore_test"
    key: ClassVar[tuple[str, ...]] = ("restore_test",)
    subject_column: ClassVar[str | None] = "performed_by"
    kept: ClassVar[bool] = True

    restore_test: str = always("Identifier of the trial (RT-2026-11-01).")
    data_store: str | None = column("Data store that was restored, by its name in the inventory.")
    system_identifier: str | None = column(
        "Identifier of the database cluster the backup came from (pg_controldata: Database system identifier)."
    )
    backup_set: str | None = column("Backup set it was restored from, as the backup tool names it (stanza).")
    backup_run: str | None = column("Label of the backup run it was restored from.")
    environment: str | None = column("Environment whose data was restored (production, staging, …).")
    restored_to: str | None = column("Where it was restored to (host or instance apart from the original).")
    target_at: Instant | None = column("Moment to which it was restored, for a restore to a point in time (UTC).")
    started_at: Instant | None = column("Start of the trial (UTC).")
    finished_at: Instant | None = column("End of the trial, its checks included (UTC).")
    outcome: RunOutcome | None = column("success, warning (restored, with something wrong), failed or running.")
    data_checked: bool | None = column("The restored data itself was compared (counts, checksums, the application).")
    check_result: bool | None = column("True when that comparison found everything as it should be.")
    checks: str | None = column("What was compared, in a few words (rows of 12 tables, amcheck, application started).")
    rto_target_minutes: int | None = column("Longest time to recover that was promised for the data store, in minutes.")
    rto_actual_minutes: int | None = column("Minutes from the start until the data could be used again.")
    rpo_target_minutes: int | None = column("Longest stretch of data that may be lost, as promised, in minutes.")
    rpo_actual_minutes: int | None = column("Minutes of data that the restore lacked at its end.")
    performed_by: str | None = column("Who did it.", personal=True)
    reference: str | None = column("Where the record of the trial is (ticket, report).")


class FileSync(State):
    """Files that are copied to a second location as they come."""

    kind: ClassVar[str] = "file_sync"
    key: ClassVar[tuple[str, ...]] = ("pair",)

    pair: str = always("Name of the pair of locations.")
    tool: str | None = column("What copies (bucket replication, rclone, lsyncd, …).")
    from_location: str | None = column("Where files come from, without user and password.")
    to_location: str | None = column("Where they go, without user and password.")
    other_site: bool | None = column("The second location is at another site (region, data centre).")
    environment: str | None = column("Declared environment (production, staging, …).")
    enabled: bool | None = column("It is switched on and running.")
    lag_p95_s: int | None = column("95th percentile of the time from upload to copy in the window, in seconds.")
    lag_max_s: int | None = column("Longest such time in the window, files still waiting included, in seconds.")
    window_minutes: int | None = column("Window of these figures, in minutes.")
    objects: int | None = column("Files copied in the window.")
    failed_objects: int | None = column("Files that could not be copied and still are not there.")
    sampled_at: Instant | None = column("When these figures were taken.")


class CdnDistribution(State):
    """A distribution of a content delivery network: what it serves, from where, and who may fetch it."""

    kind: ClassVar[str] = "cdn_distribution"
    key: ClassVar[tuple[str, ...]] = ("distribution",)

    distribution: str = always("Identifier of the distribution or zone.")
    domains: list[str] | None = column("Names it answers to, sorted.")
    environment: str | None = column("Declared environment (production, staging, …).")
    enabled: bool | None = column("It serves.")
    min_protocol: str | None = column("Lowest TLS version a visitor can use: TLSv1.0, TLSv1.1, TLSv1.2 or TLSv1.3.")
    plain_http: bool | None = column("Plain HTTP is answered with anything but a redirect to HTTPS.")
    origins: list[str] | None = column("Addresses it fetches from, sorted.")
    origin_tls: bool | None = column("It fetches from every origin over TLS.")
    origin_locked: bool | None = column("Every origin refuses whoever is not this network (access control, probed).")
    logging: bool | None = column("Requests are logged.")
    serves_private: bool | None = column("Declared: private files are served through it.")
    private_content_signed: bool | None = column("Private files are given for a signed link or cookie only.")
    signature_max_minutes: int | None = column("Longest life of such a link, in minutes.")
    detail: dict[str, Any] | None = column("What only this product says.")


class DdosConfig(State):
    """Protection of a zone from floods."""

    kind: ClassVar[str] = "ddos_config"
    key: ClassVar[tuple[str, ...]] = ("zone",)

    zone: str = always("Domain that is protected, in small letters.")
    provider: str | None = column("Who protects it.")
    is_public: bool | None = column("Its names are reached from the internet.")
    enabled: bool | None = column("Protection is on: always, or by itself as soon as a flood is seen.")
    unprotected_names: list[str] | None = column(
        "Names of the zone that lead past the protection, sorted; [] for none."
    )
    origin_reachable_directly: bool | None = column("An origin answers whoever knows its address.")
    origin_checked_at: Instant | None = column("When that was last tried from outside.")
    detail: dict[str, Any] | None = column("What only this product says.")


class VpnConfig(State):
    """A gateway through which people reach inner networks, and how they prove who they are."""

    kind: ClassVar[str] = "vpn_config"
    key: ClassVar[tuple[str, ...]] = ("gateway",)

    gateway: str = always("Name of the gateway.")
    product: str | None = column("openvpn, wireguard, ipsec, a vendor's name, …")
    version: str | None = column("Version.")
    enabled: bool | None = column("It accepts sessions.")
    mfa_required: bool | None = column("A second factor is demanded of everybody.")
    mfa_bypass_allowed: bool | None = column("There is a way in without the second factor.")
    shared_logins_allowed: bool | None = column("One certificate, key or account can be used by several at a time.")
    session_max_minutes: int | None = column("Longest session, in minutes; 0 for no limit.")
    split_tunnel: bool | None = column("Other traffic of the device goes past the tunnel.")
    detail: dict[str, Any] | None = column("What only this product says.")


class VpnSession(Event):
    """A VPN session that somebody opened; `occurred_at` is its start."""

    kind: ClassVar[str] = "vpn_session"
    key: ClassVar[tuple[str, ...]] = ("gateway", "session")
    subject_column: ClassVar[str | None] = "account"

    gateway: str = always("Gateway.")
    session: str = always("The session's number there.")
    account: str | None = column("Account that opened it; NULL when the log names none.", personal=True)
    account_type: AccountType | None = column("What stands behind the account; NULL when nothing says.")
    mfa_used: bool | None = column("A second factor was used for this session.")
    mfa_method: str | None = column("totp, webauthn, push, … or the product's own word.")
    source_ip: str | None = column("Address it came from.", personal=True)
    ended_at: Instant | None = column("End; NULL when not known at the time it was recorded.")


class IacDrift(State):
    """A stack of infrastructure as it runs, compared with the code that describes it."""

    kind: ClassVar[str] = "iac_drift"
    key: ClassVar[tuple[str, ...]] = ("stack",)

    stack: str = always("Stack, state or inventory that was compared.")
    tool: str | None = column("terraform, ansible, pulumi, …")
    repository: str | None = column("Repository that holds the code, as the inventory of repositories names it.")
    environment: str | None = column("Declared environment (production, staging, …).")
    checked_at: Instant | None = column("When the last comparison ended.")
    check_complete: bool | None = column("It reached every resource of the stack.")
    resources: int | None = column("Resources compared.")
    drifted: int | None = column("Resources that differ from the code.")
    unexplained: int | None = column("Of these, such that no approved change or known cause explains.")
    oldest_unexplained_at: Instant | None = column(
        "When the oldest of these was first seen; NULL also when there is none."
    )
    detail: dict[str, Any] | None = column("What only this tool says.")


class CapacityMetric(State):
    """How much of a resource was in use over a window, against its limit."""

    kind: ClassVar[str] = "capacity_metric"
    key: ClassVar[tuple[str, ...]] = ("resource", "metric")

    resource: str = always("What is measured: machine, volume, instance, pool or queue.")
    metric: str = always("cpu, memory, disk, connections, queue, or another word for what can run out.")
    host: str | None = column("Machine it belongs to, by its host name or id in the inventory of assets.")
    tier: str | None = column("Tier it belongs to (web, worker, database, cache, …).")
    environment: str | None = column("Declared environment (production, staging, …).")
    p95_permille: int | None = column("95th percentile of use over the window, per thousand of the limit.")
    window_days: int | None = column("Length of the window, in days.")
    sampled_permille: int | None = column("Share of the window for which there are samples, per thousand.")
    at_limit_minutes: int | None = column("Minutes of the window at the limit.")
    computed_at: Instant | None = column("End of the window.")


class AutoscalingGroup(State):
    """A group of equal instances that grows and shrinks with the load."""

    kind: ClassVar[str] = "autoscaling_group"
    key: ClassVar[tuple[str, ...]] = ("group_name",)

    group_name: str = always("Name of the group (workload, for an orchestrator).")
    service: str | None = column("Service it runs, by its name in the register of services.")
    environment: str | None = column("Declared environment (production, staging, …).")
    is_stateless: bool | None = column("Its instances keep nothing that another does not have.")
    enabled: bool | None = column("It scales by itself.")
    min_size: int | None = column("Fewest instances.")
    max_size: int | None = column("Most instances.")
    running: int | None = column("Instances that run and are healthy now.")
    pinned_at_max_minutes_24h: int | None = column("Minutes of the last 24 hours at the maximum.")
    observed_minutes_24h: int | None = column("Minutes of the last 24 hours for which that is known.")


class Shard(State):
    """One of several databases over which the data of a store is spread."""

    kind: ClassVar[str] = "shard"
    key: ClassVar[tuple[str, ...]] = ("shard_group", "shard")

    shard_group: str = always("Store whose data is spread.")
    shard: str = always("Name of the shard.")
    instance: str | None = column("Database server it lives on.")
    system_identifier: str | None = column("Identifier of its database cluster, as the cluster itself tells it.")
    backup_set: str | None = column("Backup set that holds it, as the backup tool names it.")
    environment: str | None = column("Declared environment (production, staging, …).")
    used_bytes: int | None = column("Size of its data.")
    capacity_bytes: int | None = column("Size it may grow to.")
    tenants: int | None = column("Tenants (institutions) whose data it holds.")


class LoadTest(State):
    """A trial of a service under load. A tool can record it; else whoever runs it does."""

    kind: ClassVar[str] = "load_test"
    key: ClassVar[tuple[str, ...]] = ("load_test",)
    subject_column: ClassVar[str | None] = "performed_by"
    kept: ClassVar[bool] = True

    load_test: str = always("Identifier of the trial (LT-2026-Q4).")
    service: str | None = column("Service tried, by its name in the register of services.")
    environment: str | None = column("Where it ran (production, staging, …).")
    is_like_production: bool | None = column("That environment has the size and settings of production.")
    version: str | None = column("Version or commit that was tried.")
    tool: str | None = column("Tool (k6, locust, jmeter, …).")
    started_at: Instant | None = column("Start (UTC).")
    finished_at: Instant | None = column("End (UTC).")
    expected_peak_rps: int | None = column("Expected peak at that time, in requests per second.")
    achieved_rps: int | None = column("Requests per second that were sustained.")
    requests: int | None = column("Requests sent.")
    errors: int | None = column("Of these, answered wrongly or not at all.")
    p95_ms: int | None = column("95th percentile of the time to answer, in milliseconds.")
    p95_limit_ms: int | None = column("Longest such time that is acceptable, in milliseconds.")
    passed: bool | None = column("The trial met all its own goals.")
    performed_by: str | None = column("Who ran it.", personal=True)
    reference: str | None = column("Where the result is (report, pipeline run).")
