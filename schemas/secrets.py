"""Secrets by reference. A configuration names where a secret lies; the secret itself is never written down or shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from compliance.schemas.errors import SecretMissing

SCHEMES = ("env", "file", "keyring")


def from_folder(folder: Path, path: Path) -> Path:
    """`path` as an absolute one: relative to `folder`, `~` being a home folder. Raises ValueError for `~nobody`."""
    try:
        return folder / path.expanduser()
    except RuntimeError as error:
        raise ValueError(str(error)) from error


class SecretRef(str):
    """`env:NAME`, `file:/path` or `keyring:service/user`. Printing it shows the reference, never the secret.

    A relative path starts at the folder of the configuration file, which comes as the validation context `folder`.
    """

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(cls._parse, core_schema.str_schema())

    @classmethod
    def _parse(cls, text: str, info: core_schema.ValidationInfo) -> SecretRef:
        scheme, colon, rest = text.partition(":")
        if not colon or scheme not in SCHEMES or not rest:
            # the text itself may be a secret put here by mistake: it must not be echoed
            raise ValueError("a secret is given by reference: env:NAME, file:/path or keyring:service/user")
        folder = (info.context or {}).get("folder")
        if scheme == "file" and folder is not None:
            return cls(f"file:{from_folder(folder, Path(rest))}")
        return cls(text)

    def resolve(self) -> str:
        """The secret. Raises SecretMissing, naming the reference and never the value."""
        scheme, _, rest = self.partition(":")
        if scheme == "env":
            value = os.environ.get(rest)
            if not value:
                raise SecretMissing(f"secret {self}: environment variable {rest} is not set", remedy=f"export {rest}=…")
            return value
        if scheme == "file":
            try:
                return Path(rest).read_text("utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise SecretMissing(
                    f"secret {self}: {error}", remedy=f"create {rest}, readable by this user"
                ) from error
        import keyring
        import keyring.errors

        service, _, user = rest.partition("/")
        try:
            found = keyring.get_password(service, user)
        except keyring.errors.KeyringError as error:
            raise SecretMissing(f"secret {self}: {error}", remedy="unlock or configure the system key ring") from error
        if found is None:
            raise SecretMissing(
                f"secret {self}: the key ring has no such entry", remedy=f"keyring set {service} {user}"
            )
        return found
