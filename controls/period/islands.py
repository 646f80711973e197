"""Runs of equal verdicts about one resource, and what follows from them: counts, exceptions, population."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate

from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.period import Exceptional, Population

Resource = tuple[str, str]  # source (empty when unknown) and resource
Tally = Counter[tuple[Outcome, str]]


@dataclass(frozen=True, slots=True)
class Island:
    """One resource with one verdict at the evaluations `first` to `last` (numbers, both included)."""

    source: str | None
    resource: str
    subject: str | None
    verdict: Outcome
    code: str
    reason: str | None  # None where it passes or does not apply
    entries: tuple[int, ...]
    first: int
    last: int

    @property
    def who(self) -> Resource:
        """Source and resource."""
        return (self.source or "", self.resource)


class Overlap(Exception):
    """A resource of one source has two verdicts at one moment."""


def joined(islands: Iterable[Island]) -> list[Island]:
    """By resource and time; those that follow each other with the same verdict and code are one.

    Raises Overlap when a resource has more than one verdict at an evaluation.
    """
    found: list[Island] = []
    for one in sorted(islands, key=lambda item: (item.who, item.first)):
        before = found[-1] if found and found[-1].who == one.who else None
        if before is not None and one.first <= before.last:
            raise Overlap(one.resource)
        if before and (before.verdict, before.code) == (one.verdict, one.code) and one.first == before.last + 1:
            found[-1] = replace(before, last=one.last)
        else:
            found.append(one)
    return found


def beside(some: Iterable[Island], others: Iterable[Island]) -> list[Island]:
    """`some` without the evaluations at which `others` have the same resource."""
    taken: dict[Resource, set[int]] = defaultdict(set)
    for one in others:
        taken[one.who].update(range(one.first, one.last + 1))
    found: list[Island] = []
    for one in some:
        free = [n for n in range(one.first, one.last + 1) if n not in taken[one.who]]
        for n in free:
            if found and found[-1].who == one.who and found[-1].last == n - 1 and n > one.first and n - 1 in free:
                found[-1] = replace(found[-1], last=n)
            else:
                found.append(replace(one, first=n, last=n))
    return found


def tallies(islands: Iterable[Island], evaluations: int) -> list[Tally]:
    """How many resources have each verdict and code, at every evaluation."""
    steps: dict[tuple[Outcome, str], list[int]] = defaultdict(lambda: [0] * (evaluations + 1))
    for one in islands:
        change = steps[one.verdict, one.code]
        change[one.first] += 1
        change[one.last + 1] -= 1
    found = [Tally() for _ in range(evaluations)]
    for what, change in steps.items():
        for n, count in enumerate(accumulate(change[:-1])):
            if count:
                found[n][what] = count
    return found


def population(islands: Sequence[Island], evaluations: int) -> Population:
    """The roll-forward of everything that was judged, and its digest. `islands` as `joined` gives them."""
    opening = closing = added = removed = 0
    last: dict[Resource, int] = {}
    for one in islands:
        there = one.first == last.get(one.who, -2) + 1
        if one.first == 0:
            opening += 1
        elif not there:
            added += 1
        if one.who in last and not there:
            removed += 1  # it was gone between
        last[one.who] = one.last
    for end in last.values():
        if end == evaluations - 1:
            closing += 1
        else:
            removed += 1
    return Population(opening, added, removed, closing, len(last), digest(last))


def digest(members: Iterable[Resource]) -> str:
    """SHA-256 (hex) over `source NUL resource LF` of every member, sorted by bytes."""
    hashed = hashlib.sha256()
    for line in sorted(source.encode() + b"\0" + resource.encode() + b"\n" for source, resource in set(members)):
        hashed.update(line)
    return hashed.hexdigest()


def exceptions(
    islands: Sequence[Island], at: Sequence[datetime], seen_before: Sequence[datetime | None]
) -> list[Exceptional]:
    """Every time in which a resource failed. `at` are the times of the evaluations; `seen_before[k]` is when what held
    before evaluation `k` was last seen to hold (None for the first). `islands` as `joined` gives them.

    Failing for one reason and then for another is one time. A resource that could not be told meanwhile was not shown
    to be mended: it ends there as `undecided`.
    """
    found: list[Exceptional] = []
    by_resource: dict[Resource, list[Island]] = defaultdict(list)
    for one in islands:
        by_resource[one.who].append(one)
    for runs in by_resource.values():
        n = 0
        while n < len(runs):
            first = runs[n]
            if first.verdict is not Outcome.FAIL:
                n += 1
                continue
            end = n
            while end + 1 < len(runs) and runs[end + 1].verdict is Outcome.FAIL and _follows(runs[end], runs[end + 1]):
                end += 1
            after = runs[end + 1] if end + 1 < len(runs) else None
            found.append(_exception(first, runs[end], after, at, seen_before))
            n = end + 1
    found.sort(key=lambda one: (one.start, one.source or "", one.resource))
    return [replace(one, number=number) for number, one in enumerate(found, start=1)]


def _follows(before: Island, after: Island) -> bool:
    return after.first == before.last + 1


def _exception(
    first: Island, last: Island, after: Island | None, at: Sequence[datetime], seen_before: Sequence[datetime | None]
) -> Exceptional:
    still = last.last == len(at) - 1
    if still:
        ended = "open"
    elif after is None or not _follows(last, after):
        ended = "gone"
    else:
        ended = "undecided" if after.verdict is Outcome.UNKNOWN else "mended"
    return Exceptional(
        number=0,
        source=first.source,
        resource=first.resource,
        subject=first.subject,
        code=first.code,
        reason=first.reason or "",
        entries=first.entries,
        start=at[first.first],
        not_before=seen_before[first.first] if first.first else None,
        end=None if still else at[last.last + 1],
        ended=ended,
    )


def worst(islands: Sequence[Island]) -> Mapping[Resource, Island]:
    """Of each resource the run with the worst verdict, the newest of equals: what is said of it over the period."""
    order = {Outcome.FAIL: 3, Outcome.UNKNOWN: 2, Outcome.PASS: 1, Outcome.NOT_APPLICABLE: 0}
    found: dict[Resource, Island] = {}
    for one in islands:
        known = found.get(one.who)
        if known is None or order[one.verdict] >= order[known.verdict]:
            found[one.who] = one
    return found
