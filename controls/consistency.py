"""What must agree between the parts of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compliance.controls.sql import Query
from compliance.controls.yaml_file import Location, line_of, nearest
from compliance.schemas.catalogue import (
    FRAMEWORKS,
    PROFILE_FLAGS,
    Bound,
    Case,
    ControlFile,
    Framework,
    Parameter,
    PlannedControl,
)
from compliance.schemas.errors import ControlError
from compliance.schemas.evidence import VIEW_COLUMNS, all_kinds
from compliance.schemas.results import UnknownReason

if TYPE_CHECKING:
    from compliance.controls.catalogue import LoadedControl

PERIOD_RULES = (
    "config_daily",
    "event_population",
    "recurring_daily",
    "recurring_weekly",
    "recurring_monthly",
    "recurring_quarterly",
    "recurring_semiannual",
    "recurring_annual",
    "document_in_force",
)


def known_flags(frameworks: Iterable[Framework]) -> frozenset[str]:
    """The profile flags of the project and the conditions that frameworks declare."""
    frameworks = tuple(frameworks)
    asked = (one.flag for framework in frameworks for one in framework.questionnaires)
    return frozenset(PROFILE_FLAGS).union(asked, *(framework.conditions for framework in frameworks))


def of_control(control: ControlFile, path: Path, content: bytes, query: Query, sql_path: Path) -> list[ControlError]:
    """What is wrong with one control by itself."""
    problems: list[ControlError] = []
    tables = query.tables()

    def wrong(message: str, *location: str | int) -> None:
        problems.append(ControlError(message, path=str(path), line=line_of(content, location)))

    if control.id != f"{path.parent.name}.{path.stem}":
        wrong(f"id {control.id!r} is not {path.parent.name}.{path.stem}, as folder and file name say", "id")
    for name, line in tables.items():
        if name not in all_kinds():
            message = f"no kind of evidence is called {name!r}{nearest(name, all_kinds())}"
            problems.append(ControlError(message, path=str(sql_path), line=line))
    for name, line in query.steps().items():
        if name.lower() in all_kinds():  # the kinds that must be collected could no longer be told from the SQL
            message = f"a WITH hides the kind {name!r}; give it another name"
            problems.append(ControlError(message, path=str(sql_path), line=line))
    for key, names in (
        ("optional_kinds", control.optional_kinds),
        ("fresh_by_kind", list(control.fresh_by_kind)),
        ("needed_from", [*control.needed_from, *control.needed_from.values()]),
    ):
        for name in names:
            if name not in tables:
                wrong(f"{key} names {name!r}, which the SQL does not read{nearest(name, tables)}", key)
    if control.period not in PERIOD_RULES:
        wrong(f"period rule {control.period!r} is unknown{nearest(control.period, PERIOD_RULES)}", "period")
    for name, parameter in control.parameters.items():
        for message in _parameter_problems(parameter):
            wrong(f"parameter {name}: {message}", "parameters", name)
    seen: set[str] = set()
    for n, case in enumerate(control.cases):
        if case.name in seen:
            wrong(f"two cases are called {case.name!r}", "cases", n, "name")
        seen.add(case.name)
        for message, location in _case_problems(case, control, tables):
            wrong(f"case {case.name!r}: {message}", "cases", n, *location)
    return problems


def fits(parameter: Parameter, value: Any) -> bool:
    """Whether `value` has the parameter's type; a boolean is no integer here."""
    if parameter.type == "list[str]":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return type(value) is {"int": int, "str": str, "bool": bool}[parameter.type]


def beyond(bound: Bound, value: Any) -> str | None:
    """How `value` lies outside `bound`, in words; None inside it."""
    if bound.min is not None and (type(value) is not int or value < bound.min):
        return f"{value} is below {bound.min}"
    if bound.max is not None and (type(value) is not int or value > bound.max):
        return f"{value} is above {bound.max}"
    items = value if isinstance(value, list) else [value]
    missing = [item for item in bound.must_include or () if item not in items]
    if missing:
        return f"lacks {', '.join(missing)}"
    forbidden = [item for item in bound.must_not_include or () if item in items]
    return f"includes {', '.join(forbidden)}" if forbidden else None


def across(
    controls: Mapping[str, LoadedControl],
    planned: Mapping[str, PlannedControl],
    frameworks: Mapping[str, tuple[Framework, Path]],
) -> list[ControlError]:
    """What is wrong between controls, planned controls and frameworks."""
    problems: list[ControlError] = []
    flags = known_flags(framework for framework, _ in frameworks.values())
    for loaded in controls.values():
        flag = loaded.control.applies_if
        if flag is not None and flag not in flags:
            problems.append(_at(loaded.path, f"no profile flag is called {flag!r}{nearest(flag, flags)}", "applies_if"))
        for name, parameter in loaded.control.parameters.items():
            for bounded in parameter.bounds:
                if bounded not in FRAMEWORKS and bounded not in frameworks:
                    message = f"bound for unknown framework {bounded!r}{nearest(bounded, FRAMEWORKS)}"
                    problems.append(_at(loaded.path, message, "parameters", name, "bounds", bounded))
    for entry in planned.values():
        if entry.applies_if is not None and entry.applies_if not in flags:
            problems.append(ControlError(f"planned {entry.id}: no profile flag is called {entry.applies_if!r}"))
    known = controls.keys() | planned.keys()
    for framework, path in frameworks.values():
        problems.extend(_framework_problems(framework, path, known, flags))
    return problems


