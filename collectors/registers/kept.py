"""The kinds that people keep in registers: everything about them follows from their class."""

from __future__ import annotations

import difflib

from compliance.schemas.evidence import Evidence, State, all_kinds


def kept_kinds() -> tuple[type[Evidence], ...]:
    """Every kind that is kept in a register, by name."""
    return tuple(kind for kind in all_kinds().values() if kind.kept and issubclass(kind, State))


def kept_kind(name: str) -> type[Evidence]:
    """The kept kind of that name. Raises ValueError for another, with the nearest."""
    known = {kind.kind: kind for kind in kept_kinds()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    what = "is read from systems, not kept in a register" if name in all_kinds() else "is no kind of evidence"
    raise ValueError(f"{name!r} {what}{hint}; `compliance registers list` shows those that are kept")
