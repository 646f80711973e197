"""Samples: drawn by a seed, recorded, and drawn again by ten lines that know nothing of us."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from compliance.app import samples, verdicts
from compliance.controls.period import sampling
from compliance.ledger import Draft
from compliance.schemas.errors import ConfigError
from compliance.schemas.kinds.engine import Finding, Outcome
from compliance.schemas.kinds.host import ListeningSocket
from tests.app import years
from tests.app.years import DAY, Year, only, utc

NAME = "net.datastores_private"


@pytest.fixture
def year(tmp_path: Path) -> Iterator[Year]:
    opened = years.opened(tmp_path, utc(2026, 1, 1, 0))
    with opened.ledger:
        opened.declare(web=["listening_socket"])
        common = {"asset": "a", "protocol": "tcp", "address": "::1", "is_data_store": True, "exposure": "private"}
        rows = [ListeningSocket(port=n, **common) for n in range(20)]
        opened.at(utc(2026, 1, 1)).read("listening_socket", rows)
        yield opened.at(utc(2026, 1, 1) + DAY)


def by_hand(members: list[tuple[str, str]], seed: str, size: int) -> list[tuple[str, str]]:
    """The recipe of the documentation, again."""
    ranked = []
    for source, resource in members:
        rank = hashlib.sha256(seed.encode() + b"\0" + source.encode() + b"\0" + resource.encode()).hexdigest()
        ranked.append((rank, source, resource))
    return [(source, resource) for _, source, resource in sorted(ranked)[:size]]


def test_a_draw_is_the_same_elsewhere_and_does_not_hang_on_the_order() -> None:
    members = [(f"s{n % 3}", f"r{n}") for n in range(50)]
    drawn = sampling.draw(members, "seed ñ", 7)
    assert drawn == by_hand(members, "seed ñ", 7) == sampling.draw(reversed(members), "seed ñ", 7)
    assert drawn != sampling.draw(members, "another", 7)
    assert sampling.draw(members, "seed ñ", 9)[:7] == drawn
    assert len(sampling.draw(members, "seed", 99)) == 50


def test_the_rank_is_what_a_shell_computes() -> None:
    said = subprocess.run(
        ["sh", "-c", r"printf '%s\0%s\0%s' s web 'a b' | sha256sum"], capture_output=True, text=True, check=True
    )
    assert said.stdout.split()[0] == sampling._rank("s", ("web", "a b")).hex()


def test_a_recorded_draw_is_drawn_again_and_tested(year: Year) -> None:
    result = year.over("2026-01-01..2026-01-01", only(NAME))
    verdicts.record(year.workspace, result)
    drawn = samples.draw(year.workspace, result.audit, NAME, size=5, seed="7", by="Ana Auditora")
    population = result.period.controls[NAME].population if result.period else None
    assert population is not None
    assert (drawn.population, drawn.population_sha256) == (20, population.sha256)
    members = [(one.source or "", one.resource) for one in result.controls[NAME].findings]
    assert [(item.source, item.resource) for item in drawn.items] == by_hand(members, "7", 5)
    first = drawn.items[0]
    said = samples.retest(year.workspace, drawn.sample, first.number, found="held", by="Ana", reviewed_by="Ben")
    again = samples.show(year.workspace, drawn.sample)
    assert again.items[0].retests == (said,)
    (recorded,) = year.ledger.entries("attestation")
    assert recorded.record["form"] == "retest"  # a control that passes by a sample of runs does not pass by this
    assert [item.resource for item in again.items] == [item.resource for item in drawn.items]


def test_a_test_of_one_member_is_none_of_another_that_is_named_alike(year: Year) -> None:
    samples_of = [Draft("finding", _finding(n, source)) for n, source in enumerate(("web", "db"), start=1)]
    year.ledger.append(samples_of)
    drawn = samples.draw(year.workspace, "A", NAME, size=2, seed="7", by="Ana")
    said = samples.retest(year.workspace, drawn.sample, 1, found="held", by="Ana", reviewed_by="Ben")
    again = {item.number: item.retests for item in samples.show(year.workspace, drawn.sample).items}
    assert again == {1: (said,), 2: ()}


def _finding(number: int, source: str) -> Finding:
    return Finding(
        occurred_at=utc(2026, 1, 1),
        audit="A",
        control=NAME,
        number=number,
        of_source=source,
        resource="root",
        verdict=Outcome.PASS,
        code="inside",
        reason="r",
        rests_on=[1],
    )


def test_what_cannot_be_drawn_is_refused(year: Year) -> None:
    with pytest.raises(ConfigError, match="no finding of"):
        samples.draw(year.workspace, "none", NAME, size=5, seed="7", by="Ana")
    with pytest.raises(ConfigError, match="no sample is called"):
        samples.show(year.workspace, "S-1")
    with pytest.raises(ConfigError, match="a seed"):
        samples.draw(year.workspace, "none", NAME, size=5, seed=" ", by="Ana")


def test_a_definition_is_kept_once(year: Year) -> None:
    for _ in range(2):
        verdicts.record(year.workspace, year.over("2026-01-01..2026-01-01", only(NAME)))
    (kept,) = year.ledger.entries("control_definition")
    loaded = only(NAME).controls[NAME]
    assert kept.record["yaml"].encode() == loaded.yaml
    assert (
        hashlib.sha256(kept.record["yaml"].encode() + b"\0" + kept.record["sql"].encode()).hexdigest() == loaded.sha256
    )
