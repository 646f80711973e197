"""Prints, as one JSON object, what the report says under many settings, and what really happens to a stranger."""

import json
import os
import sys
import warnings
from datetime import timedelta

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "shop.good"
django.setup()

from compliance_django import endpoints, lockout, passwords, report, saml, tokens  # noqa: E402
from django.conf import settings  # noqa: E402
from django.test import Client, override_settings  # noqa: E402

AXES, MODEL = "axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"
SAML = "djangosaml2.backends.Saml2Backend"
OWN = "shop.validators."
LOCKOUTS = {
    "good": {},
    "by address": {"AXES_LOCKOUT_PARAMETERS": ["ip_address"]},
    "by both together": {"AXES_LOCKOUT_PARAMETERS": [["username", "ip_address"]]},
    "parameters by code": {"AXES_LOCKOUT_PARAMETERS": lambda request, credentials: []},
    "off": {"AXES_ENABLED": False},
    "no lock": {"AXES_LOCK_OUT_AT_FAILURE": False},
    "behind": {"AUTHENTICATION_BACKENDS": [MODEL, AXES]},
    "no backend": {"AUTHENTICATION_BACKENDS": [MODEL]},
    "dummy": {"AXES_HANDLER": "axes.handlers.dummy.AxesDummyHandler"},
    "own handler": {"AXES_HANDLER": "axes.handlers.test.AxesTestHandler"},
    "forever": {"AXES_COOLOFF_TIME": None},
    "an hour": {"AXES_COOLOFF_TIME": 1},
    "half a minute": {"AXES_COOLOFF_TIME": timedelta(seconds=30)},
    "time by code": {"AXES_COOLOFF_TIME": lambda: timedelta(hours=1)},
    "limit by code": {"AXES_FAILURE_LIMIT": lambda request, credentials: 3},
    "name by code": {"AXES_USERNAME_CALLABLE": "shop.own.loader"},
    "expiring attempts": {"AXES_USE_ATTEMPT_EXPIRATION": True},
    "no passwords": {"AUTHENTICATION_BACKENDS": [SAML]},
}
PASSWORDS = {
    "none": {"AUTH_PASSWORD_VALIDATORS": []},
    "own": {"AUTH_PASSWORD_VALIDATORS": [{"NAME": OWN + "Twenty"}]},
    "broken": {"AUTH_PASSWORD_VALIDATORS": [{"NAME": OWN + "Broken"}]},
    "all earlier": {
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": "django_password_validators.password_history.password_validation.UniquePasswordsValidator"}
        ]
    },
    "pbkdf2": {"PASSWORD_HASHERS": ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]},
    "tuned hasher": {"PASSWORD_HASHERS": ["shop.own.TunedHasher"]},
    "own hasher": {"PASSWORD_HASHERS": ["shop.own.OwnHasher"]},
    "remote users": {"AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.RemoteUserBackend"]},
}
JWT = settings.SIMPLE_JWT
TOKENS = {
    "no blacklist": {"INSTALLED_APPS": [n for n in settings.INSTALLED_APPS if not n.endswith("token_blacklist")]},
    "own serializer": {"SIMPLE_JWT": {**JWT, "TOKEN_OBTAIN_SERIALIZER": "shop.own.OwnSerializer"}},
    "own refresh": {"SIMPLE_JWT": {**JWT, "TOKEN_REFRESH_SERIALIZER": "shop.own.OwnSerializer"}},
    "curve": {"SIMPLE_JWT": {**JWT, "ALGORITHM": "ES256", "SIGNING_KEY": (settings.DATA / "ec.key").read_text()}},
    "shared secret": {"SIMPLE_JWT": {"ALGORITHM": "HS256"}},
    "garbage key": {"SIMPLE_JWT": {**JWT, "SIGNING_KEY": "no key"}},
    "sliding": {"SIMPLE_JWT": {**JWT, "AUTH_TOKEN_CLASSES": ["rest_framework_simplejwt.tokens.SlidingToken"]}},
}
LOGIN = "django.contrib.auth.middleware.LoginRequiredMiddleware"
MAPS = {
    "plain": settings.MIDDLEWARE,
    "login middleware": [*settings.MIDDLEWARE, LOGIN],
    "nobody signs in": [name for name in settings.MIDDLEWARE if "AuthenticationMiddleware" not in name],
    "own middleware": [*settings.MIDDLEWARE, "shop.own.OwnMiddleware"],
}


def _with(changes, read):
    with override_settings(**changes):
        return read()


def _status(route):
    client = Client(raise_request_exception=False, headers={"host": "shop.example"})
    return client.get(route, secure=True).status_code


def _folder():
    """The settings of python3-saml as its example for Django keeps them."""
    from shop.onelogin import settings_good

    folder = settings.DATA / "onelogin"
    folder.mkdir()
    folder.joinpath("settings.json").write_text(json.dumps(settings_good()))
    return folder


def _maps():
    found = {}
    for name, middleware in MAPS.items():
        with override_settings(ROOT_URLCONF="shop.urls_bad", MIDDLEWARE=middleware):
            found[name] = {
                row["route"]: {**row, "status": _status(row["route"]) if "<" not in row["route"] else None}
                for row in endpoints.endpoints()
                if "(" not in row["route"]
            }
    return found


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    said = {
        "lockouts": {name: _with(changes, lockout.lockout) for name, changes in LOCKOUTS.items()},
        "passwords": {name: _with(changes, passwords.password_rules) for name, changes in PASSWORDS.items()},
        "tokens": {name: _with(changes, tokens.tokens) for name, changes in TOKENS.items()},
        "maps": _maps(),
        "saml": {
            "keys of the answer": _with(
                {"SAML_CONFIG": {**settings.SAML_CONFIG, "only_use_keys_in_metadata": False}}, saml.providers
            ),
            "own loader": _with({"SAML_CONFIG_LOADER": "shop.own.loader"}, saml.providers),
            "folder": _with({"SAML_FOLDER": str(_folder())}, saml.providers),
            "python3-saml": _with(
                {"COMPLIANCE_REPORT": {"PYTHON3_SAML": "shop.onelogin.settings_good"}}, saml.providers
            ),
        },
        "secret": _with({"ALLOWED_HOSTS": [settings.EMAIL_HOST_PASSWORD.rstrip("!")]}, report.report),
        "leak": _with({"WSGI_APPLICATION": "planted-9.mail", "EMAIL_HOST_PASSWORD": "planted-9.mail"}, report.report),
    }
json.dump(said, sys.stdout, default=str)
