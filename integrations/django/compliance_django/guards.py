"""What a view demands of its caller before its own code runs, as far as that can be decided without calling it.

Layers are read from the outside in. Django's own wrappers are known by their code; any other wrapper may answer in the
view's place, so what lies behind it is no longer certain.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.contrib.auth import decorators as auth
from django.utils import decorators
from django.views.generic.base import View

from compliance_django import bodies, layers, rest
from compliance_django.verdict import Demand

_HOME = os.path.dirname(os.path.abspath(django.__file__))
_TRANSPARENT = (os.path.join(_HOME, "views", "decorators") + os.sep,)
_TRANSPARENT_MIDDLEWARE = {
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.views.decorators.csrf._EnsureCsrfToken",
    "django.views.decorators.csrf._EnsureCsrfCookie",
}
_SIGNS_IN = "django.contrib.auth.middleware.AuthenticationMiddleware"
_MAX_LAYERS = 50
_PASSES_TEST = layers.codes_of(auth.user_passes_test)
_LOGIN = layers.codes_of(auth.login_required)
_PERMISSION = layers.codes_of(auth.permission_required)
_AS_VIEW = layers.codes_of(View.as_view)
_MULTI = layers.codes_of(decorators._multi_decorate)


def demand_of(view: Any, *, login_middleware: bool, doubtful_middleware: Sequence[str]) -> Demand:
    """The demand of one entry of the URL map. `login_middleware`: Django's LoginRequiredMiddleware is in force;
    `doubtful_middleware`: classes that are not known, any of which may refuse what the view itself lets in."""
    demand = Demand()
    if login_middleware and getattr(view, "login_required", True):
        demand.guarded("django.contrib.auth.middleware.LoginRequiredMiddleware", "Django's LoginRequiredMiddleware")
    try:
        peel(view, demand)
    except Exception as error:  # noqa: BLE001 -- one view of an unknown build must not hide all others
        demand.doubtful(f"could not be taken apart: {type(error).__name__}")
        demand.signin = None
    if demand.signin and _SIGNS_IN not in settings.MIDDLEWARE and not rest.is_rest(innermost(view)):
        demand.signin, demand.permission = None, None  # something else says who is signed in
        demand.undecided.append(f"no {_SIGNS_IN}")
        demand.basis = f"{demand.basis}; who is signed in is not known"
    if demand.signin is False and doubtful_middleware:
        demand.signin, demand.permission = None, None
        demand.undecided.extend(doubtful_middleware)
        demand.basis = f"{demand.basis}; middleware of the project's own may refuse"
    return demand


def innermost(view: Any) -> Any:
    """The function behind all wrappers that say what they wrap."""
    for _ in range(_MAX_LAYERS):
        function = layers.plain(view)
        view = getattr(function, "__wrapped__", None) if hasattr(function, "__code__") else None
        if view is None or rest.is_rest(function):
            return function
    return view


def peel(view: Any, demand: Demand) -> None:
    """Reads the layers of `view` into `demand`, down to the function or class that answers."""
    for _ in range(_MAX_LAYERS):
        owner = getattr(view, "__self__", None)
        function = layers.plain(view)
        if not hasattr(function, "__code__"):
            demand.doubtful(layers.name_of(view))  # a callable object
            return
        if rest.is_rest(function):
            rest.read(function, demand)
            return
        if function.__code__ in _AS_VIEW:
            read_class(function.view_class, function.view_initkwargs, demand)
            return
        if _admin(function, owner, demand):
            return
        if not _layer(function, demand):
            if getattr(function, "__wrapped__", None) is None:
                if any(callable(value) for value in layers.enclosed(function).values()):
                    demand.doubtful(layers.maker_of(function))  # a wrapper that does not say so
                    return
                bodies.read(function, demand)
                return
            demand.doubtful(layers.maker_of(function))
        following = layers.inner(function)
        if following is None or following is view:
            demand.doubtful(layers.maker_of(function))
            return
        view = following
    demand.doubtful("too many layers")


def _layer(function: Any, demand: Demand) -> bool:
    """True when the layer is a known one, with what it demands noted."""
    code = function.__code__
    if code in _PASSES_TEST:
        _test(layers.enclosed(function).get("test_func"), demand)
        return True
    if code.co_filename.startswith(_TRANSPARENT):
        return "__wrapped__" in vars(function)
    if code in layers.codes_of(decorators.make_middleware_decorator):
        return layers.name_of(type(_middleware(function))) in _TRANSPARENT_MIDDLEWARE
    return False


def _middleware(function: Any) -> Any:
    """The middleware that a decorator made of one asks: it lies in the closure of one of its helpers."""
    around = layers.enclosed(function)
    for value in (around.get("_pre_process_request"), around.get("_post_process_request")):
        if value is not None:
            around.update(layers.enclosed(value))
    return around.get("middleware")


def _test(test: Any, demand: Demand) -> None:
    code = getattr(test, "__code__", None)
    if code in _LOGIN:
        demand.guarded("django.contrib.auth.decorators.login_required", "login_required")
    elif code in _PERMISSION and (permissions := _permissions(test)):
        guard = "django.contrib.auth.decorators.permission_required"
        demand.guarded(guard, "permission_required", permission=True, permissions=permissions)
    elif code is not None and code in _staff():
        guard = "django.contrib.admin.views.decorators.staff_member_required"
        demand.guarded(guard, "staff_member_required", permission=True, permissions=["is_staff"])
    elif code in _PERMISSION:
        demand.doubtful("django.contrib.auth.decorators.permission_required()")  # of nothing: lets everybody in
    else:
        demand.doubtful(layers.name_of(test))


def _permissions(test: Any) -> tuple[str, ...]:
    """The permissions that permission_required was given; Django before 5.2 keeps them as they came."""
    around = layers.enclosed(test)
    given = around.get("perms", around.get("perm")) or ()
    return (given,) if isinstance(given, str) else tuple(given)


def _staff() -> frozenset[Any]:
    from django.contrib.admin.views.decorators import staff_member_required

    return layers.codes_of(staff_member_required)


def _admin(function: Any, owner: Any, demand: Demand) -> bool:
    """True when `function` belongs to Django's admin site and all it demands is noted."""
    if not apps.is_installed("django.contrib.admin"):
        return False
    from django.contrib.admin import AdminSite, ModelAdmin

    code = function.__code__
    if isinstance(owner, AdminSite) and function is AdminSite.login and type(owner).login is AdminSite.login:
        demand.opened("the admin site's sign-in page")
        return True
    if code in layers.codes_of(AdminSite.get_urls) or code in layers.codes_of(AdminSite.admin_view):
        site = layers.enclosed(function).get("self")
    elif code in layers.codes_of(ModelAdmin.get_urls):
        site = getattr(layers.enclosed(function).get("self"), "admin_site", None)
    else:
        return False
    cls = type(site)
    own = [n for n in ("admin_view", "has_permission") if getattr(cls, n, None) is not getattr(AdminSite, n)]
    if not isinstance(site, AdminSite) or own:
        demand.doubtful(layers.name_of(cls))
    demand.guarded("django.contrib.admin.AdminSite", "the admin site", permission=True, permissions=["is_staff"])
    return True


