"""The documentation page of the evidence vocabulary, generated from the classes.

`python -m compliance.schemas.page` prints it; `docs/evidence.md` holds it and a test keeps the two equal.
"""

from __future__ import annotations

import inspect
from itertools import groupby

from compliance.schemas.evidence import VIEW_COLUMNS, Event, Evidence, all_kinds

_ROOMS = {
    "identity": "Identity and access",
    "application": "Applications",
    "host": "Machines",
    "signon": "Single sign-on, tokens, sessions, endpoints",
    "network": "Network",
    "web": "Web",
    "processes": "Application servers",
    "data": "Data stores",
    "pooling": "Connection poolers",
    "code": "Repositories",
    "registers": "Registers: what their owners say of them",
    "people": "Registers: people and reviews of their accounts",
    "governance": "Registers: policies, risks, audits, keys",
    "vendors": "Registers: vendors and contracts",
    "disclosures": "Registers: disclosures of education records",
    "notices": "Registers: notices and consent",
    "privacy": "Registers: privacy desk",
    "inventory": "Registers: inventory of data",
    "incidents": "Registers: incidents, drills, who watches",
    "changes": "Registers: changes and maintenance",
    "scans": "Registers: scans, weaknesses, payment pages",
    "estate": "Backups, storage, edge, capacity",
    "monitoring": "Monitoring, and what applications say of themselves",
    "recovery": "What can be restored",
    "engine": "The engine's own records",
}


def page() -> str:
    """The whole page as Markdown."""
    lines = [
        "# Evidence vocabulary",
        "",
        "Generated from `schemas/kinds/`; `compliance evidence schema KIND` gives the JSON Schema of one kind.",
        "",
        'A kind names what is observed, not who was asked. **NULL means "not readable", never "no".** Times are UTC.',
        "A *state* is keyed and a collection records its complete set; an *event* happened once and is recorded",
        "exactly once. Columns marked *personal* never enter a hashed line of a row that names a person: they lie",
        "beside it, encrypted under that person's key. Every view of a kind also has the columns "
        + ", ".join(f"`{name}`" for name in VIEW_COLUMNS)
        + ".",
    ]
    by_room = sorted(all_kinds().values(), key=lambda kind: (list(_ROOMS).index(_room(kind)), kind.kind))
    for room, kinds in groupby(by_room, key=_room):
        lines += ["", f"## {_ROOMS[room]}"]
        for kind in kinds:
            lines += ["", *_section(kind)]
    return "\n".join(lines) + "\n"


def _room(kind: type[Evidence]) -> str:
    return kind.__module__.rpartition(".")[2]


def _section(kind: type[Evidence]) -> list[str]:
    shape = "event" if issubclass(kind, Event) else "state"
    key = ", ".join(kind.key) or "its entry number"
    person = f"; about the person in `{kind.subject_column}`" if kind.subject_column else ""
    personal = kind.personal_columns()
    kept = "; kept in a register" if kind.kept else ""
    lines = [f"### {kind.kind}", "", inspect.getdoc(kind) or "", "", f"*{shape}*; key: {key}{person}{kept}", ""]
    lines += ["| column | type | meaning |", "|---|---|---|"]
    for name, info in kind.model_fields.items():
        marks = " *(personal)*" if name in personal else ""
        always = "" if info.is_required() else "?"
        meaning = (info.description or "").replace("|", "\\|")
        lines.append(f"| `{name}` | {kind.columns()[name]}{always} | {meaning}{marks} |")
    return lines


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
