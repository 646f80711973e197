"""The URL map: every pattern with the view behind it and what that view demands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.urls import get_resolver
from django.urls.resolvers import URLResolver

from compliance_django import guards, layers

_LOGIN_MIDDLEWARE = "django.contrib.auth.middleware.LoginRequiredMiddleware"
# Packages whose middleware is known to refuse no caller for not being signed in.
_KNOWN = (
    "django",
    "axes",
    "djangosaml2",
    "corsheaders",
    "whitenoise",
    "django_otp",
    "auditlog",
    "simple_history",
    "csp",
)


def endpoints() -> list[dict[str, Any]]:
    """One row per pattern and view, sorted. A pattern that occurs twice with one view is as open as the more open."""
    names = [str(name) for name in settings.MIDDLEWARE]
    doubtful = [n for n in names if n.partition(".")[0] not in _KNOWN]
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for route, view, name in _walk(get_resolver(), "/"):
        demand = guards.demand_of(view, login_middleware=_LOGIN_MIDDLEWARE in names, doubtful_middleware=doubtful)
        row = {"route": route, "view": _name(view), "name": name, **demand.row()}
        key = (row["route"], row["view"])
        if key not in rows or _openness(row) > _openness(rows[key]):
            rows[key] = row
    return [rows[key] for key in sorted(rows)]


def views() -> Iterator[Any]:
    """The view functions of the map."""
    for _, view, _ in _walk(get_resolver(), "/"):
        yield view


def _walk(resolver: Any, before: str) -> Iterator[tuple[str, Any, Any]]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, route)
        else:
            yield route, pattern.callback, pattern.name


def _openness(row: dict[str, Any]) -> int:
    return {True: 0, None: 1, False: 2}[row["requires_signin"]]


def _name(view: Any) -> str:
    cls = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if isinstance(cls, type):
        made_of_function = cls.__qualname__ == "WrappedAPIView"  # REST framework's class around a function
        return f"{cls.__module__}.{cls.__name__}" if made_of_function else layers.name_of(cls)
    return layers.name_of(view)
