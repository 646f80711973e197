"""The place in the configuration file that an error is about, and the nearest name to one nobody knows."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compliance.schemas.errors import ConfigError

FILE = "compliance.toml"


@dataclass(frozen=True, slots=True)
class Where:
    """Names the place in the file that an error is about. A place is the keys that lead to it, numbers for items."""

    path: Path | None = None
    text: str = ""

    def error(self, message: str, place: Sequence[str | int] = (), remedy: str | None = None) -> ConfigError:
        """A ConfigError with file and, where it can be found, line."""
        line = self.line(place)
        file = f"{self.path or FILE}" + (f":{line}" if line else "")
        return ConfigError(f"{file}: {message}", remedy=remedy)

    def unknown(self, key: str, place: Sequence[str], known: Iterable[str]) -> ConfigError:
        """The error for a key nobody knows below `place`, with the nearest known name."""
        known = sorted(known)
        inside = f" in [{'.'.join(place)}]" if place else ""
        message = f"unknown key {key!r}{inside}{nearest(key, known)}"
        return self.error(message, (*place, key), "known keys: " + ", ".join(known))

    def line(self, place: Sequence[str | int]) -> int | None:
        """The line of the deepest part of `place` that the file spells at the start of a line."""
        names = [part for part in place if isinstance(part, str)]
        item = next((part for part in reversed(place) if isinstance(part, int)), 0)
        best, depth, seen = None, 0, -1
        header: list[str] | None = []
        for number, text in enumerate(self.text.splitlines(), 1):
            if found := _HEADER.match(text):
                header = _keys(found[2])
                if header != names[: len(header)]:
                    header = None
                elif found[1]:
                    seen += 1
                    header = header if seen == item else None
                if header and len(header) > depth:
                    best, depth = number, len(header)
            elif header is not None and (found := _KEY.match(text)) and len(header) < len(names):
                keys = _keys(found[1])
                if keys and keys[0] == names[len(header)] and len(header) + 1 > depth:
                    best, depth = number, len(header) + 1
        return best


_HEADER = re.compile(r"\s*\[(\[?)([^\[\]]+)\]")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")


def _keys(spelled: str) -> list[str]:
    """The parts of a dotted key: `a."b.c"` is a, b.c; nothing when it is no key."""
    try:
        found: Any = tomllib.loads(f"{spelled} = 0")
    except tomllib.TOMLDecodeError:
        return []
    keys = []
    while isinstance(found, dict):
        key, found = next(iter(found.items()))
        keys.append(key)
    return keys


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?` when one of `known` is close to `name`, else nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