def _framework_problems(
    framework: Framework, path: Path, known: Iterable[str], flags: Iterable[str]
) -> list[ControlError]:
    problems: list[ControlError] = []
    known, flags = set(known), set(flags)
    if framework.applies_if is not None and framework.applies_if not in flags:
        message = f"no profile flag is called {framework.applies_if!r}{nearest(framework.applies_if, flags)}"
        problems.append(_at(path, message, "applies_if"))
    problems.extend(_questionnaire_problems(framework, path, flags))
    seen: set[str] = set()
    for g, group in enumerate(framework.groups):
        for r, requirement in enumerate(group.requirements):
            at: Location = ("groups", g, "requirements", r)
            if requirement.id in seen:
                problems.append(_at(path, f"requirement {requirement.id} stands twice", *at))
            seen.add(requirement.id)
            if requirement.condition is not None and requirement.condition not in flags:
                message = f"no profile flag is called {requirement.condition!r}{nearest(requirement.condition, flags)}"
                problems.append(_at(path, message, *at, "condition"))
            linked: set[str] = set()
            for key, links in (("direct", requirement.direct), ("supporting", requirement.supporting)):
                for n, link in enumerate(links):
                    if link.control not in known:
                        message = f"{requirement.id}: no control {link.control!r}{nearest(link.control, known)}"
                        problems.append(_at(path, message, *at, key, n, "control"))
                    if link.control in linked:
                        message = f"{requirement.id}: {link.control} is linked twice"
                        problems.append(_at(path, message, *at, key, n, "control"))
                    linked.add(link.control)
    return problems


def _questionnaire_problems(framework: Framework, path: Path, flags: set[str]) -> Iterable[ControlError]:
    ids = {requirement.id for requirement in framework.requirements}
    for n, one in enumerate(framework.questionnaires):
        for name in one.leaves_out:
            if name not in ids:
                message = f"{one.flag} leaves out {name!r}, which is no requirement{nearest(name, ids)}"
                yield _at(path, message, "questionnaires", n, "leaves_out")
        for name in one.needs_off:
            if name not in flags:
                message = f"no profile flag is called {name!r}{nearest(name, flags)}"
                yield _at(path, message, "questionnaires", n, "needs_off")
        if one.scope == "unknown" and one.leaves_out:
            message = f"{one.flag}: what it leaves out is not known, and yet it leaves something out"
            yield _at(path, message, "questionnaires", n, "scope")


def _at(path: Path, message: str, *location: str | int) -> ControlError:
    return ControlError(message, path=str(path), line=line_of(path.read_bytes(), location))


def _parameter_problems(parameter: Parameter) -> Iterable[str]:
    if not fits(parameter, parameter.default):
        yield f"default {parameter.default!r} is not of type {parameter.type}"
        return
    for framework, bound in parameter.bounds.items():
        outside = beyond(bound, parameter.default)
        if outside:
            yield f"the default lies outside the bound of {framework}: {outside}"


def _case_problems(
    case: Case, control: ControlFile, tables: Mapping[str, int]
) -> Iterable[tuple[str, tuple[str | int, ...]]]:
    for kind, rows in case.given.items():
        if kind not in tables:
            yield f"gives {kind!r}, which the SQL does not read{nearest(kind, tables)}", ("given", kind)
            continue
        if kind in all_kinds():
            columns = {*all_kinds()[kind].columns(), *VIEW_COLUMNS}
            for n, row in enumerate(rows):
                for name in row.keys() - columns:
                    yield f"{kind} has no column {name!r}{nearest(name, columns)}", ("given", kind, n, name)
    for n, collection in enumerate(case.collections):
        if collection.kind not in tables:
            yield f"collects {collection.kind!r}, which the SQL does not read", ("collections", n)
    for name, value in case.parameters.items():
        if name not in control.parameters:
            yield f"no parameter is called {name!r}{nearest(name, control.parameters)}", ("parameters", name)
        elif not fits(control.parameters[name], value):
            yield f"{value!r} is not of type {control.parameters[name].type}", ("parameters", name)
    if case.unknown_reason is not None and case.unknown_reason not in list(UnknownReason):
        yield f"{case.unknown_reason!r} is no reason to be unknown", ("unknown_reason",)
    if (case.unknown_reason is not None) and case.expect != "unknown":
        yield "names an unknown_reason but expects another verdict", ("unknown_reason",)
    for resource, wanted in (case.findings or {}).items():
        verdict, _, code = wanted.partition(":")
        if verdict not in ("pass", "fail", "unknown", "not_applicable") or code not in control.reasons:
            yield f"{wanted!r} is not `verdict:code` with a declared code", ("findings", resource)
