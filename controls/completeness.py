"""Whether every requirement says what decides it: controls alone, or a named thing that a person brings.

`compliance controls lint` holds frameworks to this; a framework of an organisation is held to it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from compliance.controls.catalogue import OWN, Catalogue, LoadedControl
from compliance.controls.lint import Problem
from compliance.schemas.catalogue import Framework, Requirement

# Words by which a link itself says that its control sees only a part.
HEDGES = re.compile(r"\b(partly|in part|only a part|some of|one of|would be|resembles?|helps?)\b", re.IGNORECASE)


def problems(catalogue: Catalogue) -> list[Problem]:
    """Every requirement that says too little, or claims too much."""
    return [
        Problem(_place(framework), 1, "requirement", f"{framework.id} {requirement.id}: {said}")
        for framework in catalogue.frameworks.values()
        for requirement in framework.requirements
        for said in _said(framework, requirement, catalogue.controls)
    ]


def _said(framework: Framework, requirement: Requirement, controls: Mapping[str, LoadedControl]) -> Iterator[str]:
    if requirement.automation == "full":
        yield from _full(requirement, controls)
        return
    if not requirement.manual:
        yield "no control decides it alone, and no form of what a person brings is named (manual)"
    if requirement.brings is None:
        if not any(_limits(controls, link.control) for link in requirement.direct):
            yield "what a person brings is not said (brings), and no direct control says what it does not see (limits)"
    elif not requirement.brings.en.strip() or not (requirement.brings.es or "").strip():
        yield "what a person brings is said in one language only (brings)"


def _full(requirement: Requirement, controls: Mapping[str, LoadedControl]) -> Iterator[str]:
    if not requirement.direct:
        yield "claims to be decided by controls alone, and has no direct one"
    if requirement.manual or requirement.brings:
        yield "claims to be decided by controls alone, and names what a person brings"
    for link in requirement.direct:
        if link.control not in controls:
            yield f"claims to be decided by controls alone, and {link.control} is only planned"
        if (hedge := HEDGES.search(link.why)) is not None:
            yield f"claims to be decided by controls alone, and {link.control} says {hedge[0]!r} of itself"


def _limits(controls: Mapping[str, LoadedControl], name: str) -> bool:
    return name in controls and controls[name].control.limits is not None


def _place(framework: Framework) -> str:
    path = OWN / "frameworks" / f"{framework.id}.yaml"
    return str(path if path.exists() else Path(f"{framework.id}.yaml"))
