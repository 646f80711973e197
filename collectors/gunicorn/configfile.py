"""gunicorn's configuration file, which is a Python program: read, never run.

What the text alone decides is taken: names bound once, at the outermost level, to constants. A setting that is computed
(`multiprocessing.cpu_count() * 2 + 1`), bound conditionally, or that a star import or `exec` may bind, is not known.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from compliance.schemas.errors import Malformed

UNKNOWN = object()  # the file binds the name, and to what is not told by its text
_ANY = frozenset({"exec", "eval", "globals", "locals", "vars", "setattr", "compile", "__import__", "import_module"})
_BY_HAND = frozenset({"num_workers", "cfg", "settings"})  # what a hook changes in the running server


def rows_settings(text: str, path: str) -> tuple[Mapping[str, Any], bool]:
    """Name → constant or UNKNOWN for the names that the file binds, and whether it may bind others too.

    Raises Malformed when it is no Python: gunicorn would not start with it.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:  # the message would repeat a line, which may hold a secret
        line = getattr(error, "lineno", None)
        where = f"{path}:{line}" if line else path
        raise Malformed(f"{where}: gunicorn would refuse this: it is no Python", remedy="correct the file") from None
    found: dict[str, Any] = {}
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = _constant(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found[name] = _constant(value)
            case _:
                found.update(dict.fromkeys(_bound(statement), UNKNOWN))
    return found, _open_ended(tree)


def _constant(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return _product(node)


def _product(node: ast.expr) -> Any:
    """`60 * 2` and the like; UNKNOWN for everything else."""
    match node:
        case ast.Constant(value=int() as number) if not isinstance(number, bool):
            return number
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=right):
            a, b = _product(left), _product(right)
            if isinstance(a, int) and isinstance(b, int) and max(abs(a), abs(b)) < 10**9:
                return a + b if isinstance(op, ast.Add) else a - b if isinstance(op, ast.Sub) else a * b
    return UNKNOWN


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Every name that something inside the statement may bind or delete."""
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]
            case ast.Global(names=names):
                yield from names
            case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name):
                yield name
            case ast.MatchStar(name=str() as name) | ast.MatchMapping(rest=str() as name):
                yield name


def _open_ended(tree: ast.Module) -> bool:
    """The file may bind names that its text does not show, or change the running server's settings by hand."""
    for node in ast.walk(tree):
        match node:
            case ast.alias(name="*"):
                return True
            case ast.Name(id=name) if name in _ANY:
                return True
            case ast.Attribute(attr=name) if name in _ANY | _BY_HAND:
                return True
            case ast.Subscript(value=ast.Attribute(attr="modules" | "__dict__"), ctx=ast.Store()):
                return True
    return False