def read_class(cls: Any, given: Any, demand: Demand) -> None:
    """A class-based view with the arguments of its `as_view`: its `dispatch`, then its handlers."""
    handlers = {m: getattr(cls, m) for m in cls.http_method_names if callable(getattr(cls, m, None))}
    demand.methods = sorted(m.upper() for m in handlers if m != "options")
    if layers.name_of(cls) in bodies.OPEN_CLASSES and cls.__module__ == "django.contrib.auth.views":
        demand.opened("a public view of Django's own")
        return
    if not _dispatch(cls, given, demand):
        return
    _handlers(cls, handlers, demand)


def _dispatch(cls: Any, given: Any, demand: Demand) -> bool:
    """Notes what `dispatch` demands; True when it goes on to the handlers and has refused nobody."""
    function, mixins = cls.dispatch, _mixins()
    for _ in range(_MAX_LAYERS):
        if function is View.dispatch:
            return demand.signin is None
        if mixins and function is mixins.LoginRequiredMixin.dispatch:
            _mixin(cls, demand, "LoginRequiredMixin", ("handle_no_permission",), permissions=())
            return False
        if mixins and function is mixins.PermissionRequiredMixin.dispatch:
            named = given.get("permission_required", cls.permission_required)
            own = ("handle_no_permission", "has_permission", "get_permission_required")
            permissions = (named,) if isinstance(named, str) else tuple(named or ())
            _mixin(cls, demand, "PermissionRequiredMixin", own, permissions=permissions, permission=True)
            return False
        if mixins and function is mixins.UserPassesTestMixin.dispatch:
            demand.doubtful(layers.name_of(cls.test_func))
            return False
        around = layers.enclosed(function) if getattr(function, "__code__", None) in _MULTI else {}
        if not {"decorators", "method"} <= set(around):
            demand.doubtful(layers.name_of(function))
            _later_mixins(cls, demand)
            return False
        for decorator in reversed(around["decorators"]):
            _decorator(decorator, demand)
        function = around["method"]
    return False


