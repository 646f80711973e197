"""Views of Django REST framework: what their permission classes demand."""

from __future__ import annotations

import sys
from typing import Any

from compliance_django import layers
from compliance_django.verdict import Demand

_SAFE = {"get", "head"}
# Packages whose authentication classes take nobody for signed in who brings no credential.
_AUTHENTICATION = ("rest_framework", "rest_framework_simplejwt", "knox", "oauth2_provider", "mozilla_django_oidc")

# What decides in a view of REST framework; a view that has one of its own is not known.
_DECISIVE = (
    "dispatch",
    "initial",
    "check_permissions",
    "get_permissions",
    "permission_denied",
    "perform_authentication",
    "get_authenticators",
)


def is_rest(function: Any) -> bool:
    """True for the function that `as_view` of an APIView or ViewSet makes, itself and not a wrapper around it."""
    if "rest_framework" not in sys.modules or not isinstance(getattr(function, "cls", None), type):
        return False
    from django.views.generic.base import View
    from rest_framework.viewsets import ViewSetMixin

    return function.__code__ in layers.codes_of(View.as_view) | layers.codes_of(ViewSetMixin.as_view)


def read(function: Any, demand: Demand) -> None:
    """Notes what the permission classes of a view demand. All of them must agree, so one that demands is enough."""
    from rest_framework.settings import api_settings
    from rest_framework.views import APIView

    cls = function.cls
    actions = getattr(function, "actions", None)
    initkwargs = getattr(function, "view_initkwargs", None) or getattr(function, "initkwargs", None) or {}
    methods = set(actions or ()) or {m for m in cls.http_method_names if callable(getattr(cls, m, None))}
    demand.methods = sorted(m.upper() for m in methods if m != "options")
    if not issubclass(cls, APIView):
        demand.doubtful(layers.name_of(cls))
        return
    for name in _DECISIVE:
        if getattr(cls, name) is not getattr(APIView, name):
            demand.doubtful(f"{layers.name_of(cls)}.{name}")
    stranger = api_settings.UNAUTHENTICATED_USER
    if stranger is not None and layers.name_of(stranger) != "django.contrib.auth.models.AnonymousUser":
        demand.doubtful("REST_FRAMEWORK.UNAUTHENTICATED_USER")  # a stranger may count as signed in
    for authentication in initkwargs.get("authentication_classes", cls.authentication_classes):
        if authentication.__module__.partition(".")[0] not in _AUTHENTICATION:
            demand.doubtful(layers.name_of(authentication))
    classes = initkwargs.get("permission_classes", cls.permission_classes)
    doubts: list[str] = []
    states = [_state(permission, cls, methods, demand, doubts) for permission in classes]
    demand.guards.extend(doubts)
    if True in states:
        name = next(layers.name_of(c) for c, state in zip(classes, states) if state)
        demand.guarded(name, f"permission class {name}")
    elif None in states:
        demand.undecided.extend(doubts)
    elif classes:
        demand.opened("permission classes let everybody " + ("read" if _reads(classes) else "in"))
    else:
        demand.opened("no permission class")


def _reads(classes: Any) -> bool:
    return any("ReadOnly" in getattr(c, "__name__", "") for c in classes)


def _state(permission: Any, cls: Any, methods: set[str], demand: Demand, doubts: list[str]) -> bool | None:
    """True: demands a signed-in caller of every method; False: of none, or not for reading; None: not known."""
    from rest_framework import permissions

    if isinstance(permission, (permissions.OperandHolder, permissions.SingleOperandHolder)):
        return _combined(permission, cls, methods, demand, doubts)
    demanded = getattr(permission, "has_permission", None)
    if demanded is permissions.AllowAny.has_permission:
        return False
    name = layers.name_of(permission)
    if demanded is permissions.IsAuthenticated.has_permission:
        return True
    if demanded is permissions.IsAdminUser.has_permission:
        demand.permissions.append("is_staff")
        demand.permission = True
        return True
    if demanded is permissions.IsAuthenticatedOrReadOnly.has_permission:
        demand.guards.append(name)
        return not methods & _SAFE
    if demanded is permissions.DjangoModelPermissions.has_permission:
        if getattr(cls, "_ignore_model_permissions", False):  # older versions then ask nobody anything
            doubts.append(f"{layers.name_of(cls)}._ignore_model_permissions")
            return None
        if permission.authenticated_users_only:
            demand.permission = True
            return True
        demand.guards.append(name)
        return False if methods & _SAFE else None
    doubts.append(name)  # also one that only asks about single objects
    return None


def _combined(holder: Any, cls: Any, methods: set[str], demand: Demand, doubts: list[str]) -> bool | None:
    from rest_framework import permissions

    operator, before = holder.operator_class, demand.permission
    first = _state(holder.op1_class, cls, methods, demand, doubts)
    if operator is permissions.NOT:
        doubts.append("NOT")
        return None
    second = _state(holder.op2_class, cls, methods, demand, doubts)
    if operator is permissions.AND:
        return True if True in (first, second) else (None if None in (first, second) else False)
    demand.permission = before  # either way in suffices, so none of them is demanded
    if operator is permissions.OR:
        return False if False in (first, second) else (None if None in (first, second) else True)
    return None
