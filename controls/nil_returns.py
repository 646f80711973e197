"""Whether the owners of registers say that they hold what was read: what makes an empty register an answer.

An empty register looks the same whether nothing happened or nobody writes it. So a population that is empty because a
register behind it is, is judged only with a return in date, by the owner that is configured for that register; whatever
the control says of its proof. A control that asks for a nil return (`empty.proof`) needs one for every register that
its population begins with, also for those that hold entries which it does not look at.

- A return names a control (`attest --form nil_return --control`), and then speaks of the registers behind it; or it
  names one register and how many entries that holds, and then counts while as many were read.
- Since it was made the register was never read with another number of entries than now: what came and went again is
  not covered by what was said before.
- It is made by the owner. Who that is stands in the evidence (`kept_register.owner`, else the owner of the source).
- It speaks of a moment at most 35 days ago, not of one ahead; it is neither taken back nor expired.
- Of several by the owner about the same register the newest counts: one that says something else takes its place.

Where no register is behind the population the newest return about the control is enough, whoever makes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from compliance.controls.catalogue import LoadedControl
from compliance.controls.profile import aware, naive, person
from compliance.controls.sql import parse, population
from compliance.schemas.evidence import all_kinds
from compliance.schemas.results import AttestationView, Coverage


class Evidence(Protocol):
    """The evidence at a moment: an `EvidenceBase`, or one moment of a period."""

    def has(self, kind: str) -> bool:
        """Whether there is a table of `kind`."""

    def promised(self, kind: str) -> tuple[Coverage, ...]:
        """Coverage rows of the configured sources that answer for `kind`."""

    def query(self, text: str, parameters: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of one SELECT over one kind."""


LIFE = timedelta(days=35)  # a month and some days of grace: "nothing happened" is said monthly


@dataclass(frozen=True, slots=True)
class Proof:
    """What returns prove of an empty population: when the oldest of them that is needed was made, else what is
    missing, in words that name no person."""

    stated_at: datetime | None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class _Return:
    """A return: by whom, about which register (None: about the control), what it says and of which moment."""

    by: str
    speaks_of: datetime
    said_at: datetime
    of_kind: str | None
    of_source: str | None
    entries: int | None


@dataclass(frozen=True, slots=True)
class _Register:
    """A register behind a population: who answers for it, and how many entries were read."""

    source: str
    kind: str
    owner: str | None
    rows: int


def proof(
    loaded: LoadedControl, base: Evidence, attestations: Sequence[AttestationView], as_of: datetime
) -> Proof | None:
    """What returns prove of the empty population of a control at `as_of`; None where it needs none: the control asks
    for none, and no register behind the population is empty."""
    asked = loaded.control.empty.proof == "nil_return"
    registers = [one for one in _registers(loaded, base) if asked or not one.rows]
    if not registers and not asked:
        return None
    stated = list(_stated(base, attestations, loaded.id, as_of))
    if not registers:
        found = [one for one in stated if one.of_kind is None]
        if not found:
            return Proof(None, "no in-date statement says that nothing happened")
        return Proof(max(one.said_at for one in found))
    relied_on: list[datetime] = []
    for register in registers:
        counted, missing = _newest(base, register, stated)
        if counted is None:
            return Proof(None, missing)
        relied_on.append(counted.said_at)
    return Proof(min(relied_on))


def of_register(
    base: Evidence, attestations: Sequence[AttestationView], source: str, kind: str, as_of: datetime
) -> Proof:
    """What returns prove of one register, whatever control asks."""
    register = _register(base, _owners(base), source, kind)
    counted, missing = _newest(base, register, list(_stated(base, attestations, None, as_of)))
    return Proof(counted.said_at) if counted is not None else Proof(None, missing)


def _newest(base: Evidence, register: _Register, stated: Sequence[_Return]) -> tuple[_Return | None, str]:
    """The return that counts for a register, or why none does."""
    what = f"{register.kind} of {register.source}"
    if register.owner is None:
        return None, f"no owner is configured for the register {what}, so nobody can say that it is complete"
    about = [one for one in stated if one.of_kind in (None, register.kind)]
    about = [one for one in about if one.of_source in (None, register.source)]
    own = [one for one in about if person(one.by) == person(register.owner)]
    if not own:
        others = "; one by somebody else does not count" if about else ""
        return None, f"no in-date return by its owner speaks of the register {what}{others}"
    newest = max(own, key=lambda one: (one.speaks_of, one.said_at))
    if newest.of_kind is not None and newest.entries != register.rows:
        says = "does not say how many entries it holds" if newest.entries is None else f"says {newest.entries} entries"
        return None, f"the newest return of the register {what} {says}, and {register.rows} were read"
    counts = newest.of_kind is not None or not register.rows  # one about a control says no number
    other = _read_otherwise(base, register, newest.said_at) if counts else None
    if other is not None:
        said = f"{register.rows} entries were read of the register {what}, and {other} after its newest return"
        return None, f"{said}: its owner states it again"
    return newest, ""


