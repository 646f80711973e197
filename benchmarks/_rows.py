"""Evidence by chance for measurements of audits: states whose rows are spread over the kinds that controls judge."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, get_args

from compliance.controls import catalogue as catalogues
from compliance.schemas.evidence import Evidence, State, all_kinds
from compliance.schemas.kinds import engine

BEGIN = datetime(2025, 1, 1, 3, tzinfo=UTC)
# The share of the resources that each large kind holds; the rest of the kinds get ten rows each.
LARGE = {"user_account": 0.25, "role_grant": 0.25, "asset": 0.1, "listening_socket": 0.2, "patch_state": 0.1}


def states() -> list[type[Evidence]]:
    """The states that controls of the catalogue read, but for those that the engine records itself."""
    read = {kind for loaded in catalogues.load().controls.values() for kind in loaded.kinds}
    found = [all_kinds()[name] for name in sorted(read)]
    return [kind for kind in found if issubclass(kind, State) and kind.__module__ != engine.__name__]


def population(kinds: Iterable[type[Evidence]], resources: int, chance: random.Random) -> dict[str, list[Evidence]]:
    """Rows of each kind, `resources` in all."""
    every = list(kinds)
    sizes = {kind.kind: int(LARGE.get(kind.kind, 0) * resources) or 10 for kind in every}
    sizes["asset"] += resources - sum(sizes.values())
    return {kind.kind: [row(kind, n, chance) for n in range(sizes[kind.kind])] for kind in every}


def row(kind: type[Evidence], n: int, chance: random.Random) -> Evidence:
    """A row whose key tells it apart from others and whose other columns are as chance has it."""
    values: dict[str, Any] = {}
    for name, of in kind.columns().items():
        if choices := _enumerated(kind, name):
            values[name] = chance.choice(choices)
        elif name in kind.key or name in ("account", "role", "asset") or kind.model_fields[name].is_required():
            plain = {"BIGINT": n, "INTEGER": n, "TIMESTAMP": BEGIN, "BOOLEAN": True, "VARCHAR": f"{name}-{n}"}
            values[name] = plain.get(of, [])
        elif of == "BOOLEAN":
            values[name] = chance.random() < 0.5
        elif of == "TIMESTAMP":
            values[name] = BEGIN + timedelta(days=chance.randrange(-300, 300))
        elif of in ("BIGINT", "INTEGER"):
            values[name] = chance.randrange(100)
    return kind(**values)


def _enumerated(kind: type[Evidence], name: str) -> list[Any]:
    """The values that a column can have, where its type lists them."""
    of = kind.model_fields[name].annotation
    return [item for one in (of, *get_args(of)) if isinstance(one, type) and issubclass(one, Enum) for item in one]
