"""Two audits compared: what is new, fixed, regressed, still failing, gone, or no longer decided, and why it changed.

| state | a resource of a control |
|---|---|
| new | fails now; then it did not |
| regressed | is new, and failed in an audit before the earlier one too |
| still | fails now as then |
| fixed | failed then, and was seen to hold or not to apply now |
| gone | failed then, and is not in the population of a control that was decided now |
| undecided | was decided then, and cannot be decided now: nobody knows whether it holds |

What failed and is not seen any more is never called fixed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from compliance.schemas.kinds.engine import Outcome

Resource = tuple[str, str | None, str]  # control, source, resource as the finding names it

_DECIDED = (Outcome.PASS, Outcome.NOT_APPLICABLE)


class Change(StrEnum):
    """What became of a resource between two audits."""

    NEW = "new"
    REGRESSED = "regressed"
    STILL = "still"
    FIXED = "fixed"
    GONE = "gone"
    UNDECIDED = "undecided"


class Cause(StrEnum):
    """What a change comes from."""

    EVIDENCE = "evidence"  # the definition is the same: what was seen changed, or time went by
    DEFINITION = "definition"  # the same entries under another definition or other parameters
    BOTH = "definition and evidence"  # both changed; which of them did it cannot be told from the records
    NONE = "none"  # nothing changed


@dataclass(frozen=True, slots=True)
class Judged:
    """A control as an audit recorded it."""

    verdict: Outcome
    unknown_reason: str | None
    version: int
    sha256: str
    parameters: Mapping[str, Any]

    def same_definition(self, other: Judged) -> bool:
        """Both were judged by the same text with the same numbers."""
        return (self.sha256, dict(self.parameters)) == (other.sha256, dict(other.parameters))


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as an audit recorded it."""

    verdict: Outcome
    code: str
    reason: str
    rests_on: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger holds of one audit."""

    audit: str
    controls: Mapping[str, Judged]
    findings: Mapping[Resource, Found]

    def verdict(self, name: Resource) -> Outcome | None:
        """What was said of a resource; None when it was not in the population. What a finding says of a control that
        could not be decided for all that fails is not said (decision 0019)."""
        found, judged = self.findings.get(name), self.controls.get(name[0])
        if found is None:
            return None
        undecided = judged is not None and judged.verdict is Outcome.UNKNOWN
        return Outcome.UNKNOWN if undecided and found.verdict is Outcome.FAIL else found.verdict

    def failing(self) -> frozenset[Resource]:
        """The resources that fail."""
        return frozenset(name for name in self.findings if self.verdict(name) is Outcome.FAIL)


@dataclass(frozen=True, slots=True)
class Difference:
    """One resource in two audits."""

    resource: Resource
    change: Change
    cause: Cause
    then: Found | None
    now: Found | None


def compare(then: Recorded, now: Recorded, failed_before: frozenset[Resource] = frozenset()) -> list[Difference]:
    """What differs, and what still fails; by control, source and resource. `failed_before` are the resources that
    failed in audits before `then`."""
    found = []
    for name in sorted({*then.findings, *now.findings}, key=lambda one: (one[0], one[1] or "", one[2])):
        earlier, later = then.findings.get(name), now.findings.get(name)
        change = _change(name, then, now, name in failed_before)
        if change is not None:
            found.append(Difference(name, change, _cause(name, then, now, change), earlier, later))
    return found


def counts(differences: Sequence[Difference]) -> dict[str, int]:
    """How many there are of each change, all of them named."""
    count = Counter(item.change for item in differences)
    return {change.value: count[change] for change in Change}


def _change(name: Resource, then: Recorded, now: Recorded, failed_before: bool) -> Change | None:
    earlier, later = then.verdict(name), now.verdict(name)
    failed = earlier is Outcome.FAIL
    if later is Outcome.FAIL:
        if failed:
            return Change.STILL
        return Change.REGRESSED if failed_before else Change.NEW
    if later in _DECIDED:
        return Change.FIXED if failed else None
    if not failed and earlier not in _DECIDED:
        return None
    if later is None and _population_known(now.controls.get(name[0])):
        return Change.GONE if failed else None
    return Change.UNDECIDED


def _population_known(judged: Judged | None) -> bool:
    """A control was judged on evidence that was all there, so that what is not in its population is gone."""
    return judged is not None and (judged.verdict is not Outcome.UNKNOWN or judged.unknown_reason == "unreadable")


def _cause(name: Resource, then: Recorded, now: Recorded, change: Change) -> Cause:
    if change is Change.STILL:
        return Cause.NONE
    earlier, later = then.controls.get(name[0]), now.controls.get(name[0])
    if earlier is not None and later is not None and earlier.same_definition(later):
        return Cause.EVIDENCE
    before, after = then.findings.get(name), now.findings.get(name)
    if before is not None and after is not None and before.rests_on == after.rests_on:
        return Cause.DEFINITION
    return Cause.BOTH
