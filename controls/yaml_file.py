"""Reads a catalogue file and says where it is wrong: file, line, what to do.

The quick parser forgets positions, so a file is composed a second time, with positions, only when something is wrong.
"""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from compliance.schemas.errors import ControlError

M = TypeVar("M", bound=BaseModel)
Location = Sequence[str | int]


class _Loader(yaml.CSafeLoader):
    """YAML as written by people: a key that stands twice is a mistake, not a way to overwrite."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read(path: Path, model: type[M]) -> tuple[M, bytes]:
    """The file at `path` as `model`, and its bytes.

    Raises:
        ControlError: the file cannot be read, is not YAML, or does not fit; names file and line of every misfit.
    """
    content = content_of(path)
    return fitted(content, path, model), content


def content_of(path: Path) -> bytes:
    """The bytes of a file. Raises ControlError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ControlError(f"cannot be read: {error.strerror}", path=str(path)) from error


def fitted(content: bytes, path: Path, model: type[M]) -> M:
    """The content of a file, or the beginning of it, as `model`.

    Raises:
        ControlError: it is not YAML, or does not fit; names `path` and the line of every misfit.
    """
    try:
        value = yaml.load(content, Loader=_Loader)  # noqa: S506 -- a SafeLoader with one more rule
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise ControlError(f"not valid YAML: {error.problem}", path=str(path), line=line) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ControlError(f"not valid YAML: {error}", path=str(path)) from error
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise combined(_misfits(error, path, content, model)) from error


def line_of(content: bytes, location: Location) -> int:
    """The line (from 1) of the deepest node that `location` reaches; a key's own line for a mapping's value."""
    node = yaml.compose(content, Loader=yaml.CSafeLoader)
    line = node.start_mark.line if node else 0
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == part), None)
            if found is None:
                continue  # pydantic names the branch of a union in its location; it is not in the file
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
    return line + 1


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean X?` for the known name most like `name`, or nothing."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found else ""


def combined(problems: Sequence[ControlError]) -> ControlError:
    """One error that names them all, placed at the first."""
    if len(problems) == 1:
        return problems[0]
    error = ControlError("\n".join(problem.message for problem in problems))
    error.path, error.line = problems[0].path, problems[0].line
    return error


def _misfits(error: ValidationError, path: Path, content: bytes, model: type[BaseModel]) -> list[ControlError]:
    problems = []
    for one in error.errors(include_url=False):
        location = one["loc"]
        where = ".".join(str(part) for part in location) or "the file"
        if one["type"] == "extra_forbidden":
            message = f"unknown key {where!r}{nearest(str(location[-1]), _keys_at(model, location[:-1]))}"
        elif one["type"] == "missing":
            message = f"key {where!r} is missing"
        else:
            message = f"{where}: {one['msg'].removeprefix('Value error, ')}"
        problems.append(ControlError(message, path=str(path), line=line_of(content, location)))
    return problems


def _keys_at(model: type[BaseModel], location: Location) -> list[str]:
    current: Any = model
    for part in location:
        field = current.model_fields.get(part) if _is_model(current) else None
        if field is not None:
            current = field.annotation
        current = next(iter(_models_in(current)), current) if not _is_model(current) else current
    if not _is_model(current):
        return []
    return [info.alias or name for name, info in current.model_fields.items()]


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _models_in(annotation: Any) -> Iterable[type[BaseModel]]:
    if _is_model(annotation):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
