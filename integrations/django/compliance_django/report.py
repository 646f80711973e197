"""The report: sections that were read or could not be, and a digest over all of it.

    {"format": "compliance-django-report", "version": 1, "generated_at": …, "host": …, "settings_module": …,
     "sections": {"sessions": {"value": …}, "sso": {"error": "ConfigurationError"}}, "digest": "sha256:…"}

A section that fails is named with the class of what went wrong, never its words: they may quote a setting. The digest
shows damage and cut ends; it is no signature, and whoever can write the file can write another.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from django.conf import settings

from compliance_django import __version__, endpoints, lockout, outline, passwords, saml, tokens

FORMAT = "compliance-django-report"
VERSION = 1
SECTIONS: Mapping[str, Callable[[], Any]] = {
    "about": outline.about,
    "settings": outline.setting_rows,
    "sessions": outline.sessions,
    "databases": outline.databases,
    "tables": outline.tables,
    "checks": outline.deploy_checks,
    "passwords": passwords.password_rules,
    "lockout": lockout.lockout,
    "sso": saml.providers,
    "tokens": tokens.tokens,
    "endpoints": endpoints.endpoints,
}
_SECRET_NAME = re.compile(r"SECRET|PASS|TOKEN|(^|_)KEY$|KEY_?FALLBACKS|SIGNING|PRIVATE|CREDENTIAL|DSN", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z_]*\Z|[\w.]+\.[A-Za-z]\w*\Z")  # names and dotted paths stand for themselves


def report() -> dict[str, Any]:
    """The whole report of the running project."""
    secrets = frozenset(_secrets())
    whole = {
        "format": FORMAT,
        "version": VERSION,
        "app_version": __version__,
        "generated_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "host": socket.gethostname(),
        "settings_module": os.environ.get("DJANGO_SETTINGS_MODULE", ""),
        "sections": {name: _section(read, secrets) for name, read in SECTIONS.items()},
    }
    return {**whole, "digest": digest(whole)}


def digest(whole: Mapping[str, Any]) -> str:
    """SHA-256 over the report without its digest: JSON with sorted keys, no spaces, ASCII."""
    bare = {key: value for key, value in whole.items() if key != "digest"}
    return "sha256:" + hashlib.sha256(text_of(bare).encode("ascii")).hexdigest()


def text_of(whole: Mapping[str, Any]) -> str:
    """The report as it is written."""
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _section(read: Callable[[], Any], secrets: frozenset[str]) -> dict[str, Any]:
    try:
        value = read()
        text = json.dumps(value, ensure_ascii=False)
    except Exception as error:  # noqa: BLE001 -- the project's own code may raise anything; the section says so
        return {"error": type(error).__name__}
    if any(secret in text or json.dumps(secret)[1:-1] in text for secret in secrets):
        return {"error": "SecretFound"}
    return {"value": value}


def _secrets() -> Iterator[str]:
    """Texts among the settings that may be secrets, by their names: the last door before anything is printed."""
    for name in dir(settings):
        if name.isupper():
            yield from _within(name, getattr(settings, name, None), bool(_SECRET_NAME.search(name)))


def _within(name: str, value: Any, secret: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inside in value.items():
            yield from _within(str(key), inside, secret or bool(_SECRET_NAME.search(str(key))))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inside in value:
            yield from _within(name, inside, secret)
    elif secret and isinstance(value, (str, bytes)):
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        for line in text.splitlines():
            if len(line) >= 8 and not _WORD.match(line) and not line.startswith("-----"):
                yield line
