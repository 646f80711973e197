"""Settings in outline. Only what is listed here is reported: a setting that is not named cannot leak."""

from __future__ import annotations

import re
import sys
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.core import checks

_PLAIN = (
    "DEBUG", "USE_TZ", "APPEND_SLASH", "SECURE_CONTENT_TYPE_NOSNIFF", "SECURE_CROSS_ORIGIN_OPENER_POLICY",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD", "SECURE_HSTS_SECONDS", "SECURE_REFERRER_POLICY",
    "SECURE_SSL_REDIRECT", "X_FRAME_OPTIONS", "USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT", "CSRF_USE_SESSIONS",
    "CSRF_COOKIE_SECURE", "CSRF_COOKIE_HTTPONLY", "CSRF_COOKIE_SAMESITE", "PASSWORD_RESET_TIMEOUT",
    "DATA_UPLOAD_MAX_MEMORY_SIZE", "DATA_UPLOAD_MAX_NUMBER_FIELDS", "LANGUAGE_CODE", "TIME_ZONE",
    "AUTH_USER_MODEL", "ROOT_URLCONF", "WSGI_APPLICATION", "ASGI_APPLICATION", "CSRF_FAILURE_VIEW",
)  # fmt: skip
_LISTS = ("ALLOWED_HOSTS", "MIDDLEWARE", "AUTHENTICATION_BACKENDS", "INSTALLED_APPS", "SILENCED_SYSTEM_CHECKS")
_TLS_OPTIONS = ("sslmode", "sslrootcert", "sslcert", "sslnegotiation", "ssl_mode", "ssl_disabled", "encrypt")
_PATH = re.compile(r"[A-Za-z0-9_.\-:/*\[\]]{1,255}\Z")
_LEVELS = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}


def about() -> dict[str, Any]:
    """Versions, and what the other sections are about."""
    return {"django": django.get_version(), "python": ".".join(map(str, sys.version_info[:3]))}


def setting_rows() -> list[dict[str, Any]]:
    """Name, value as text, and whether it is Django's default."""
    rows = [_row(name, _text(getattr(settings, name, None))) for name in _PLAIN]
    rows += [_row(name, ", ".join(_safe(str(item)) for item in getattr(settings, name, ()))) for name in _LISTS]
    header = getattr(settings, "SECURE_PROXY_SSL_HEADER", None)
    rows.append(_row("SECURE_PROXY_SSL_HEADER", _safe(str(header[0])) if header else None))
    rows.append(_row("SECRET_KEY_FALLBACKS", str(len(getattr(settings, "SECRET_KEY_FALLBACKS", ())))))
    logging = getattr(settings, "LOGGING", None) or {}
    for name, handler in sorted((logging.get("handlers") or {}).items()):
        parts = [_safe(str(handler.get("class") or handler.get("()"))), f"level={handler.get('level', 'NOTSET')}"]
        rows.append(_row(f"LOGGING.handlers.{_safe(str(name))}", " ".join(parts)))
    for name, logger in sorted((logging.get("loggers") or {}).items()):
        to = ", ".join(_safe(str(h)) for h in logger.get("handlers") or ())
        value = f"level={logger.get('level', 'NOTSET')} handlers={to}"
        rows.append(_row(f"LOGGING.loggers.{_safe(str(name))}", value))
    return rows


def tables() -> list[dict[str, Any]]:
    """The table of every model of the project, those between two models too. Nothing is asked of a database."""
    found: dict[str, list[str]] = {}
    for model in apps.get_models(include_auto_created=True):
        found.setdefault(str(model._meta.db_table), []).append(str(model._meta.label_lower))
    return [{"table": table, "models": sorted(models)} for table, models in sorted(found.items())]


def databases() -> list[dict[str, Any]]:
    """Engine, address and TLS options of each database; neither user nor password nor name."""
    rows = []
    for alias, database in sorted(settings.DATABASES.items()):
        options = database.get("OPTIONS") or {}
        tls = {n: _safe(str(options[n])) for n in _TLS_OPTIONS if n in options}
        if isinstance(options.get("ssl"), dict):
            tls.update({f"ssl.{n}": "set" for n in options["ssl"] if n in ("ca", "cert", "verify_identity")})
        rows.append(
            {
                "alias": str(alias),
                "engine": str(database.get("ENGINE", "")),
                "host": _safe(str(database.get("HOST") or "")),
                "port": _safe(str(database.get("PORT") or "")),
                "tls": tls,
                "by_service": "service" in options or "passfile" in options,
            }
        )
    return rows


def sessions() -> dict[str, Any]:
    """How sessions and their cookies are set."""
    return {
        "cookie_name": settings.SESSION_COOKIE_NAME,
        "cookie_secure": bool(settings.SESSION_COOKIE_SECURE),
        "cookie_httponly": bool(settings.SESSION_COOKIE_HTTPONLY),
        "cookie_samesite": _samesite(settings.SESSION_COOKIE_SAMESITE),
        "cookie_domain": settings.SESSION_COOKIE_DOMAIN or "",
        "age_s": int(settings.SESSION_COOKIE_AGE),
        "ends_with_browser": bool(settings.SESSION_EXPIRE_AT_BROWSER_CLOSE),
        "renewed_by_request": bool(settings.SESSION_SAVE_EVERY_REQUEST),
        "engine": settings.SESSION_ENGINE,
        "serializer": str(settings.SESSION_SERIALIZER),
        "middleware": "django.contrib.sessions.middleware.SessionMiddleware" in settings.MIDDLEWARE,
        "csrf_cookie_secure": bool(settings.CSRF_COOKIE_SECURE),
        "csrf_cookie_httponly": bool(settings.CSRF_COOKIE_HTTPONLY),
        "csrf_cookie_samesite": _samesite(settings.CSRF_COOKIE_SAMESITE),
    }


def deploy_checks() -> list[dict[str, Any]]:
    """What `check --deploy` says: identifier, level, what it is about, whether silenced. Texts may quote values."""
    counted: dict[tuple[str, str], dict[str, Any]] = {}
    for message in checks.run_checks(include_deployment_checks=True):
        about = getattr(getattr(message.obj, "_meta", None), "label", None) or ""
        identifier = _safe(message.id or type(message).__name__)
        level = max([n for n in _LEVELS if n <= message.level], default=10)
        row = counted.setdefault(
            (identifier, about),
            {"id": identifier, "about": about, "level": _LEVELS[level], "silenced": message.is_silenced(), "times": 0},
        )
        row["times"] += 1
    return [counted[key] for key in sorted(counted)]


def _row(name: str, value: str | None) -> dict[str, Any]:
    return {"name": name, "value": value, "overridden": bool(settings.is_overridden(name.partition(".")[0]))}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, (bool, int)):
        return None if value is None else str(value)
    return _safe(str(value))


def _safe(text: str) -> str:
    """The text where it looks like a name, path or host; else a word that stands for it."""
    return text if not text or (_PATH.match(text) and "://" not in text) else "(not shown)"


def _samesite(value: Any) -> str:
    return str(value) if value else "off"
