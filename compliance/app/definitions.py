"""Control definitions, for the people who write and read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from compliance.app.where import nearest
from compliance.controls import cases, catalogue, completeness, mutants
from compliance.controls import lint as linter
from compliance.controls.catalogue import Catalogue, LoadedControl
from compliance.schemas.errors import ConfigError, ControlError


@dataclass(frozen=True, slots=True)
class Described:
    """One control for a reader, and the same as data."""

    lines: tuple[str, ...]
    data: dict[str, Any]


def describe(name: str, language: str, loaded: Catalogue) -> Described:
    """Everything about one control. Raises ConfigError for an unknown id, with the nearest one."""
    bearings = _bearings(loaded, name)
    if name in loaded.planned:
        planned = loaded.planned[name]
        lines = [
            f"{planned.id}  {planned.title.in_(language)}",
            f"severity {planned.severity.value}; no collector of ours feeds it yet",
            f"waits for {', '.join(planned.needs)} from {planned.from_}",
        ]
        return Described((*lines, *_bearing_lines(bearings)), {**planned.model_dump(mode="json"), "bears_on": bearings})
    item = loaded.controls.get(name)
    if item is None:
        known = [*loaded.controls, *loaded.planned]
        raise ConfigError(
            f"no control is called {name!r}{nearest(name, known)}", remedy="`compliance controls list` shows them"
        )
    data = {
        **item.control.model_dump(mode="json", exclude={"cases"}),
        "kinds": list(item.kinds),
        "sha256": item.sha256,
        "sql": item.sql,
        "bears_on": bearings,
    }
    return Described((*_control_lines(item, language), *_bearing_lines(bearings), "", item.sql.rstrip()), data)


def _control_lines(item: LoadedControl, language: str) -> list[str]:
    control = item.control
    lines = [
        f"{control.id} version {control.version}  {control.title.in_(language)}",
        f"severity {control.severity.value}; evidence {', '.join(item.kinds)}, at most {_span(control.fresh)} old",
        "",
        control.statement.in_(language),
        f"why: {control.why.in_(language)}",
        f"remedy: {control.remedy.in_(language)}",
    ]
    if control.limits:
        lines.append(f"limits: {control.limits.in_(language)}")
    if control.applies_if:
        lines.append(f"applies unless declared off: {control.applies_if}")
    for name, parameter in control.parameters.items():
        bounds = "; ".join(
            f"{framework} {bound.clause}: "
            + ", ".join(f"{k} {v}" for k, v in bound.model_dump(exclude={"clause"}, exclude_none=True).items())
            for framework, bound in parameter.bounds.items()
        )
        lines.append(
            f"parameter {name} = {parameter.default} {parameter.unit} ({parameter.source})".rstrip()
            + (f" [{bounds}]" if bounds else "")
        )
    return lines


def _span(length: timedelta) -> str:
    """`15 min`, `26 h` or `31 d`, whichever says it without a fraction."""
    minutes = int(length.total_seconds()) // 60
    if minutes % 60:
        return f"{minutes} min"
    return f"{minutes // 1440} d" if minutes % 1440 == 0 else f"{minutes // 60} h"


def _bearings(loaded: Catalogue, name: str) -> list[dict[str, str]]:
    return [
        {"framework": framework.id, "requirement": requirement.id, "bearing": bearing, "why": link.why}
        for framework in loaded.frameworks.values()
        for requirement in framework.requirements
        for bearing, links in (("direct", requirement.direct), ("supporting", requirement.supporting))
        for link in links
        if link.control == name
    ]


def _bearing_lines(bearings: Sequence[dict[str, str]]) -> list[str]:
    return [f"{b['bearing']:<10} {b['framework']} {b['requirement']}: {b['why']}" for b in bearings]


def lint(files: Sequence[Path], known: Catalogue) -> tuple[int, list[dict[str, Any]]]:
    """(controls checked, problems) for the files given, or for all of ours with every cross reference. Without files
    also whether each requirement says what decides it."""
    paths = [path.absolute() for path in files] or [item.path for item in known.controls.values()]
    loaded = [catalogue.load_control(path) for path in paths]
    problems = [problem for item in loaded for problem in linter.lint(item)]
    if not files:
        problems += completeness.problems(known)
    return len(loaded), [{"path": p.path, "line": p.line, "rule": p.rule, "message": p.message} for p in problems]


def test(names: Sequence[str], known: Catalogue) -> list[dict[str, Any]]:
    """The outcome of every case of the controls named by id or file (all of ours when none is)."""
    loaded = _chosen(names, known)
    return [
        {
            "control": item.id,
            "case": outcome.case.name,
            "path": str(item.path),
            "line": outcome.line,
            "problems": list(outcome.problems),
        }
        for item in loaded
        for outcome in cases.run_cases(item)
    ]


def mutate(
    names: Sequence[str], known: Catalogue, progress: Callable[[str], None] | None = None
) -> list[dict[str, Any]]:
    """Per control named by id or file (all of ours when none is): how many mutants its SQL has, and those that no case
    breaks on. `progress` is called with each id when it is done.

    Raises:
        ControlError: a file is wrong, or a case does not hold to begin with.
    """
    loaded = _chosen(names, known)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found = []
        for item, (alive, made) in zip(loaded, pool.map(_survivors, loaded), strict=True):
            if progress is not None:
                progress(item.id)
            told = [{"path": m.path, "line": m.line, "change": m.change, "answered": m.answered} for m in alive]
            found.append({"control": item.id, "mutants": made, "survivors": told})
    return found


def _survivors(item: LoadedControl) -> tuple[list[mutants.Mutant], int]:
    broken = [outcome.case.name for outcome in cases.run_cases(item) if not outcome.ok]
    if broken:
        raise ControlError(
            f"case {broken[0]!r} does not hold, so no mutant says anything",
            path=str(item.path),
            remedy=f"compliance controls test {item.id}",
        )
    return mutants.survivors(item)


def _chosen(names: Sequence[str], known: Catalogue) -> list[LoadedControl]:
    return [_named(name, known.controls) for name in names] if names else list(known.controls.values())


def _named(name: str, known: Mapping[str, LoadedControl]) -> LoadedControl:
    if name.endswith((".yaml", ".yml")):
        return catalogue.load_control(Path(name).absolute())
    if name not in known:
        raise ConfigError(
            f"no control is called {name!r}{nearest(name, known)}",
            remedy="give an id or the path of a YAML file",
        )
    return known[name]
