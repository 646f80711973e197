"""What leaves a requirement out without any control: a statement of applicability, or a questionnaire.

An exclusion counts only when it says so plainly, gives its reason, and was approved not more than 366 days ago by
somebody whose name can still be read; its register must have been read completely and lately. Whatever falls short of
that changes nothing: the requirement is judged as included. A questionnaire leaves out what a source confirms, never
what a control fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from compliance.controls.evidence_base import EvidenceBase
from compliance.controls.profile import FLAG_LIFE, aware, declared_off, naive
from compliance.schemas.catalogue import Framework, Questionnaire
from compliance.schemas.kinds.governance import SoaEntry
from compliance.schemas.results import ApplicabilityView, Coverage, FlagView, FrameworkResult

FRESH = timedelta(hours=26)  # as the control that judges the statement (gov.exclusions_justified)


def statement(base: EvidenceBase, as_of: datetime) -> tuple[ApplicabilityView, ...]:
    """The statement of applicability as it stands, in the order of its register, each row with why it does not count.

    A control that two rows speak of is left out only when both do.
    """
    if not base.has(SoaEntry.kind):
        return ()
    read = {row.source: _unread(row, as_of) for row in base.promised(SoaEntry.kind)}
    _, rows = base.query(
        "SELECT control, is_included, justification, implementation, version, approved_by, approved_at, "
        "next_review_at, source, entry FROM soa_entry ORDER BY entry",
        {},
    )
    mixed = len({row[4] for row in rows}) > 1
    return tuple(_view(row, read.get(row[8], "unread"), mixed, as_of) for row in rows)


def since(views: Sequence[ApplicabilityView], start: datetime) -> tuple[ApplicabilityView, ...]:
    """The statement as it counts for a period from `start` on: an exclusion approved within it left nothing out before,
    and so leaves nothing out of the period."""
    return tuple(
        replace(view, problem="not_yet")
        if view.problem is None and view.approved_at and view.approved_at > start
        else view
        for view in views
    )


def excluded(views: Sequence[ApplicabilityView], control: str) -> ApplicabilityView | None:
    """The row that leaves `control` out; None when none does, or another row about it does not."""
    said = [view for view in views if view.control.strip() == control]
    return said[-1] if said and all(view.excludes for view in said) else None


def is_questionnaire(frameworks: Sequence[FrameworkResult], flag: str) -> bool:
    """Whether `flag` declares a questionnaire of one of these."""
    return any(one.flag == flag for judged in frameworks for one in judged.framework.questionnaires)


def questionnaire(framework: Framework, profile: Sequence[FlagView]) -> tuple[Questionnaire | None, tuple[str, ...]]:
    """The questionnaire that is declared, when it is exactly one and what it needs is declared; and remarks (codes)."""
    declared = [
        one
        for one in framework.questionnaires
        if any(view.flag == one.flag and view.value and view.in_date for view in profile)
    ]
    if not declared:
        return None, ()
    if len(declared) > 1:
        return None, ("questionnaires_contradict",)
    (one,) = declared
    remarks = () if one.scope == "whole" else (f"questionnaire_{one.scope}",)
    if any(declared_off(flag, profile) is None for flag in one.needs_off):
        return None, (*remarks, "questionnaire_not_eligible")
    return one, remarks


def _unread(row: Coverage, as_of: datetime) -> str | None:
    if row.outcome != "complete" or row.completed_at is None or row.completed_at > as_of:
        return "unread"
    return "stale" if as_of - row.completed_at > FRESH else None


def _view(row: Sequence[Any], unread: str | None, mixed: bool, as_of: datetime) -> ApplicabilityView:
    control, included, justification, implementation, version, by, at, review, source, entry = row
    now = naive(as_of)
    problems = (
        (unread, unread is not None),
        ("unclear", included is None),
        ("unjustified", not (justification or "").strip()),
        ("unapproved", at is None or not (by or "").strip() or not (version or "").strip()),
        ("versions_mixed", mixed),
        ("not_yet", at is not None and at > now),
        ("overdue", at is not None and now - at > FLAG_LIFE),
        ("overdue", review is not None and review < now.replace(hour=0, minute=0, second=0, microsecond=0)),
    )
    return ApplicabilityView(
        control=control,
        included=included,
        justification=justification,
        implementation=implementation,
        version=version,
        approved_by=by,
        approved_at=aware(at) if at else None,
        next_review_at=aware(review) if review else None,
        source=source,
        entry=entry,
        problem=next((name for name, so in problems if so), None),
    )
