"""One audit: collect, check the ledger, evaluate, record, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import compliance
from compliance.app import anchoring, collect, discover, evidence, integrity, keeping, packs, verdicts
from compliance.app.config import Config
from compliance.app.where import nearest
from compliance.app.workspace import Say, Workspace, now
from compliance.controls import applicability, evaluate, profile, rollup, waivers
from compliance.controls import catalogue as catalogues
from compliance.ledger import Ledger
from compliance.schemas.catalogue import Framework
from compliance.schemas.errors import ConfigError
from compliance.schemas.kinds.engine import LedgerCheck
from compliance.schemas.results import AnchorView, AuditResult, ControlResult, Coverage, LedgerState


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an audit is asked for."""

    frameworks: Sequence[str] = ()  # those of the configuration when empty
    as_of: datetime | None = None  # now when not given
    known: str = "now"  # then: only what was recorded by `as_of`
    collect: bool = True
    sources: Sequence[str] = ()
    definitions: str = "now"  # then: the controls and parameters of the day


@dataclass(frozen=True, slots=True)
class Plan:
    """An audit that can be begun: what is asked for exists, and so do the secrets it needs."""

    wanted: Wanted
    catalogue: catalogues.Catalogue
    overrides: evaluate.Overrides | None = None  # other parameters than those of the configuration


INTERRUPTED = "The collection was interrupted; what had not been read by then counts as not read."


def interrupted(result: AuditResult) -> bool:
    """The run behind this result was interrupted."""
    return INTERRUPTED in result.notes


def possible(wanted: Wanted, catalogue: catalogues.Catalogue) -> catalogues.Catalogue:
    """`catalogue`, when the request makes sense whatever the configuration says.

    Raises:
        ConfigError: an unknown framework; a moment that lies ahead, or one of the past without `--no-collect`.
    """
    if wanted.as_of is not None and wanted.as_of > now():
        raise ConfigError(
            f"{wanted.as_of:%Y-%m-%d %H:%M} UTC lies in the future: nothing can be said of it yet",
            remedy="leave out --as-of to judge the present",
        )
    if wanted.as_of is not None and wanted.collect:
        raise ConfigError("an audit of the past cannot collect", remedy="add --no-collect to --as-of")
    for name in wanted.frameworks:
        framework(catalogue, name)
    return catalogue


def plan(config: Config, wanted: Wanted, catalogue: catalogues.Catalogue) -> Plan:
    """The audit of this configuration. Nothing is read or written before it is known to be possible.

    Raises:
        SecretMissing: a secret reference of a source points nowhere.
        ConfigError: parameters or declared facts of a name that nothing has.
    """
    for name, values in config.parameters.items():
        try:
            evaluate.check_overrides(catalogue, {name: values})
        except ConfigError as error:
            wrong = next((key for key in values if repr(key) in error.message or f" {key} " in error.message), None)
            place = ("parameters", name, *([wrong] if wrong else []))
            raise config.where.error(
                error.message, place, error.remedy or f"compliance controls show {name}"
            ) from error
    for flag in config.profile:
        if flag not in catalogue.flags:
            raise config.where.error(
                f"[profile.{flag}]: nothing depends on a fact of this name{nearest(flag, catalogue.flags)}",
                ("profile", flag),
                "known ones: " + ", ".join(sorted(catalogue.flags)),
            )
    if wanted.collect:
        collect.secrets(config, wanted.sources)
    return Plan(wanted, catalogue)


def perform(workspace: Workspace, plan: Plan, *, say: Say, progress: Callable[..., None] | None = None) -> AuditResult:
    """Collect (unless told not to), verify the ledger, evaluate, and record the verdicts.

    Raises:
        IntegrityError: the ledger is not what was signed; nothing is evaluated on it.
        ConfigError: the ledger holds nothing from that moment.
    """
    wanted = plan.wanted
    notes: list[str] = []
    if wanted.collect:
        say("verifying the ledger …")
        # nothing is added to a ledger that is not what was signed
        integrity.sound(workspace, integrity.read_outside(workspace))
        summary = collect.collect(workspace, wanted.sources, progress=progress)
        if summary.interrupted:
            notes.append(INTERRUPTED)
        notes += _unconfigured(workspace)
        _anchor(workspace, say)  # what was collected is anchored before it is judged
    say("verifying the ledger …")
    checked, anchors = integrity.check_ledger(workspace)
    if not wanted.collect and wanted.as_of is None:
        collect.declare(workspace, collect.run_id(workspace.clock()))  # a source nobody read yet must show as unread
    as_of = wanted.as_of or workspace.clock()
    plan, said = of_day(workspace, plan, as_of)
    notes += said
    result = evaluate_at(workspace, plan, as_of, checked, anchors, tuple(notes), say)
    verdicts.record(workspace, result)
    return result


def of_day(workspace: Workspace, plan: Plan, at: datetime) -> tuple[Plan, list[str]]:
    """The plan with the controls and parameters of the day, when it wants them, and what a report must say of that.

    Raises ControlError: a definition of then cannot be read by this version of the engine.
    """
    if plan.wanted.definitions != "then":
        return plan, []
    catalogue, known, missing = keeping.of_day(workspace, plan.catalogue, at)
    said = f"Judged by the definitions and parameters of the day, as verdicts by {at:%Y-%m-%d %H:%M} UTC recorded them."
    if missing:
        named = ", ".join(missing[:10]) + (", …" if len(missing) > 10 else "")
        said += f" Of {len(missing)} controls the ledger keeps none from then ({named}): these are judged as now."
    return replace(plan, catalogue=catalogue, overrides={**workspace.config.parameters, **known}), [said]


