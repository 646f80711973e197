"""Whether a view's own code provably asks nothing about its caller.

A view without a guard may still look at the user in its body. It is open for certain only when nothing it uses could
tell callers apart: it answers with a template, a constant or a redirect. Everything else stays undecided.
"""

from __future__ import annotations

import builtins
import dis
import types
from typing import Any

from django.utils.module_loading import import_string

from compliance_django import layers
from compliance_django.verdict import Demand

_ANSWERS = {
    "django.shortcuts.render",
    "django.shortcuts.redirect",
    "django.http.response.HttpResponse",
    "django.http.response.JsonResponse",
    "django.http.response.HttpResponseRedirect",
    "django.http.response.HttpResponsePermanentRedirect",
    "django.template.response.TemplateResponse",
    "django.urls.base.reverse",
    "django.contrib.auth.login",
}
_READS = {"method", "path", "format", "join", "items", "keys", "values", "append", "get_full_path"}
_CONSTANTS = (str, int, float, bool, bytes, type(None), dict, list, tuple, frozenset)
_REFUSES = {"RAISE_VARARGS", "IMPORT_NAME", "IMPORT_FROM"}
# Django's own classes whose code asks nothing about the caller.
OPEN_CLASSES = {
    "django.views.generic.base.TemplateView",
    "django.views.generic.base.RedirectView",
    "django.views.generic.list.ListView",
    "django.views.generic.detail.DetailView",
    "django.views.generic.edit.FormView",
    "django.views.generic.edit.CreateView",
    "django.views.generic.edit.UpdateView",
    "django.views.generic.edit.DeleteView",
    "django.views.i18n.JavaScriptCatalog",
    "django.views.i18n.JSONCatalog",
    "django.contrib.auth.views.LoginView",
    "django.contrib.auth.views.LogoutView",
    "django.contrib.auth.views.PasswordResetView",
    "django.contrib.auth.views.PasswordResetDoneView",
    "django.contrib.auth.views.PasswordResetConfirmView",
    "django.contrib.auth.views.PasswordResetCompleteView",
}
_OPEN_FUNCTIONS = ("django.views.static.serve",)


def read(function: Any, demand: Demand) -> None:
    """Notes that a view function is open, when that is certain."""
    if any(function.__code__ is import_string(name).__code__ for name in _OPEN_FUNCTIONS):
        demand.opened("a public view of Django's own")
    elif asks_nothing(function):
        demand.opened("no guard, and its code asks nothing about the caller")


def read_method(cls: Any, handler: Any, demand: Demand) -> None:
    """Notes that a class-based view is open, when Django's part of it is known and the project's part asks nothing."""
    django_part = [c for c in cls.__mro__ if layers.name_of(c) in OPEN_CLASSES]
    bare = [c for c in cls.__mro__ if c.__module__ == "django.views.generic.base" and c.__name__ == "View"]
    own = [c for c in cls.__mro__ if not c.__module__.startswith("django.") and c is not object]
    if not django_part and not (bare and handler.__qualname__.rpartition(".")[0] in {c.__qualname__ for c in own}):
        return
    code = (types.FunctionType, property, classmethod, staticmethod)
    functions = [value for c in own for value in vars(c).values() if isinstance(value, code)]
    if all(isinstance(f, types.FunctionType) and asks_nothing(f) for f in functions):
        demand.opened("no guard, and its code asks nothing about the caller")


def asks_nothing(function: Any) -> bool:
    """True when every name and attribute the code uses is one that cannot tell callers apart."""
    given = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    if not all(isinstance(value, _CONSTANTS) for value in given):
        return False
    return all(_harmless(code, function.__globals__) for code in layers.codes_of(function))


def _harmless(code: types.CodeType, names: dict[str, Any]) -> bool:
    if any(type(value) is int and 400 <= value < 600 for value in code.co_consts):
        return False  # may be the status of a refusal
    for step in dis.get_instructions(code):
        if step.opname in _REFUSES:
            return False
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and not _known(step.argval, names):
            return False
        if step.opname in ("LOAD_ATTR", "LOAD_METHOD") and step.argval in _READS:
            continue
        if "ATTR" in step.opname or "METHOD" in step.opname or step.opname == "LOAD_DEREF":
            return False
    return True


def _known(name: str, names: dict[str, Any]) -> bool:
    if name not in names:
        return hasattr(builtins, name) and name not in ("getattr", "vars", "eval", "exec", "__import__")
    value = names[name]
    if isinstance(value, _CONSTANTS):
        return True
    return callable(value) and layers.name_of(value) in _ANSWERS
