"""Settings as they hold for everybody, and what accounts and databases set for themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from compliance.collectors.postgres.session import Row

_OWN_SESSION = frozenset({"user", "database", "database user", "session", "client", "interactive"})


class Effective:
    """Settings as they hold for everybody: what is set for the reading session alone is unknown, and what a role or
    database sets for itself is asked for apart."""

    def __init__(self, settings: Sequence[Row], overrides: Sequence[Row]) -> None:
        self._values = {row["name"]: None if row["source"] in _OWN_SESSION else row["setting"] for row in settings}
        self._overrides: dict[tuple[str | None, str | None], dict[str, str]] = {}
        for row in overrides:
            self._overrides.setdefault((row["role"], row["database"]), {})[row["name"]] = row["setting"]
        self.overrides = [
            {"role": row["role"], "database": row["database"], "name": row["name"], "setting": row["setting"]}
            for row in overrides
        ]

    def get(self, name: str) -> str | None:
        """The value for the whole server; None when unreadable."""
        return self._values.get(name)

    def number(self, name: str) -> int | None:
        """A whole number; None when unreadable."""
        value = self.get(name)
        return int(value) if value is not None and re.fullmatch(r"-?\d+", value) else None

    def on(self, name: str) -> bool | None:
        """A switch; None when unreadable."""
        value = self.get(name)
        return None if value is None else value == "on"

    def everywhere(self, name: str) -> list[str | None]:
        """The value for the whole server and every different one that a role or database sets."""
        return [self.get(name), *(own[name] for own in self._overrides.values() if name in own)]

    def scopes(self, *names: str) -> list[tuple[str | None, str | None, dict[str, str | None]]]:
        """Account, database (None for every other one) and the named settings that hold there: for the whole server,
        and for each pair in which somebody sets one of them. What the account sets in that database comes first, then
        what it sets everywhere, then what the database sets."""
        own = {where: {n: v for n, v in some.items() if n in names} for where, some in self._overrides.items()}
        accounts = sorted({account for (account, _), some in own.items() if some and account}, key=str)
        databases = sorted({database for (_, database), some in own.items() if some and database}, key=str)
        whole = {name: self.get(name) for name in names}
        found: list[tuple[str | None, str | None, dict[str, str | None]]] = []
        for account in (None, *accounts):
            for database in (None, *databases):
                values = dict(whole)
                for where in ((None, database), (account, None), (account, database)):
                    values |= own.get(where, {}) if where != (None, None) else {}
                found.append((account, database, values))
        return found


def libraries(effective: Effective) -> set[str] | None:
    """Libraries loaded for every session; None when unreadable."""
    shared, session = effective.get("shared_preload_libraries"), effective.get("session_preload_libraries")
    if shared is None or session is None:
        return None
    return {name.strip().strip('"').rpartition("/")[2] for name in f"{shared},{session}".split(",") if name.strip()}
