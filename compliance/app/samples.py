"""Samples of a frozen population: drawn by an auditor's seed, recorded, drawn again, and tested by people."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from compliance.app import decisions
from compliance.app.where import nearest
from compliance.app.workspace import Workspace
from compliance.controls.period import islands, sampling
from compliance.controls.period.islands import Resource
from compliance.ledger import Draft, Entry
from compliance.schemas.errors import ConfigError, IntegrityError
from compliance.schemas.kinds.engine import Attestation, Finding, SampleDraw

RETEST_COUNTS = timedelta(days=366)
_TESTED = re.compile(r"(\S+) item (\d+): ", re.ASCII)  # how `retest` begins its statement


@dataclass(frozen=True, slots=True)
class Item:
    """One member of a sample: its finding, and what people found when they tested it."""

    number: int
    source: str
    resource: str
    verdict: str
    code: str
    entry: int
    retests: tuple[str, ...]  # attestations


@dataclass(frozen=True, slots=True)
class Sample:
    """A recorded draw, in the order drawn."""

    sample: str
    audit: str
    control: str
    seed: str
    population: int
    population_sha256: str
    entry: int
    items: tuple[Item, ...]


def draw(workspace: Workspace, audit: str, control: str, *, size: int, seed: str, by: str) -> Sample:
    """Draw from everything that `control` judged in `audit`, and record the draw.

    Raises ConfigError: no such audit or control in it; nothing to draw from; a size below 1; no seed.
    """
    if size < 1 or not seed.strip():
        raise ConfigError("a sample has at least one member and a seed", remedy="--size 25 --seed …")
    if "\0" in seed:
        raise ConfigError("a seed holds no NUL")
    members = _population(workspace, audit, control)
    drawn = sampling.draw(members, seed, size)
    name = f"S-{workspace.clock():%Y%m%d}-{os.urandom(3).hex()}"
    row = SampleDraw(
        occurred_at=workspace.clock(),
        sample=name,
        audit=audit,
        control=control,
        population=len(members),
        population_sha256=islands.digest(members),
        seed=seed,
        size=len(drawn),
        items=[members[member].record["number"] for member in drawn],
        items_sha256=sampling.sequence_digest(drawn),
        by_person=by,
    )
    workspace.ledger.append([Draft(SampleDraw.kind, row)])
    return show(workspace, name)


def show(workspace: Workspace, name: str) -> Sample:
    """A recorded draw, drawn again from the population as recorded.

    Raises:
        ConfigError: there is none of that name.
        IntegrityError: drawing again gives another population or sample than is recorded.
    """
    recorded = {entry.record["sample"]: entry for entry in workspace.ledger.entries(SampleDraw.kind)}
    if name not in recorded:
        raise ConfigError(f"no sample is called {name!r}{nearest(name, recorded)}")
    entry, record = recorded[name], recorded[name].record
    members = _population(workspace, record["audit"], record["control"])
    drawn = sampling.draw(members, record["seed"], record["size"])
    said = (islands.digest(members), sampling.sequence_digest(drawn))
    if said != (record["population_sha256"], record["items_sha256"]):
        raise IntegrityError(
            f"sample {name}: drawn again, it is another one than entry {entry.seq} records", seq=entry.seq
        )
    retests = _retests(workspace, record["control"], name)
    return Sample(
        sample=name,
        audit=record["audit"],
        control=record["control"],
        seed=record["seed"],
        population=len(members),
        population_sha256=record["population_sha256"],
        entry=entry.seq,
        items=tuple(_item(members[member], member, retests) for member in drawn),
    )


def retest(workspace: Workspace, name: str, number: int, *, found: str, by: str, reviewed_by: str | None) -> str:
    """Record what a person found on testing one member of a sample; the attestation's identifier.

    Raises ConfigError: no such sample, or no member of it with this number.
    """
    sample = show(workspace, name)
    item = next((one for one in sample.items if one.number == number), None)
    if item is None:
        known = ", ".join(str(one.number) for one in sample.items)
        raise ConfigError(f"sample {name} has no item {number}", remedy=f"its items: {known}")
    moment = workspace.clock()
    return decisions.attest(
        workspace,
        decisions.Statement(
            form="retest",
            statement=f"{name} item {number}: {found}",
            by=by,
            occurred_at=moment,
            expires_at=moment + RETEST_COUNTS,
            control=sample.control,
            resources=(item.resource,),
            reviewed_by=reviewed_by,
        ),
    )


def plain(sample: Sample) -> dict[str, Any]:
    """The sample as plain data."""
    rows = [{name: getattr(item, name) for name in Item.__slots__} for item in sample.items]
    head = {name: getattr(sample, name) for name in Sample.__slots__ if name != "items"}
    found: dict[str, Any] = orjson.loads(orjson.dumps({**head, "size": len(rows), "items": rows}))
    return found


def _population(workspace: Workspace, audit: str, control: str) -> dict[Resource, Entry]:
    found: dict[Resource, Entry] = {}
    for entry in workspace.ledger.entries(Finding.kind):
        record = entry.record
        if record["audit"] == audit and record["control"] == control:
            if record["resource"] is None:
                raise ConfigError(
                    f"entry {entry.seq}: a member of the population was erased, so nothing can be drawn from it",
                    remedy="audit the period again and draw from that",
                )
            found[record["of_source"] or "", record["resource"]] = entry
    if not found:
        raise ConfigError(
            f"the ledger holds no finding of {control} in audit {audit}",
            remedy="`compliance audit --period A..B` records one; its name is the folder of its reports",
        )
    return found


def _retests(workspace: Workspace, control: str, name: str) -> dict[int, list[str]]:
    """By number of the item: its resource alone does not name it, several sources may have one of that name."""
    found: dict[int, list[str]] = {}
    for entry in workspace.ledger.entries(Attestation.kind):
        record = entry.record
        said = _TESTED.match(record["statement"] or "")
        if said is not None and (record["form"], record["control"], said[1]) == ("retest", control, name):
            found.setdefault(int(said[2]), []).append(record["attestation"])
    return found


def _item(entry: Entry, member: Resource, retests: dict[int, list[str]]) -> Item:
    record = entry.record
    return Item(
        number=record["number"],
        source=member[0],
        resource=member[1],
        verdict=record["verdict"],
        code=record["code"],
        entry=entry.seq,
        retests=tuple(retests.get(record["number"], ())),
    )
