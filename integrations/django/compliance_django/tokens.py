"""JSON web tokens as djangorestframework-simplejwt issues them."""

from __future__ import annotations

import sys
from typing import Any

from django.apps import apps
from django.conf import settings

from compliance_django import certificates, endpoints, layers

_OWN = "rest_framework_simplejwt."


def tokens() -> list[dict[str, Any]]:
    """One row per sort of token that the project takes; none when simplejwt is not in use."""
    if "rest_framework_simplejwt" not in sys.modules and not hasattr(settings, "SIMPLE_JWT"):
        return []
    from rest_framework_simplejwt.settings import api_settings as jwt
    from rest_framework_simplejwt.tokens import SlidingToken

    common = {
        "product": "simplejwt",
        "algorithm": str(jwt.ALGORITHM),
        "leeway_s": _seconds(jwt.LEEWAY),
        "audience": bool(jwt.AUDIENCE),
        "issuer_named": bool(jwt.ISSUER),
        "jwk_url": jwt.JWK_URL if isinstance(jwt.JWK_URL, str) and "@" not in jwt.JWK_URL else None,
        "changed": _changed(jwt),
        "blacklist_installed": apps.is_installed("rest_framework_simplejwt.token_blacklist"),
        **_key(jwt),
    }
    sliding = [c for c in jwt.AUTH_TOKEN_CLASSES if issubclass(c, SlidingToken)]
    rows = []
    if len(sliding) < len(jwt.AUTH_TOKEN_CLASSES):
        rotates = bool(jwt.ROTATE_REFRESH_TOKENS)
        rows.append(
            {
                **common,
                "issuer": "simplejwt",
                "access_ttl_s": _seconds(jwt.ACCESS_TOKEN_LIFETIME),
                "refresh_ttl_s": _seconds(jwt.REFRESH_TOKEN_LIFETIME),
                "rotate_refresh": rotates,
                # Without the application installed simplejwt skips the list and says nothing.
                "blacklist_after_rotation": bool(jwt.BLACKLIST_AFTER_ROTATION) and common["blacklist_installed"],
            }
        )
    if sliding:
        rows.append(
            {
                **common,
                "issuer": "simplejwt sliding",
                "access_ttl_s": _seconds(jwt.SLIDING_TOKEN_LIFETIME),
                "refresh_ttl_s": _seconds(jwt.SLIDING_TOKEN_REFRESH_LIFETIME),
                "rotate_refresh": False,  # the old token stays good until it expires
                "blacklist_after_rotation": False,
            }
        )
    return rows


def _changed(jwt: Any) -> list[str]:
    """Parts of the project's own that may issue tokens of other lifetimes, sorted."""
    names = ("TOKEN_OBTAIN_SERIALIZER", "TOKEN_REFRESH_SERIALIZER", "SLIDING_TOKEN_OBTAIN_SERIALIZER")
    found = [f"{n}={getattr(jwt, n)}" for n in names if not str(getattr(jwt, n)).startswith(_OWN)]
    found += [layers.name_of(c) for c in jwt.AUTH_TOKEN_CLASSES if not c.__module__.startswith(_OWN)]
    base = getattr(sys.modules.get("rest_framework_simplejwt.views"), "TokenViewBase", None)
    for view in endpoints.views():
        cls = getattr(view, "cls", None) or getattr(view, "view_class", None)
        if base is not None and isinstance(cls, type) and issubclass(cls, base) and not cls.__module__.startswith(_OWN):
            found.append(layers.name_of(cls))
    return sorted(set(found))


def _key(jwt: Any) -> dict[str, Any]:
    """Kind and size of the signing key; of a shared secret nothing else leaves here."""
    signing, algorithm = jwt.SIGNING_KEY, str(jwt.ALGORITHM)
    shared: bool | None = None if not signing else signing == settings.SECRET_KEY
    if algorithm.startswith("HS"):
        data = signing.encode() if isinstance(signing, str) else bytes(signing or b"")
        return {"key_kind": "hmac", "key_bits": 8 * len(data), "curve": None, "key_id": None, "key_shared": shared}
    try:
        key = certificates.public_key(signing or jwt.VERIFYING_KEY)
    except ValueError:
        return {"key_kind": None, "key_bits": None, "curve": None, "key_id": None, "key_shared": shared}
    return {
        "key_kind": key["kind"],
        "key_bits": key["bits"],
        "curve": key["curve"],
        "key_id": key["thumbprint"],
        "key_shared": shared,
    }


def _seconds(value: Any) -> int | None:
    if hasattr(value, "total_seconds"):
        return int(value.total_seconds())
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