def _read_otherwise(base: Evidence, register: _Register, since: datetime) -> int | None:
    """Another number of entries than now with which the register was read after `since`, if it was."""
    if not base.has("collection"):
        return None
    ((other,),) = base.query(
        "SELECT max(rows) FROM collection WHERE of_source = $source AND of_kind = $kind AND outcome = 'complete' "
        "AND rows <> $rows AND started_at > $since",
        {"source": register.source, "kind": register.kind, "rows": register.rows, "since": naive(since)},
    )[1]
    return None if other is None else int(other)


def _stated(
    base: Evidence, attestations: Sequence[AttestationView], control: str | None, as_of: datetime
) -> Iterator[_Return]:
    """Every return about a register, and those about the control: in date at `as_of`, and not taken back."""
    for one in _recorded(base, attestations, control, as_of):
        if one.said_at <= as_of and timedelta(0) <= as_of - one.speaks_of <= LIFE:
            yield one


def _recorded(
    base: Evidence, attestations: Sequence[AttestationView], control: str | None, as_of: datetime
) -> Iterator[_Return]:
    for view in attestations:
        about_control = view.of_kind is None and view.control is not None and view.control == control
        if view.form == "nil_return" and view.in_date and (about_control or view.of_kind is not None):
            yield _Return(
                view.by_person, view.occurred_at, view.occurred_at, view.of_kind, view.of_source, view.entries
            )
    if not base.has("register_return"):
        return
    _, rows = base.query(
        "SELECT by_person, returned_at, covers_until, of_kind, of_source, entries, expires_at FROM register_return "
        "WHERE returned_at IS NOT NULL AND by_person IS NOT NULL AND of_kind IS NOT NULL",
        {},
    )
    for by, returned_at, covers_until, of_kind, of_source, entries, expires_at in rows:
        if covers_until is None or (expires_at is not None and aware(expires_at) <= as_of):
            continue  # it does not say of which time it speaks, or is over
        where = None if of_source == "*" else of_source
        yield _Return(by, aware(min(returned_at, covers_until)), aware(returned_at), of_kind, where, entries)


def _registers(loaded: LoadedControl, base: Evidence) -> list[_Register]:
    """The registers that must be spoken for, one per source that promises the kind: those that the population begins
    with, and empty ones among those that it is narrowed down with."""
    owners = _owners(base)
    found = []
    for kind, begins in _behind(loaded.sql, loaded.path):
        for row in base.promised(kind):
            register = _register(base, owners, row.source, kind)
            if begins or not register.rows:
                found.append(register)
    return found


@lru_cache(maxsize=1024)
def _behind(text: str, path: Path) -> tuple[tuple[str, bool], ...]:
    """The kinds of registers behind the population of a query, in order, and whether it begins with them. Over a period
    this is asked at every moment."""
    found = sorted(population(parse(text, path)).items())
    return tuple((kind, begins) for kind, begins in found if kind in all_kinds() and all_kinds()[kind].kept)


def _register(base: Evidence, owners: Mapping[tuple[str, str | None], str], source: str, kind: str) -> _Register:
    text = f'SELECT count(*) FROM "{kind}" WHERE source = $source'  # noqa: S608 -- a declared kind
    ((count,),) = base.query(text, {"source": source})[1]
    return _Register(source, kind, owners.get((source, kind)) or owners.get((source, None)), count)


def _owners(base: Evidence) -> dict[tuple[str, str | None], str]:
    """Who answers for the register of a kind (None: for every one) of a source."""
    found: dict[tuple[str, str | None], str] = {}
    if base.has("source"):
        for name, owner in base.query("SELECT name, owner FROM source WHERE owner IS NOT NULL", {})[1]:
            found[name, None] = owner
    if base.has("kept_register"):
        for source, kind, owner in base.query(
            "SELECT source, of_kind, owner FROM kept_register WHERE owner IS NOT NULL", {}
        )[1]:
            found[source, kind] = owner
    return found
