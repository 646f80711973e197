"""Evaluates controls on sealed evidence: runs their SQL, asserts what it must keep to, decides the verdict."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb

from compliance.controls import waivers as waiving
from compliance.controls.catalogue import Catalogue, LoadedControl
from compliance.controls.consistency import fits
from compliance.controls.evidence_base import EvidenceBase, TimeLimit
from compliance.controls.nil_returns import proof
from compliance.controls.profile import declared_off, naive
from compliance.controls.verdict import decide, evidence_of
from compliance.controls.yaml_file import nearest
from compliance.schemas.catalogue import Control, PlannedControl
from compliance.schemas.errors import ConfigError, ControlError
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import (
    AttestationView,
    Completeness,
    ControlResult,
    FindingResult,
    FlagView,
    UnknownReason,
    WaiverView,
)

TIME_LIMIT_S = 60.0
PERIOD = timedelta(days=365)  # what `$period_start` looks back on when no period is asked for
Overrides = Mapping[str, Mapping[str, Any]]

# Their messages speak of names and syntax. Others (conversion, out of range) quote values, which may be personal.
_SAYS_NO_VALUES = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.PermissionException)


_COLUMNS = ("resource", "entry", "result")


# What a Breach says.
NAMELESS = "a row names no resource"
ON_NOTHING = "a row rests on no entry"
STRANGE = "a row rests on an entry that is no evidence the query reads"
TWICE = "a resource of one source appears more than once"


class Breach(Exception):
    """The rows of a control broke its contract; nothing they say can be trusted."""


def evaluate(
    catalogue: Catalogue,
    base: EvidenceBase,
    *,
    as_of: datetime,
    overrides: Overrides,
    profile: Sequence[FlagView],
    waivers: Sequence[WaiverView],
    attestations: Sequence[AttestationView] = (),
    period_start: datetime | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    progress: Callable[[str], None] | None = None,
) -> dict[str, ControlResult]:
    """The result of every control at `as_of`, planned ones included (unknown: no collector), by id.

    `overrides` sets parameters: control id → name → value. `progress` is called with each id before its evaluation.

    Raises:
        ConfigError: an override names no control or parameter, or has another type.
    """
    check_overrides(catalogue, overrides)
    results: dict[str, ControlResult] = {}
    for name, loaded in catalogue.controls.items():
        if progress is not None:
            progress(name)
        results[name] = evaluate_one(
            loaded,
            base,
            as_of=as_of,
            override=overrides.get(name, {}),
            profile=profile,
            attestations=attestations,
            period_start=period_start,
            time_limit_s=time_limit_s,
        )
    for planned in catalogue.planned.values():
        results[planned.id] = _planned(planned, profile)
    return waiving.apply(dict(sorted(results.items())), waivers)


def evaluate_one(
    loaded: LoadedControl,
    base: EvidenceBase,
    *,
    as_of: datetime,
    override: Mapping[str, Any] | None = None,
    profile: Sequence[FlagView] = (),
    attestations: Sequence[AttestationView] = (),
    period_start: datetime | None = None,
    time_limit_s: float = TIME_LIMIT_S,
) -> ControlResult:
    """The result of one control, before waivers."""
    control = loaded.control
    parameters = {name: parameter.default for name, parameter in control.parameters.items()} | dict(override or {})
    evidence = evidence_of(control, loaded.kinds, base, as_of)

    def result(
        verdict: Outcome,
        reason: str,
        unknown_reason: UnknownReason | None = None,
        findings: Sequence[FindingResult] = (),
        duration_us: int = 0,
    ) -> ControlResult:
        return ControlResult(
            id=control.id,
            title=control.title,
            severity=control.severity,
            verdict=verdict,
            unknown_reason=unknown_reason,
            completeness=evidence.completeness,
            reason=reason,
            findings=tuple(findings),
            control=control,
            sha256=loaded.sha256,
            sql=loaded.sql,
            yaml=loaded.yaml,
            parameters=parameters,
            kinds=loaded.kinds,
            gaps=evidence.gaps,
            duration_us=duration_us,
        )

    off = declared_off(control.applies_if, profile)
    if off is not None:
        return result(Outcome.NOT_APPLICABLE, _declared(off))
    bound = {
        **parameters,
        **control.fixed,
        "as_of": naive(as_of),
        "period_start": naive(period_start or as_of - PERIOD),
        "period_end": naive(as_of),
    }
    began = time.perf_counter_ns()
    try:
        # A finding rests on a row: where nobody answers and there is none, there is nothing to ask.
        asked = evidence.completeness is not Completeness.NONE or base.holds(loaded.kinds)
        columns, rows = base.query(loaded.sql, bound, time_limit_s=time_limit_s) if asked else (_COLUMNS, [])
        findings = _findings(loaded, base, columns, rows)
    except (Breach, ControlError, TimeLimit, duckdb.Error) as error:
        return result(Outcome.UNKNOWN, words(error), UnknownReason.ERROR, duration_us=_since(began))
    verdict = decide(control, findings, evidence, lambda: proof(loaded, base, attestations, as_of))
    reason = verdict.reason + _set_otherwise(control, parameters) + _removed(loaded, base)
    return result(verdict.outcome, reason, verdict.unknown_reason, findings, _since(began))


def check_overrides(catalogue: Catalogue, overrides: Overrides) -> None:
    """Raises ConfigError for an override of an unknown control or parameter, or of another type."""
    for name, values in overrides.items():
        loaded = catalogue.controls.get(name)
        if loaded is None:
            raise ConfigError(
                f"parameters are set for control {name!r}, which is none{nearest(name, catalogue.controls)}"
            )
        known = loaded.control.parameters
        for parameter, value in values.items():
            if parameter not in known:
                raise ConfigError(f"{name} has no parameter {parameter!r}{nearest(parameter, known)}")
            if not fits(known[parameter], value):
                kind = known[parameter].type
                raise ConfigError(f"parameter {parameter} of {name} must be of type {kind}, not {value!r}")


def fingerprint(control: str, version: int, source: str | None, resource: str, code: str) -> str:
    """SHA-256 (hex) that stays the same over runs while the same thing is found."""
    return hashlib.sha256(json.dumps([control, version, source, resource, code]).encode()).hexdigest()


def _findings(
    loaded: LoadedControl, base: EvidenceBase, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> list[FindingResult]:
    if sorted(columns) != ["entry", "resource", "result"]:
        raise Breach(f"the query gives the columns {', '.join(columns)}; expected resource, entry, result")
    at = {name: n for n, name in enumerate(columns)}
    parsed = [(row[at["resource"]], _entries(row[at["entry"]]), *_result(loaded, row[at["result"]])) for row in rows]
    places = base.places(loaded.kinds, list({entry for one in parsed for entry in one[1]}))
    found = []
    seen: set[tuple[str | None, str]] = set()
    for resource, entries, verdict, code, reason in parsed:
        if not isinstance(resource, str) or not resource.strip():
            raise Breach(NAMELESS)
        known = [places[entry] for entry in entries if entry in places]
        if len(known) != len(entries):
            raise Breach(STRANGE)
        source = known[0][0]
        if (source, resource) in seen:
            raise Breach(TWICE)
        seen.add((source, resource))
        subject = next((one[1] for one in known if one[1] is not None), None)
        found.append((resource, source or "", source, subject, entries, verdict, code, reason))
    found.sort(key=lambda one: one[:2])
    control = loaded.control
    return [
        FindingResult(
            number=number,
            source=source,
            resource=resource,
            verdict=verdict,
            code=code,
            reason=reason,
            entries=entries,
            subject=subject,
            fingerprint=fingerprint(control.id, control.version, source, resource, code),
        )
        for number, (resource, _, source, subject, entries, verdict, code, reason) in enumerate(found, start=1)
    ]


def breach_in(
    loaded: LoadedControl,
    resource: Any,
    verdict: Any,
    code: Any,
    entries: Sequence[int],
    places: Mapping[int, tuple[str | None, str | None, str]],
) -> Outcome:
    """The verdict of a row that keeps to the contract, as far as it holds for rows whose reasons are not read.

    Raises Breach.
    """
    if not isinstance(resource, str) or not resource.strip():
        raise Breach(NAMELESS)
    if not entries:
        raise Breach(ON_NOTHING)
    if any(entry not in places for entry in entries):
        raise Breach(STRANGE)
    return _outcome(loaded, verdict, code)


def _entries(value: Any) -> tuple[int, ...]:
    values = value if isinstance(value, list) else [value]
    entries = tuple(dict.fromkeys(one for one in values if type(one) is int))  # NULL: the left join found nothing
    if not entries or any(one is not None and type(one) is not int for one in values):
        raise Breach(ON_NOTHING)
    return entries


def _result(loaded: LoadedControl, value: Any) -> tuple[Outcome, str, str]:
    if not isinstance(value, dict) or set(value) != {"verdict", "code", "reason"}:
        raise Breach("a row has no result; end the CASE in ELSE unknown(…)")
    code, reason = value["code"], value["reason"]
    verdict = _outcome(loaded, value["verdict"], code)
    if not isinstance(reason, str) or not reason.strip():
        raise Breach(f"a row with code {code!r} has no reason; build reasons with concat(), which skips NULL")
    return verdict, code, reason


def _outcome(loaded: LoadedControl, verdict: Any, code: Any) -> Outcome:
    try:
        found = Outcome(verdict)
    except ValueError as error:
        raise Breach(f"a row has the verdict {verdict!r}, which is none") from error
    if code not in loaded.control.reasons:
        raise Breach(f"a row has the reason code {code!r}, which `reasons` does not declare")
    return found


def words(error: Exception) -> str:
    """What went wrong with a control, without values, which may be personal."""
    if isinstance(error, Breach | ControlError):
        return f"the control broke its contract: {error}"
    if isinstance(error, TimeLimit):
        return f"the query took too long: {error}"
    kind = type(error).__name__.removesuffix("Exception")
    said = str(error).partition("\n")[0].strip() if isinstance(error, _SAYS_NO_VALUES) else ""
    return f"the query failed ({kind})" + (f": {said}" if said else "")


def _removed(loaded: LoadedControl, base: EvidenceBase) -> str:
    gone = sorted({row.source for kind in loaded.kinds for row in base.removed(kind)})
    return f"; no longer configured and not judged: {', '.join(gone)}" if gone else ""


def _set_otherwise(control: Control, parameters: Mapping[str, Any]) -> str:
    """The thresholds that are not the control's own: what the statement says of them does not hold."""
    said = [
        f"{name} {_value(parameters[name])}, not {_value(parameter.default)}"
        for name, parameter in control.parameters.items()
        if parameters[name] != parameter.default
    ]
    return f"; judged by the organisation's own thresholds: {'; '.join(said)}" if said else ""


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"  # its items may be names of persons, which a reason never holds
    return str(value).lower() if isinstance(value, bool) else str(value)


def _declared(off: FlagView) -> str:
    return f"declared not to apply: {off.flag} is off since {off.declared_at:%Y-%m-%d}"


def _planned(planned: PlannedControl, profile: Sequence[FlagView]) -> ControlResult:
    off = declared_off(planned.applies_if, profile)
    waits = f"no collector reads it yet: needs {', '.join(planned.needs)} from {planned.from_}"
    return ControlResult(
        id=planned.id,
        title=planned.title,
        severity=planned.severity,
        verdict=Outcome.UNKNOWN if off is None else Outcome.NOT_APPLICABLE,
        unknown_reason=UnknownReason.NO_COLLECTOR if off is None else None,
        completeness=Completeness.NONE,
        reason=waits if off is None else _declared(off),
        planned=planned,
    )


def _since(began: int) -> int:
    return (time.perf_counter_ns() - began) // 1000
