"""What happens after failed attempts to sign in, as django-axes is set.

A lock counts only when the account is locked: attempts from changing addresses must end too. Where code of the
project decides, nothing is known.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_backends

from compliance_django import layers, passwords

_AXES = ("axes.backends.AxesBackend", "axes.backends.AxesStandaloneBackend")


def lockout() -> dict[str, Any]:
    """After how many failures an account is refused, and for how long; NULL where that cannot be told."""
    unknown: dict[str, Any] = {"product": None, "attempts": None, "minutes": None, "by": None, "note": ""}
    if passwords.password_login() is False:
        return {**unknown, "note": "nobody signs in here with a password"}
    if not apps.is_installed("axes"):
        names = [layers.name_of(type(backend)) for backend in get_backends()]
        foreign = [n for n in (*names, *settings.MIDDLEWARE) if not n.startswith(("django.", "djangosaml2."))]
        if foreign:
            return {**unknown, "note": f"not known whether these limit attempts: {', '.join(sorted(foreign))}"}
        return {**unknown, "attempts": 0, "minutes": 0, "note": "nothing in the project counts failures"}
    return {**unknown, "product": "axes", **_axes()}


def _axes() -> dict[str, Any]:
    backends = [layers.name_of(type(backend)) for backend in get_backends()]
    never = {"attempts": 0, "minutes": 0}
    if not settings.AXES_ENABLED or not settings.AXES_LOCK_OUT_AT_FAILURE:
        return {**never, "note": "axes is switched off"}
    if not set(backends) & set(_AXES):
        return {**never, "note": "axes is no authentication backend, so it refuses nobody"}
    if not backends or backends[0] not in _AXES:
        return {"note": "an authentication backend stands before axes"}
    if settings.AXES_HANDLER == "axes.handlers.dummy.AxesDummyHandler":
        return {**never, "note": "the handler of axes refuses nobody"}
    by = settings.AXES_LOCKOUT_PARAMETERS
    if not isinstance(by, (list, tuple)):
        return {"note": "code of the project decides what is locked"}
    named = ["+".join(p) if isinstance(p, (list, tuple)) else str(p) for p in by]
    if "username" not in named:
        return {**never, "by": named, "note": "attempts from changing addresses never lock the account"}
    doubts = _axes_doubts()
    if doubts:
        return {"by": named, "note": "not decided by settings alone: " + ", ".join(doubts)}
    limit = settings.AXES_FAILURE_LIMIT
    attempts = limit if isinstance(limit, int) and not isinstance(limit, bool) else None
    return {"by": named, "attempts": attempts, "minutes": _minutes(settings.AXES_COOLOFF_TIME), "note": ""}


def _axes_doubts() -> list[str]:
    known = ("axes.handlers.database.AxesDatabaseHandler", "axes.handlers.cache.AxesCacheHandler")
    doubts = [] if settings.AXES_HANDLER in known else ["AXES_HANDLER"]
    for name in (
        "AXES_WHITELIST_CALLABLE",
        "AXES_USERNAME_CALLABLE",
        "AXES_ONLY_ADMIN_SITE",
        "AXES_NEVER_LOCKOUT_WHITELIST",
        "AXES_USE_ATTEMPT_EXPIRATION",
    ):
        if getattr(settings, name, None):
            doubts.append(name)
    return doubts


def _minutes(value: Any) -> int | None:
    """Whole minutes of AXES_COOLOFF_TIME, rounded down; 0 for None, which is until somebody lifts it."""
    if value is None:
        return 0
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = timedelta(hours=value)
    if not isinstance(value, timedelta):
        return None
    whole = int(value.total_seconds()) // 60
    return whole if whole > 0 else None  # under a minute is none, and 0 has another meaning