def _anchor(workspace: Workspace, say: Say) -> None:
    work = anchoring.due(workspace.config, workspace.places, workspace.ledger, workspace.clock())
    anchoring.tell(anchoring.write(workspace.places, work, workspace.clock()), say)


def evaluate_at(
    workspace: Workspace,
    plan: Plan,
    as_of: datetime,
    checked: LedgerCheck,
    anchors: tuple[AnchorView, ...],
    notes: tuple[str, ...],
    say: Say,
    period_start: datetime | None = None,
) -> AuditResult:
    """The verdicts at `as_of`, recorded nowhere.

    Raises ConfigError when the ledger holds nothing from that moment.
    """
    ledger, wanted, catalogue = workspace.ledger, plan.wanted, plan.catalogue
    overrides = workspace.config.parameters if plan.overrides is None else plan.overrides
    upto = _known(ledger, as_of, wanted)
    collections = ledger.collections(upto)
    sources = evidence.source_rows(ledger, collections, as_of)
    covered = evidence.roll_forward(ledger, evidence.coverage(collections, as_of, sources), collections)
    say(f"evaluating {len(catalogue.controls)} controls on {upto} entries …")
    time_zone = workspace.config.organisation.time_zone
    with evidence.build_base(ledger, collections, covered, as_of=as_of, upto=upto, time_zone=time_zone) as base:
        flags = profile.flags(base, as_of)
        granted = waivers.views(base, as_of)
        attested = profile.attestations(base, as_of)
        stated = applicability.statement(base, as_of)
        results = evaluate.evaluate(
            catalogue,
            base,
            as_of=as_of,
            overrides=overrides,
            profile=flags,
            waivers=granted,
            attestations=attested,
            period_start=period_start,
        )
    return AuditResult(
        audit=collect.run_id(workspace.clock()),
        organisation=workspace.config.organisation.name,
        engine_version=compliance.__version__,
        as_of=as_of,
        known=wanted.known,
        definitions=wanted.definitions,
        generated_at=workspace.clock(),
        ledger=_state(workspace, upto, checked, anchors),
        coverage=tuple(replace(row, controls=_readers(row, results)) for row in covered),
        controls=results,
        frameworks=tuple(
            rollup.roll_up(
                framework(catalogue, name),
                results,
                attestations=attested,
                profile=flags,
                overrides=overrides,
                as_of=as_of,
                applicability=stated,
            )
            for name in wanted.frameworks or packs.frameworks(workspace.config, catalogue)
        ),
        profile=flags,
        waivers=granted,
        attestations=attested,
        applicability=stated,
        notes=(*notes, *_switched_off(sources)),
    )


def _known(ledger: Ledger, as_of: datetime, wanted: Wanted) -> int:
    """How many entries count at `as_of`. Raises ConfigError for none."""
    upto = evidence.visible(ledger, as_of, wanted.known)
    if upto == 0 or as_of < ledger.entry(0).at:
        raise ConfigError(
            f"the ledger holds nothing from {as_of:%Y-%m-%d %H:%M} UTC or before", remedy="choose a later --as-of"
        )
    return upto


def _switched_off(sources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    off = sorted(f"{name} ({row['collector']})" for name, row in sources.items() if row.get("enabled") is False)
    return [f"Configured and switched off, so neither read nor judged: {', '.join(off)}."] if off else []


def _state(workspace: Workspace, upto: int, checked: LedgerCheck, anchors: tuple[AnchorView, ...]) -> LedgerState:
    ledger = workspace.ledger
    return LedgerState(
        origin=ledger.origin,
        size=upto,
        root=ledger.root_at(upto).hex(),
        checkpoint=ledger.checkpoint_at(upto),
        vkey=ledger.vkey,
        verified=checked.chain_ok,
        lock_store="ok" if checked.lock_store_ok else "missing",
        anchors=anchors,
    )


def framework(catalogue: catalogues.Catalogue, name: str) -> Framework:
    """The framework of that name. Raises ConfigError for an unknown one, with the nearest."""
    if name not in catalogue.frameworks:
        raise ConfigError(
            f"no framework is called {name!r}{nearest(name, catalogue.frameworks)}",
            remedy="known ones: " + ", ".join(catalogue.frameworks),
        )
    return catalogue.frameworks[name]


def _readers(row: Coverage, results: Mapping[str, ControlResult]) -> tuple[str, ...]:
    return tuple(sorted(control.id for control in results.values() if row.kind in control.kinds))


def _unconfigured(workspace: Workspace) -> list[str]:
    found, failed = discover.discover(folder=workspace.config.folder)
    new = discover.unconfigured(found, workspace.config.sources)
    notes = [
        f"Found on this machine, and no source reads it at this address: {item.collector} {item.found.name} "
        f"({item.found.seen})."
        for item in new
    ]
    return notes + [f"It could not be looked for {item.collector}: {item.message}" for item in failed]
