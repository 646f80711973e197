"""Registers of changes, deployments, environments, maintenance windows and their notices."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from compliance.schemas.evidence import Instant, State, always, column
from compliance.schemas.kinds.incidents import Audience


class ChangeType(StrEnum):
    """How a change is handled."""

    STANDARD = "standard"  # often done, of low risk, approved in advance
    NORMAL = "normal"
    EMERGENCY = "emergency"  # cannot wait for the usual approval


class ChangeStatus(StrEnum):
    """Where a change stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    IMPLEMENTED = "implemented"
    ROLLED_BACK = "rolled_back"  # it was made, and taken back
    CANCELLED = "cancelled"  # never made


class ChangeRequest(State):
    """A change of systems, from the wish to the look back. A ticket system could tell it."""

    kind: ClassVar[str] = "change_request"
    key: ClassVar[tuple[str, ...]] = ("change",)
    subject_column: ClassVar[str | None] = "requested_by"
    kept: ClassVar[bool] = True

    change: str = always("Number of the change.")
    change_type: ChangeType | None = column("standard, normal or emergency.")
    status: ChangeStatus | None = column("draft, submitted, approved, rejected, implemented, rolled_back or cancelled.")
    is_production: bool | None = column("It touches production.")
    is_significant: bool | None = column("It is significant by the organisation's own rule (PCI DSS 6.5.2, 11.3).")
    requested_by: str | None = column("Who asked for it.", personal=True)
    reason: str | None = column("What it is for.")
    risk: str | None = column("Risk of the change, as assessed.")
    security_impact: str | None = column("What it means for security, also when that is nothing.")
    test_ref: str | None = column("Where the result of its tests lies.")
    rollback_plan: str | None = column("How it is taken back.")
    approved_by: str | None = column("Who approved it.", personal=True)
    approved_at: Instant | None = column("When it was approved.")
    implemented_by: str | None = column("Who made it.", personal=True)
    implemented_at: Instant | None = column("When work on production began.")
    completed_at: Instant | None = column("When that work was finished.")
    post_review_by: str | None = column("Who looked at it afterwards.", personal=True)
    post_review_at: Instant | None = column(
        "When it was looked at afterwards; for significant changes: when the affected requirements were rechecked."
    )


class Deployment(State):
    """A version of software that was put into an environment. A deployment pipeline could tell it."""

    kind: ClassVar[str] = "deployment"
    key: ClassVar[tuple[str, ...]] = ("deployment",)
    subject_column: ClassVar[str | None] = "deployed_by"
    kept: ClassVar[bool] = True

    deployment: str = always("Number of the deployment.")
    environment: str | None = column("Environment it went to (production, staging, …).")
    is_production: bool | None = column("That environment is production.")
    deployed_at: Instant | None = column("When it began.")
    deployed_by: str | None = column("Who started it; the name of a program for automatic ones.", personal=True)
    repository: str | None = column("Repository the software comes from.")
    commit: str | None = column("Commit that was deployed, full SHA.")
    pull_request: str | None = column("Merged pull request it comes from.")
    change: str | None = column("Change it belongs to, by its number in the register of changes.")
    ci_passed: bool | None = column("The build and tests of that commit passed before it was deployed.")
    rolled_back_at: Instant | None = column("When it was taken back; empty when it was not.")


class RollbackEvent(State):
    """A deployment was taken back, in earnest or as an exercise. A deployment pipeline could tell it."""

    kind: ClassVar[str] = "rollback_event"
    key: ClassVar[tuple[str, ...]] = ("rollback",)
    kept: ClassVar[bool] = True

    rollback: str = always("Number of the rollback.")
    deployment: str | None = column("Deployment that was taken back.")
    is_drill: bool | None = column("It was an exercise.")
    started_at: Instant | None = column("When it was decided.")
    finished_at: Instant | None = column("When the earlier version served again.")
    succeeded: bool | None = column("The earlier version served again.")
    incident: str | None = column("Incident it belongs to; empty for an exercise.")
    change: str | None = column("Change it belongs to.")


class Environment(State):
    """A place where software runs: production, staging, test. Cloud accounts could tell it in part."""

    kind: ClassVar[str] = "environment"
    key: ClassVar[tuple[str, ...]] = ("environment",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    environment: str = always("Name of the environment.")
    owner: str | None = column("Who answers for it.", personal=True)
    is_production: bool | None = column("It serves customers.")
    separate_account: bool | None = column("Its cloud account, or its machines, belong to no other environment.")
    separate_network: bool | None = column("No other environment reaches its network, nor it theirs.")
    shared_credentials: bool | None = column("A password, key or token of it also opens another environment.")
    checked_at: Instant | None = column("When somebody last looked whether this is so.")


class WindowType(StrEnum):
    """What a maintenance window is for."""

    WEEKLY_PATCH = "weekly_patch"
    MONTHLY_UPDATE = "monthly_update"
    QUARTERLY_UPGRADE = "quarterly_upgrade"
    OTHER = "other"


class WindowStatus(StrEnum):
    """Where a maintenance window stands."""

    PLANNED = "planned"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"  # held, and what was to be done is not done
    CANCELLED = "cancelled"  # not held


class MaintenanceWindow(State):
    """A time set aside for work on systems. A ticket system could tell it."""

    kind: ClassVar[str] = "maintenance_window"
    key: ClassVar[tuple[str, ...]] = ("window",)
    subject_column: ClassVar[str | None] = "owner"
    kept: ClassVar[bool] = True

    window: str = always("Number of the window.")
    window_type: WindowType | None = column("weekly_patch, monthly_update, quarterly_upgrade or other.")
    status: WindowStatus | None = column("planned, in_progress, completed, failed or cancelled.")
    owner: str | None = column("Who leads the work.", personal=True)
    planned_start: Instant | None = column("When it is to begin.")
    planned_end: Instant | None = column("When it is to end.")
    actual_start: Instant | None = column("When work began.")
    actual_end: Instant | None = column("When work ended.")
    customer_impact: bool | None = column("Customers cannot use a service, wholly or in part, while it lasts.")


class DowntimeNotice(State):
    """A notice that a service is or will be down. A status page could tell it."""

    kind: ClassVar[str] = "downtime_notice"
    key: ClassVar[tuple[str, ...]] = ("notice",)
    kept: ClassVar[bool] = True

    notice: str = always("Number of the notice.")
    window: str | None = column("Maintenance window it announces; empty when it is about an incident.")
    incident: str | None = column("Incident it tells of; empty when it is about planned work.")
    audience: Audience | None = column("Who was told: staff or customers.")
    channels: list[str] | None = column("By which ways (status page, e-mail, in the application).")
    sent_at: Instant | None = column("When it went out.")
