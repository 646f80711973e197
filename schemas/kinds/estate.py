"""Storage, backups, monitoring and capacity, whatever product provides them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from compliance.schemas.evidence import Instant, State, always, column


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
