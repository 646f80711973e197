"""Taking a view apart: which functions lie around it, and which of them are Django's own.

A decorator hides behind the name of what it decorates (functools.wraps), and anybody can write one of the same name.
So a layer is known by its code object: it is Django's `login_required` only if Django's module holds that code.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterator
from typing import Any


def codes_of(function: Any) -> frozenset[types.CodeType]:
    """The code of a function and of every function made inside it."""
    return frozenset(_codes(plain(function).__code__))


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def plain(function: Any) -> Any:
    """The function behind a bound method, classmethod or partial."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif hasattr(function, "__func__"):
            function = function.__func__
        else:
            return function


def enclosed(function: Any) -> dict[str, Any]:
    """What a function closes over, by name; cells that were never filled are left out."""
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            continue
    return found


def inner(function: Any) -> Any:
    """What a wrapper calls. Django's wrappers close over it; `__wrapped__` may skip layers (AdminSite.admin_view)."""
    around = enclosed(function)
    for name in ("view_func", "view", "func"):
        if callable(around.get(name)):
            return around[name]
    return getattr(function, "__wrapped__", None)


def name_of(thing: Any) -> str:
    """`module.qualified.name` of a class or function."""
    if isinstance(thing, functools.partial):
        thing = thing.func
    if not hasattr(thing, "__qualname__"):
        thing = type(thing)
    return f"{thing.__module__}.{thing.__qualname__}".replace(".<locals>", "")


def maker_of(function: Any) -> str:
    """Name of the function that made this wrapper (the decorator), whatever name it wears: looked up in the module
    whose file holds its code."""
    code = function.__code__
    module = _module_of(code.co_filename)
    if module is not None:
        for name, value in list(vars(module).items()):
            if isinstance(value, types.FunctionType) and code in codes_of(value) and value.__code__ is not code:
                return f"{module.__name__}.{name}"
        return f"{module.__name__}.{getattr(code, 'co_qualname', code.co_name)}".replace(".<locals>", "")
    return str(code.co_name)


def _module_of(file: str) -> types.ModuleType | None:
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == file:
            return module
    return None
