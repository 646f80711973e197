"""Rules for passwords: what the project's validators really accept, and how passwords are stored.

The validators are tried on made-up passwords without a user: that tells what they demand whoever wrote them.
"""

from __future__ import annotations

import secrets
import string
from typing import Any

from django.conf import settings
from django.contrib.auth import get_backends, hashers, password_validation
from django.core.exceptions import ValidationError

from compliance_django import layers

_TRIES = 60
_LONGEST = 64
_ALL_EARLIER = 1_000_000  # "every earlier one", for a validator that has no limit
_OPTIONS = {"min_length", "max_similarity", "last_passwords"}
_OWN = "django.contrib.auth.password_validation."
_HISTORY = "django_password_validators.password_history.password_validation.UniquePasswordsValidator"
_NO_HISTORY = "django_password_validators.password_character_requirements.password_validation."
_BY_PASSWORD = {
    "django.contrib.auth.backends.ModelBackend": True,
    "django.contrib.auth.backends.AllowAllUsersModelBackend": True,
    "django.contrib.auth.backends.RemoteUserBackend": False,
    "django.contrib.auth.backends.AllowAllUsersRemoteUserBackend": False,
    "djangosaml2.backends.Saml2Backend": False,
    "axes.backends.AxesBackend": False,
    "axes.backends.AxesStandaloneBackend": False,
}


def password_rules() -> dict[str, Any]:
    """Validators, hashers, and what follows for a new password."""
    validators = password_validation.get_default_password_validators()
    hasher = hashers.get_hashers()[0]
    return {
        "password_login": password_login(),
        "validators": [
            {
                "name": str(entry["NAME"]),
                "options": {
                    str(k): v if isinstance(v, (bool, int)) else str(v) if k in _OPTIONS else "(not shown)"
                    for k, v in (entry.get("OPTIONS") or {}).items()
                },
            }
            for entry in settings.AUTH_PASSWORD_VALIDATORS
        ],
        "min_length": _min_length(validators),
        "needs_alnum": _needs_alnum(validators),
        "history": _history(validators),
        "hashers": [{"name": layers.name_of(type(h)), "algorithm": h.algorithm} for h in hashers.get_hashers()],
        "hash_algorithm": _algorithm(hasher),
        "hash_iterations": getattr(hasher, "iterations", None),
    }


def password_login() -> bool | None:
    """Somebody can sign in with a password; None where a backend is not known."""
    states = [_BY_PASSWORD.get(layers.name_of(type(backend))) for backend in get_backends()]
    return True if True in states else None if None in states else False


def _accepted(validators: Any, password: str) -> bool | None:
    for validator in validators:
        try:
            validator.validate(password, None)
        except ValidationError:
            return False
        except Exception:  # noqa: BLE001 -- somebody else's validator: that it cannot be asked is the answer
            return None
    return True


def _made(length: int, *alphabets: str) -> str:
    """A random password: each alphabet once where there is room, the rest in shares that differ from try to try, so
    that a rule about the number of one sort is met by some."""
    first = [secrets.choice(alphabet) for alphabet in alphabets]
    favoured = [secrets.choice(alphabets) for _ in range(2)]
    rest = [secrets.choice(secrets.choice([*alphabets, *favoured, *favoured])) for _ in range(length)]
    made = (first + rest)[:length]
    secrets.SystemRandom().shuffle(made)
    return "".join(made)


def _try(validators: Any, length: int, *alphabets: str) -> bool | None:
    """True when one of several made-up passwords is accepted, False when none is, None when that cannot be told."""
    states = {_accepted(validators, _made(length, *alphabets)) for _ in range(_TRIES)}
    return True if True in states else None if None in states else False


_MIXED = (string.ascii_lowercase, string.digits, string.ascii_uppercase, "!#%+-_")


def _min_length(validators: Any) -> int | None:
    """The length of the shortest password that is accepted; 0 without validators; NULL when none is."""
    if not validators:
        return 0
    for length in range(1, _LONGEST + 1):
        state = _try(validators, length, *_MIXED)
        if state is None:
            return None
        if state:
            return length
    return None


def _needs_alnum(validators: Any) -> bool | None:
    if not validators:
        return False
    without_digits = _try(validators, _LONGEST, string.ascii_lowercase, string.ascii_uppercase, "!#%+-_")
    without_letters = _try(validators, _LONGEST, string.digits, "!#%+-_")
    if True in (without_digits, without_letters):
        return False
    mixed = _try(validators, _LONGEST, *_MIXED)
    return True if mixed and (without_digits, without_letters) == (False, False) else None


def _history(validators: Any) -> int | None:
    for validator in validators:
        if layers.name_of(type(validator)) == _HISTORY:
            kept = int(validator.last_passwords)
            return kept if kept > 0 else _ALL_EARLIER
    names = [layers.name_of(type(validator)) for validator in validators]
    return 0 if all(name.startswith((_OWN, _NO_HISTORY)) for name in names) else None


def _algorithm(hasher: Any) -> str | None:
    """The algorithm; None where the project's own code makes the hash, whatever name it gives it."""
    if not hasher.encode.__module__.startswith("django."):
        return None
    if isinstance(hasher, hashers.Argon2PasswordHasher):
        own = hasher.params.__func__ is not hashers.Argon2PasswordHasher.params
        return None if own else "argon2id"  # what Django asks of argon2-cffi
    return {"bcrypt_sha256": "bcrypt"}.get(hasher.algorithm, str(hasher.algorithm))
