"""The inventory of stores and of the data in them, with how long it is kept and where it was looked for."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from compliance.schemas.evidence import Instant, State, always, column


class InventoryStore(State):
    """A place where data lies, as the inventory lists it: database, cache, bucket, index, file share, log platform."""

    kind: ClassVar[str] = "inventory_store"
    key: ClassVar[tuple[str, ...]] = ("data_store",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    data_store: str = always("Name of the store, the same in all registers.")
    environment: str | None = column("production, or the name of another environment (test, staging).")
    product: str | None = column("What it is (PostgreSQL, S3, Elasticsearch).")
    owner: str | None = column("Who answers for it.", personal=True)
    data_class: str | None = column("Highest class of what it holds (public, internal, confidential, restricted).")
    holds_logs: bool | None = column("It holds logs, audit trails or evidence.")
    needs_backup: bool | None = column("It must be backed up; false when it can be made again.")
    has_rto_rpo: bool | None = column("How long it may be gone, and how much may be lost, is agreed.")
    rto_minutes: int | None = column("Minutes it may be gone.")
    rpo_minutes: int | None = column("Minutes of data that may be lost.")
    detail: dict[str, Any] | None = column("What only this register says.")


class DataAsset(State):
    """One sort of data in one store: the inventory of data."""

    kind: ClassVar[str] = "data_asset"
    key: ClassVar[tuple[str, ...]] = ("data_asset",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    data_asset: str = always("Number or short name of the entry.")
    data_store: str | None = column("Store it lies in, as in inventory_store.")
    data_class: str | None = column("Class of the data (public, internal, confidential, restricted).")
    owner: str | None = column("Who answers for the data.", personal=True)
    contains_personal_data: bool | None = column("Personal data.")
    contains_sensitive_data: bool | None = column("Sensitive data: health, beliefs, biometrics, and the like.")
    contains_education_records: bool | None = column("Education records.")
    contains_account_data: bool | None = column("Payment card data.")
    retention_class: str | None = column("How long it is kept: a class of retention_class.")
    storage_medium: str | None = column("Medium it lies on (managed disk, object store, paper).")
    location: str | None = column("Country or region it lies in.")
    reviewed_at: Instant | None = column("When the entry was last checked.")
    detail: dict[str, Any] | None = column("What only this register says.")


class RetentionClass(State):
    """A class of records with one rule: how long it must be kept, and how long it may be."""

    kind: ClassVar[str] = "retention_class"
    key: ClassVar[tuple[str, ...]] = ("record_class",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    record_class: str = always("Name of the class.")
    description: str | None = column("What belongs to it.")
    owner: str | None = column("Who answers for it.", personal=True)
    is_log: bool | None = column("It is a log or an audit trail.")
    is_compliance_log: bool | None = column("It is proof of compliance, under the promise of seven years.")
    contains_personal_data: bool | None = column("It says something about identifiable people.")
    min_days: int | None = column("Days it is kept at least; 0 when there is no such rule.")
    max_days: int | None = column("Days after which nothing identifying may be left of it; empty when not set.")
    hot_days: int | None = column("Days it can be searched at once.")
    legal_basis: str | None = column("Why it is kept that long: law and article, contract, limitation period.")
    start_event: str | None = column("What the days are counted from (creation, end of contract).")
    began_at: Instant | None = column("When the first record of the class came into being.")
    oldest_record_at: Instant | None = column("Moment that the days of the oldest record still kept are counted from.")
    oldest_identifying_at: Instant | None = column("The same of the oldest record that still identifies somebody.")
    identifying_records: int | None = column("Records that still identify somebody; 0 when there are none.")
    held_records: int | None = column("Records kept beyond the maximum under a legal hold; 0 when there are none.")
    hold_reference: str | None = column("Reference of that legal hold; empty when there is none.")
    store: str | None = column("Store it lies in, as in inventory_store.")
    lock_mode: str | None = column("Lock against deletion: compliance, governance, append_only, or none.")
    lock_days: int | None = column("Days of that lock; 0 when none.")
    bucket: str | None = column("Bucket whose object lock it is, as in bucket; empty when it is another sort of lock.")
    approved_by: str | None = column("Who approved the rule.", personal=True)
    approved_at: Instant | None = column("When it was approved.")
    detail: dict[str, Any] | None = column("What only this register says.")


class RetentionRun(State):
    """One run of the job that deletes what is past its term."""

    kind: ClassVar[str] = "retention_run"
    key: ClassVar[tuple[str, ...]] = ("run", "record_class")
    kept: ClassVar[bool] = True

    run: str = always("Number of the run.")
    record_class: str = always("Class it was for, as in retention_class.")
    run_at: Instant | None = column("When it ended.")
    eligible: int | None = column("Records past their term.")
    deleted: int | None = column("Of these, deleted or made anonymous.")
    failed: int | None = column("Of these, those whose deletion failed.")
    held: int | None = column("Of these, kept under a legal hold.")
    hold_reference: str | None = column("Reference of that legal hold.")
    detail: dict[str, Any] | None = column("What only this register says.")


class DebtRecord(State):
    """A record that somebody did not meet an obligation under a contract: under the Mexican law it goes after 72 months."""

    kind: ClassVar[str] = "debt_record"
    key: ClassVar[tuple[str, ...]] = ("record",)
    subject_column: ClassVar[str | None] = "person"
    kept: ClassVar[bool] = True

    record: str = always("Number of the record.")
    person: str | None = column("Whom it is about: the organisation's own identifier, not the name.", personal=True)
    store: str | None = column("Store it lies in, as in inventory_store.")
    breached_at: Instant | None = column("Day on which the obligation was not met.")
    deleted_at: Instant | None = column("When it was deleted; empty while it is kept.")
    detail: dict[str, Any] | None = column("What only this register says.")


class TestDataset(State):
    """A set of data in an environment that is not production. One line says "none" for an environment without data."""

    __test__: ClassVar[bool] = False  # no test of pytest, whatever the name
    kind: ClassVar[str] = "test_dataset"
    key: ClassVar[tuple[str, ...]] = ("environment", "dataset")
    subject_column: ClassVar[str | None] = "masking_approved_by"
    kept: ClassVar[bool] = True

    environment: str = always("Environment (test, staging, a developer's machines).")
    dataset: str = always("Name of the set of data.")
    origin: str | None = column("Where it comes from: production copy, generated, supplier.")
    contains_production_personal_data: bool | None = column("Made from personal data of production, masked or not.")
    contains_live_card_numbers: bool | None = column("Holds card numbers that are in use.")
    is_masked: bool | None = column("Personal data and card numbers in it are masked so that nobody is recognised.")
    masking_method: str | None = column("How it is masked.")
    masking_approved_by: str | None = column("Who approved that.", personal=True)
    masking_approved_at: Instant | None = column("When it was approved.")
    checked_at: Instant | None = column("When somebody, or a scanner, last looked what it holds.")
    detail: dict[str, Any] | None = column("What only this register says.")


class Offboarding(State):
    """A customer that leaves, and what becomes of its data."""

    kind: ClassVar[str] = "offboarding"
    key: ClassVar[tuple[str, ...]] = ("offboarding",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    offboarding: str = always("Number of the case.")
    customer: str | None = column("Customer: the organisation's own identifier.")
    owner: str | None = column("Who answers for the case.", personal=True)
    ended_at: Instant | None = column("When the contract ended, or is to end.")
    contract_days: int | None = column("Days that the contract gives for return and deletion; empty when it says none.")
    return_declined_at: Instant | None = column("When the customer said in writing that nothing need be returned.")
    data_returned_at: Instant | None = column("When the data was handed back.")
    data_deleted_at: Instant | None = column("When the last copy was deleted, copies at processors too.")
    backups_gone_at: Instant | None = column("When the last backup that holds the data ran out, or will.")
    verified_at: Instant | None = column("When somebody looked whether it is really gone.")
    verified_by: str | None = column("Who looked.", personal=True)
    hold_reference: str | None = column("Law or legal hold that keeps a part of it; empty when there is none.")
    detail: dict[str, Any] | None = column("What only this register says.")


class ScanType(StrEnum):
    """What a scan of content looks for."""

    PAN = "pan"  # card numbers
    CVV = "cvv"  # card codes
    SECRETS = "secrets"
    IDENTITY_FIELDS = "identity_fields"


class ContentScan(State):
    """One search through the content of one store for one thing that must not be there. Kept in a register until a
    scanner's own output is read (data-loss prevention, card discovery, log scanners)."""

    kind: ClassVar[str] = "content_scan"
    key: ClassVar[tuple[str, ...]] = ("scan", "store", "scan_type")
    kept: ClassVar[bool] = True

    scan: str = always("Number of the run.")
    store: str = always("Store that was searched, as in inventory_store.")
    scan_type: ScanType = always("What was looked for: pan, cvv, secrets or identity_fields.")
    tool: str | None = column("Scanner and version.")
    run_at: Instant | None = column("When it ended.")
    is_complete: bool | None = column("It ended without error and read all it was told to read.")
    scope: str | None = column("What of the store was read: everything, or which sample.")
    items_read: int | None = column("Records or files that were read.")
    hits: int | None = column("Places found, real or not; 0 when none.")
    false_alarms: int | None = column("Of these, those that somebody looked at and found to be no such thing.")
    detail: dict[str, Any] | None = column("What only this register says; never what was found.")


class Bucket(State):
    """A bucket of an object store."""

    kind: ClassVar[str] = "bucket"
    key: ClassVar[tuple[str, ...]] = ("bucket",)

    bucket: str = always("Name, with the account or endpoint where names are not unique.")
    data_class: str | None = column("Declared class of what it holds (public, internal, confidential, restricted).")
    public_access_blocked: bool | None = column(
        "Neither policy, access list nor web hosting lets the public read or list."
    )
    tls_only: bool | None = column("It refuses requests without TLS.")
    encrypted: bool | None = column("New objects are encrypted at rest without the writer's doing.")
    encryption_key: str | None = column("Key: the store's own, or the name of ours.")
    versioning: bool | None = column("Overwritten and deleted objects are kept as versions.")
    access_logging: bool | None = column("Requests are logged.")
    object_lock_mode: str | None = column("Default lock of new objects: compliance, governance, or none.")
    object_lock_days: int | None = column("Days of that lock; 0 when none.")
    region: str | None = column("Where it lies.")
    detail: dict[str, Any] | None = column("What only this product says.")
