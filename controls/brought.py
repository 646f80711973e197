"""What a person brings for a requirement: one thing for each form that it names, each with why it does not count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from compliance.controls.profile import reviewed_by_another
from compliance.schemas.catalogue import PAPERS, Requirement
from compliance.schemas.results import AttestationView, Brought


def reviewed(requirement: Requirement) -> bool:
    """A person decides it, not a control: its manual evidence counts only when a second person reviewed it."""
    return requirement.automation == "none" or (requirement.automation == "partial" and not requirement.direct)


def brought(requirement: Requirement, naming: Sequence[AttestationView], as_of: datetime) -> tuple[Brought, ...]:
    """One for each form that `requirement` names, in its order; `naming` are the attestations that name it.

    A nil return speaks of one control's events, never of a requirement. A requirement that names no form takes any.
    """
    if requirement.automation == "full":
        return ()
    second = reviewed(requirement)
    known = [view for view in naming if view.form != "nil_return" and view.occurred_at <= as_of]
    if not requirement.manual:
        return (_one("any", known, second, as_of),)
    return tuple(_one(form, [one for one in known if one.form == form], second, as_of) for form in requirement.manual)


def problem(view: AttestationView, second_person: bool, as_of: datetime) -> str | None:
    """Why a statement does not count: overdue, without_document, unreviewed; None when it does."""
    if not (view.in_date and as_of < view.expires_at):
        return "overdue"
    if view.form in PAPERS and not view.document_sha256:
        return "without_document"
    return "unreviewed" if second_person and not reviewed_by_another(view) else None


def _one(form: str, views: Sequence[AttestationView], second_person: bool, as_of: datetime) -> Brought:
    held = [view for view in views if problem(view, second_person, as_of) is None]
    if held:
        best = max(held, key=lambda view: (view.expires_at, view.entry))
        return Brought(form, "there", second_person, best.attestation, best.expires_at)
    if views:
        newest = max(views, key=lambda view: (view.occurred_at, view.entry))
        said = problem(newest, second_person, as_of) or "missing"
        return Brought(form, said, second_person, newest.attestation, newest.expires_at)
    return Brought(form, "missing", second_person)
