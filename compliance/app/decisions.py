"""What people decide and state: waivers and manual evidence, as entries of the ledger."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from compliance.app import attachments, evidence, owners, packs
from compliance.app.where import nearest
from compliance.app.workspace import Workspace
from compliance.controls import catalogue as catalogues
from compliance.controls import nil_returns, profile, waivers
from compliance.controls.brought import reviewed
from compliance.controls.sql import columns_read, parse
from compliance.ledger import Draft
from compliance.schemas.catalogue import PAPERS
from compliance.schemas.errors import ConfigError
from compliance.schemas.kinds.engine import Attestation, Waiver
from compliance.schemas.results import WaiverView

LONGEST_WAIVER = timedelta(days=366)
# How long each form counts from the day of its activity. Ours where a framework fixes no number: a policy, statement,
# interview or contract is read again each year; an outside report is bridged for a quarter beyond its year.
LIFE = {
    "document": timedelta(days=366),
    "attestation": timedelta(days=366),
    "contract": timedelta(days=366),
    "external_report": timedelta(days=457),  # 15 months from the end of its period
    "sample": timedelta(days=366),
    "interview": timedelta(days=366),
    "retest": timedelta(days=366),  # of a member of a sample: what an auditor found, for or against; passes nothing
    "nil_return": nil_returns.LIFE,
}
FORMS = tuple(LIFE)


@dataclass(frozen=True, slots=True)
class WaiverRequest:
    """What is asked to be accepted, and why."""

    control: str
    source: str
    resource: str | None
    reason: str
    compensating_control: str | None
    expires_at: datetime
    by: str


def request_waiver(workspace: Workspace, asked: WaiverRequest) -> str:
    """Record a request; it changes nothing until another person approves it. Returns its identifier.

    Raises:
        ConfigError: unknown control or source, no reason, or an end that is past or more than 366 days away.
    """
    _known_control(workspace, asked.control)
    _known_source(workspace, asked.source)
    moment = workspace.clock()
    if not asked.reason.strip():
        raise ConfigError("a waiver needs a reason")
    if not moment < asked.expires_at <= moment + LONGEST_WAIVER:
        raise ConfigError(
            f"a waiver ends in the future and within {LONGEST_WAIVER.days} days, not on {asked.expires_at:%Y-%m-%d}"
        )
    name = f"W-{moment:%Y%m%d}-{os.urandom(3).hex()}"
    step = Waiver(
        occurred_at=moment,
        waiver=name,
        step="request",
        by_person=asked.by,
        control=asked.control,
        of_source=asked.source,
        resource=asked.resource,
        reason=asked.reason,
        compensating_control=asked.compensating_control,
        expires_at=asked.expires_at,
    )
    workspace.ledger.append([Draft("waiver", step)])
    return name


def approve_waiver(workspace: Workspace, name: str, by: str) -> None:
    """Record the approval of a second person.

    Raises:
        ConfigError: no such waiver, it is over, or `by` is the person who asked for it.
    """
    view = _waiver(workspace, name)
    if view.state != "requested":
        raise ConfigError(f"waiver {name} is {view.state}", remedy=view.why_not or "request a new one")
    if _same_person(view.requested_by, by):
        raise ConfigError(
            f"waiver {name} was requested by {view.requested_by}, who cannot approve it",
            remedy="a second person approves: --by NAME",
        )
    _step(workspace, name, "approve", by)


def revoke_waiver(workspace: Workspace, name: str, by: str, reason: str) -> None:
    """Record that a waiver no longer holds. Raises ConfigError when there is none of that name."""
    _waiver(workspace, name)
    _step(workspace, name, "revoke", by, reason)


def list_waivers(workspace: Workspace) -> Sequence[WaiverView]:
    """Every waiver ever requested, as it stands now."""
    moment = workspace.clock()
    with evidence.engine_base(workspace.ledger, ("waiver",), moment) as base:
        return waivers.views(base, moment)


@dataclass(frozen=True, slots=True)
class Statement:
    """A piece of manual evidence."""

    form: str
    statement: str
    by: str
    occurred_at: datetime
    expires_at: datetime
    control: str | None = None
    requirements: Sequence[str] = ()
    resources: Sequence[str] = ()
    reviewed_by: str | None = None
    document: Path | None = None
    revokes: str | None = None
    of_kind: str | None = None  # kind kept in the register that a return speaks of
    of_source: str | None = None
    entries: int | None = None


def attest(workspace: Workspace, said: Statement) -> str:
    """Record a statement or document. Of the document a copy is kept beside the ledger; its digest is recorded.

    Returns the attestation's identifier.

    Raises:
        ConfigError: unknown form, control, requirement or attestation; reviewer and author are one person, or there
            is no reviewer or file where one is demanded; a nil return by somebody who owns no register behind its
            control; dates that cannot be, or an expiry beyond what the form allows.
        StorageFull: the copy of the document cannot be written; nothing is recorded.
    """
    catalogue = packs.load(workspace.config)
    if said.form not in FORMS:
        raise ConfigError(f"{said.form!r} is no form of manual evidence", remedy="one of: " + ", ".join(FORMS))
    if said.control is not None:
        _known_control(workspace, said.control)
    for item in said.requirements:
        _known_requirement(catalogue, item)
    if said.resources and said.control is None:
        raise ConfigError("resources are those of a control", remedy="name it: --control")
    if said.revokes is not None:
        _known_attestation(workspace, said.revokes)
    if said.reviewed_by and _same_person(said.reviewed_by, said.by):
        raise ConfigError(f"{said.by} cannot review an own statement", remedy="a second person reviews: --reviewed-by")
    moment = workspace.clock()
    if said.occurred_at > moment or said.expires_at <= said.occurred_at:
        raise ConfigError("the activity lies in the past and the expiry after it")
    last = (said.occurred_at + LIFE[said.form]).date()
    if said.expires_at.date() > last:
        raise ConfigError(
            f"{said.form} of {said.occurred_at:%Y-%m-%d} counts until {last} at most, "
            f"not until {said.expires_at:%Y-%m-%d}",
            remedy=f"--expires {last}; then read or state it again",
        )
    if said.revokes is None:
        _could_count(catalogue, said)
    if said.form == "nil_return" and said.control is not None:
        owners.may_state(workspace.config, catalogue.controls[said.control], said.by)
    kept = attachments.keep(workspace.places.attachments, said.document) if said.document else None
    name = f"A-{moment:%Y%m%d}-{os.urandom(3).hex()}"
    entry = Attestation(
        occurred_at=said.occurred_at,
        attestation=name,
        form=said.form,
        control=said.control,
        requirements=list(said.requirements),
        resources=list(said.resources) or None,
        statement=said.statement,
        by_person=said.by,
        reviewed_by=said.reviewed_by,
        expires_at=said.expires_at,
        document_sha256=kept.sha256 if kept else None,
        document_name=said.document.name if said.document else None,
        document_bytes=kept.size_bytes if kept else None,
        revokes=said.revokes,
        of_kind=said.of_kind,
        of_source=said.of_source,
        entries=said.entries,
    )
    workspace.ledger.append([Draft("attestation", entry)])
    return name


def _could_count(catalogue: catalogues.Catalogue, said: Statement) -> None:
    """Refuse what could never count: a statement that a person decides alone without a second one, and a paper without
    its file.

    The rules are those of the roll-up: where no control bears directly on a requirement, or the requirement is never
    settled by controls, its manual evidence needs a reviewer. And that of controls which ask for one.
    """
    if not said.reviewed_by:
        _second_person(catalogue, said)
    if said.requirements and said.form in PAPERS and said.document is None:
        raise ConfigError(
            f"a {said.form.replace('_', ' ')} shows something of a requirement only with its file",
            remedy="name the file: --document",
        )


def _second_person(catalogue: catalogues.Catalogue, said: Statement) -> None:
    for item in said.requirements:
        framework, _, name = item.partition(":")
        requirement = next(r for r in catalogue.frameworks[framework].requirements if r.id == name)
        if reviewed(requirement):
            raise ConfigError(
                f"{item} rests on this statement alone, and so counts only when a second person reviewed it",
                remedy="name that person: --reviewed-by",
            )
    loaded = catalogue.controls.get(said.control) if said.control else None
    asks = loaded is not None and "attestation" in loaded.kinds and said.form not in ("nil_return", "retest")
    if loaded is not None and asks and "reviewed_by" in columns_read(parse(loaded.sql, loaded.path)):
        raise ConfigError(
            f"{said.control} counts a statement only when a second person reviewed it",
            remedy="name that person: --reviewed-by",
        )


def _step(workspace: Workspace, name: str, step: str, by: str, reason: str | None = None) -> None:
    entry = Waiver(occurred_at=workspace.clock(), waiver=name, step=step, by_person=by, reason=reason)
    workspace.ledger.append([Draft("waiver", entry)])


def _waiver(workspace: Workspace, name: str) -> WaiverView:
    views = {view.waiver: view for view in list_waivers(workspace)}
    if name not in views:
        raise ConfigError(
            f"no waiver is called {name!r}{nearest(name, views)}", remedy="`compliance waiver list` shows them"
        )
    return views[name]


def _known_source(workspace: Workspace, name: str) -> None:
    known = {source.name for source in workspace.config.sources}
    if name not in known:
        raise ConfigError(
            f"no source is called {name!r}{nearest(name, known)}", remedy="`compliance sources list` shows them"
        )


def _known_requirement(catalogue: catalogues.Catalogue, item: str) -> None:
    framework, _, requirement = item.partition(":")
    known = catalogue.frameworks.get(framework)
    if known is None:
        near = nearest(framework, catalogue.frameworks)
    elif any(r.id == requirement for r in known.requirements):
        return
    else:
        near = nearest(requirement, [r.id for r in known.requirements])
    raise ConfigError(f"{item!r} names no requirement{near}", remedy="write framework:id, for instance soc2:CC1.1")


def _known_attestation(workspace: Workspace, name: str) -> None:
    moment = workspace.clock()
    with evidence.engine_base(workspace.ledger, ("attestation",), moment) as base:
        known = [str(row[0]) for row in base.query("SELECT attestation FROM attestation", {})[1]]
    if name not in known:
        raise ConfigError(
            f"no attestation is called {name!r}{nearest(name, known)}",
            remedy="`compliance evidence show attestation` shows them",
        )


def _known_control(workspace: Workspace, name: str) -> None:
    known = packs.load(workspace.config).controls
    if name not in known:
        raise ConfigError(
            f"no control is called {name!r}{nearest(name, known)}", remedy="`compliance controls list` shows them"
        )


def _same_person(one: str, other: str) -> bool:
    return profile.person(one) == profile.person(other)