def _mixins() -> Any:
    """Django's mixins; None without django.contrib.auth, for then they cannot be imported and no view has them."""
    if not apps.is_installed("django.contrib.auth"):
        return None
    from django.contrib.auth import mixins

    return mixins


def _mixin(
    cls: Any, demand: Demand, name: str, own: Sequence[str], *, permissions: Sequence[str], permission: bool = False
) -> None:
    home = getattr(_mixins(), name)
    changed = [n for n in own if getattr(cls, n) is not getattr(home, n)]
    if changed:
        demand.doubtful(f"{layers.name_of(cls)}.{changed[0]}")
    elif permission and not permissions:
        demand.doubtful(f"{layers.name_of(cls)}.permission_required")
    demand.guarded(f"django.contrib.auth.mixins.{name}", name, permission=permission, permissions=permissions)


def _later_mixins(cls: Any, demand: Demand) -> None:
    mixins = _mixins()
    for name in ("LoginRequiredMixin", "PermissionRequiredMixin"):
        if mixins and issubclass(cls, getattr(mixins, name)):
            demand.guarded(f"django.contrib.auth.mixins.{name}", name)


def _decorator(decorator: Any, demand: Demand) -> None:
    """One decorator given to method_decorator, judged by the layer it puts around a view. Only Django's own is tried
    on: nobody else's code runs."""
    made = layers.plain(decorator)
    if not getattr(getattr(made, "__code__", None), "co_filename", "").startswith(_HOME + os.sep):
        demand.doubtful(layers.name_of(decorator))
        return
    layer = decorator(_probe)
    if layer is not _probe and not _layer(layers.plain(layer), demand):
        demand.doubtful(layers.maker_of(layers.plain(layer)))


def _probe(request: Any) -> None:
    """Stands in for a view while a decorator is looked at; never called."""


def _handlers(cls: Any, handlers: Any, demand: Demand) -> None:
    """Handlers that are all guarded guard the view; handlers that are all proven open leave it open."""
    each = []
    for method, handler in handlers.items():
        if method == "options" and handler is View.options:
            continue
        one = Demand()
        function = layers.plain(handler)
        for _ in range(_MAX_LAYERS):
            if getattr(function, "__code__", None) not in _MULTI:
                break
            around = layers.enclosed(function)
            for decorator in reversed(around.get("decorators", ())):
                _decorator(decorator, one)
            function = around.get("method")
        if one.signin is None and not one.undecided:
            bodies.read_method(cls, function, one)
        each.append(one)
    for one in each:
        demand.guards.extend(one.guards)
        demand.permissions.extend(one.permissions)
        demand.undecided.extend(one.undecided)
    states = {one.signin for one in each}
    if states == {True}:
        demand.signin, demand.basis = True, "every handler is guarded"
        demand.permission = True if all(one.permission for one in each) else None
    elif False in states:
        demand.signin, demand.permission = False, False
        demand.basis = next(one.basis for one in each if one.signin is False)
