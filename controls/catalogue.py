"""Loads what is asked: controls with their SQL, planned controls, frameworks.

A folder of definitions holds `checks/<domain>/<id>.yaml` + `.sql`, `planned.yaml` and `frameworks/<id>.yaml`. The
project's own lies beside this file; an organisation adds folders of the same shape.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from compliance.controls import consistency, sql, yaml_file
from compliance.schemas.catalogue import Case, Control, ControlFile, Framework, PlannedControl, PlannedFile
from compliance.schemas.errors import ControlError

OWN = Path(__file__).resolve().parent


@dataclass(frozen=True)
class LoadedControl:
    """A control with its SQL. `sha256` covers both files. Kinds and cases are read when they are first asked for: most
    commands ask of few controls or none, and these take most of what reading a control takes."""

    control: Control
    path: Path
    sql_path: Path
    sql: str
    sha256: str
    yaml: bytes  # the file, as it stands

    @property
    def id(self) -> str:
        """The control's id."""
        return self.control.id

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that its SQL reads, sorted. Raises ControlError for SQL that cannot be parsed."""
        return sql.tables_of(self.sql, self.sql_path)

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """Its cases. Raises ControlError where they do not fit."""
        return tuple(yaml_file.fitted(self.yaml, self.path, ControlFile).cases)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All definitions, by id, sorted."""

    controls: Mapping[str, LoadedControl]
    planned: Mapping[str, PlannedControl]
    frameworks: Mapping[str, Framework]

    @property
    def flags(self) -> frozenset[str]:
        """Every profile flag that something here hangs on or may hang on."""
        return consistency.known_flags(self.frameworks.values())

    def readers(self, kind: str) -> tuple[str, ...]:
        """Ids of the controls that read a kind."""
        return tuple(name for name, loaded in self.controls.items() if kind in loaded.kinds)


def load(extra: Sequence[Path] = (), *, own: Path = OWN) -> Catalogue:
    """Our definitions (or those of `own` in their place) and those of the `extra` folders.

    An extra folder may implement a control that we only plan; it may not redefine one. What an organisation wrote is
    checked and linted here, for nobody else did; ours is by its tests and by `compliance controls lint`.

    Raises:
        ControlError: names file and line of everything that is wrong.
    """
    folders = [own, *(Path(folder) for folder in extra)]
    problems: list[ControlError] = []
    controls: dict[str, LoadedControl] = {}
    planned: dict[str, tuple[PlannedControl, Path]] = {}
    frameworks: dict[str, tuple[Framework, Path]] = {}
    for folder in folders:
        if not folder.is_dir():
            problems.append(ControlError("no such folder of definitions", path=str(folder)))
        mine = _controls_in(folder, problems)
        for name, entry in _planned_in(folder, problems).items():
            if name in controls or name in mine or name in planned:
                problems.append(ControlError(f"{name} is planned here and defined elsewhere", path=str(entry[1])))
            planned[name] = entry
        for name, loaded in mine.items():
            if name in controls:
                message = f"{name} is defined already in {controls[name].path}; choose another id"
                problems.append(ControlError(message, path=str(loaded.path), line=1))
            elif folder != own:
                planned.pop(name, None)
                problems.extend(_linted(loaded))
            controls[name] = loaded
        for name, framework in _frameworks_in(folder, problems).items():
            if name in frameworks:
                problems.append(ControlError(f"framework {name} is defined already", path=str(framework[1]), line=1))
            frameworks[name] = framework
    problems.extend(consistency.across(controls, {k: v[0] for k, v in planned.items()}, frameworks))
    if problems:
        raise yaml_file.combined(problems)
    return Catalogue(
        controls=dict(sorted(controls.items())),
        planned={name: planned[name][0] for name in sorted(planned)},
        frameworks={name: framework for name, (framework, _) in frameworks.items()},
    )


def load_control(path: Path) -> LoadedControl:
    """One control from its YAML file, checked by itself (not against frameworks).

    Raises:
        ControlError: names file and line of everything that is wrong.
    """
    whole, content = yaml_file.read(path, ControlFile)
    loaded = _with_sql(whole, path, content)
    query = sql.parse(loaded.sql, loaded.sql_path)
    problems = consistency.of_control(whole, path, content, query, loaded.sql_path)
    if problems:
        raise yaml_file.combined(problems)
    return loaded


def sql_path_of(path: Path) -> Path:
    """Where the SQL of the control in this YAML file lies. Raises ControlError when the file is none of a control."""
    return _sql_path(_head(yaml_file.content_of(path), path), path)


def _sql_path(control: Control, path: Path) -> Path:
    return path.with_name(control.sql) if control.sql else path.with_suffix(".sql")


def _head(content: bytes, path: Path) -> Control:
    return yaml_file.fitted(content.partition(b"\ncases:")[0], path, Control)


def _our_control(path: Path) -> LoadedControl:
    """One of ours, without its cases and unchecked: the tests and the linter did that."""
    content = yaml_file.content_of(path)
    return _with_sql(_head(content, path), path, content)


def _with_sql(control: Control, path: Path, content: bytes) -> LoadedControl:
    sql_path = _sql_path(control, path)
    try:
        text = sql_path.read_text(encoding="utf-8")
    except OSError as error:
        raise ControlError(f"its SQL cannot be read: {error.strerror}", path=str(sql_path)) from error
    digest = hashlib.sha256(content + b"\0" + text.encode()).hexdigest()
    return LoadedControl(control, path, sql_path, text, digest, content)


def control_files(folder: Path = OWN) -> list[Path]:
    """The YAML files of a folder's controls, sorted."""
    return sorted((folder / "checks").glob("*/*.yaml"))


def _controls_in(folder: Path, problems: list[ControlError]) -> dict[str, LoadedControl]:
    found = {}
    for path in control_files(folder):
        try:
            loaded = _our_control(path) if folder == OWN else load_control(path)
        except ControlError as error:
            problems.append(error)
        else:
            found[loaded.id] = loaded
    shared = {loaded.sql_path for loaded in found.values()}
    for path in sorted((folder / "checks").glob("*/*.sql")):
        if not path.with_suffix(".yaml").exists() and path not in shared:
            message = "SQL without a YAML file of the same name beside it, or one that names it"
            problems.append(ControlError(message, path=str(path)))
    return found


def _planned_in(folder: Path, problems: list[ControlError]) -> dict[str, tuple[PlannedControl, Path]]:
    path = folder / "planned.yaml"
    if not path.exists():
        return {}
    try:
        file, _ = yaml_file.read(path, PlannedFile)
    except ControlError as error:
        problems.append(error)
        return {}
    found: dict[str, tuple[PlannedControl, Path]] = {}
    for entry in file.controls:
        if entry.id in found:
            problems.append(ControlError(f"{entry.id} is planned twice", path=str(path)))
        found[entry.id] = (entry, path)
    return found


def _frameworks_in(folder: Path, problems: list[ControlError]) -> dict[str, tuple[Framework, Path]]:
    found = {}
    for path in sorted((folder / "frameworks").glob("*.yaml")):
        try:
            framework, _ = yaml_file.read(path, Framework)
        except ControlError as error:
            problems.append(error)
            continue
        if framework.id != path.stem:
            problems.append(ControlError(f"id {framework.id!r} is not the file's name", path=str(path), line=1))
        found[framework.id] = (framework, path)
    return found


def _linted(loaded: LoadedControl) -> list[ControlError]:
    from compliance.controls.lint import lint  # only definitions of others pay for it

    return [ControlError(f"[{p.rule}] {p.message}", path=p.path, line=p.line) for p in lint(loaded)]
