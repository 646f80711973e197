"""The six framework catalogues and the list of planned controls: complete, bilingual, linked to what exists."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from compliance.controls.catalogue import OWN, control_files
from compliance.controls.yaml_file import read
from compliance.schemas.catalogue import (
    FRAMEWORKS,
    PROFILE_FLAGS,
    Framework,
    Link,
    PlannedFile,
    Requirement,
    Text,
)

COUNTS = {"soc2": 61, "iso27001": 123, "pci_dss": 280, "ferpa": 75, "gdpr": 123, "lfpdppp": 126}
# direct and supporting pairs: a link that goes missing would weaken a requirement in silence
PAIRS = {
    "soc2": (150, 112),
    "iso27001": (175, 153),
    "pci_dss": (141, 77),
    "ferpa": (29, 33),
    "gdpr": (59, 99),
    "lfpdppp": (67, 96),
}
IMPLEMENTED = {f"{path.parent.name}.{path.stem}" for path in control_files(OWN)}
CONTROLS = 183  # evaluated and planned together: one that goes missing would go in silence


@cache
def framework(name: str) -> Framework:
    return read(path_of(name), Framework)[0]


@cache
def planned() -> PlannedFile:
    return read(OWN / "planned.yaml", PlannedFile)[0]


def path_of(name: str) -> Path:
    return OWN / "frameworks" / f"{name}.yaml"


def links(requirement: Requirement) -> list[Link]:
    return [*requirement.direct, *requirement.supporting]


def texts(one: Framework) -> Iterator[tuple[str, Text]]:
    yield from (("name", one.name), ("text_notice", one.text_notice), ("requirement_word", one.requirement_word))
    yield from ((f"notes[{n}]", note) for n, note in enumerate(one.notes))
    yield from ((f"conditions.{flag}", text) for flag, text in one.conditions.items())
    for group in one.groups:
        yield group.id, group.title
        yield from ((requirement.id, requirement.title) for requirement in group.requirements)
        yield from ((f"{r.id} brings", r.brings) for r in group.requirements if r.brings)
    yield from ((asked.flag, asked.title) for asked in one.questionnaires)


each = pytest.mark.parametrize("name", FRAMEWORKS)


@each
def test_every_identifier_is_there_once(name: str) -> None:
    one = framework(name)
    assert one.id == name
    ids = [requirement.id for requirement in one.requirements]
    assert [requirement for requirement, times in Counter(ids).items() if times > 1] == []
    assert len(ids) == COUNTS[name]
    assert [group.id for group in one.groups if not group.requirements] == []
    assert len({group.id for group in one.groups}) == len(one.groups)


def test_parts_have_their_known_sizes() -> None:
    annex = Counter(r.id.split(".")[1] for r in framework("iso27001").requirements if r.id.startswith("A."))
    assert annex == {"5": 37, "6": 8, "7": 14, "8": 34}
    assert sum(r.id.startswith("CC") for r in framework("soc2").requirements) == 33
    pci = framework("pci_dss").requirements
    assert sum(r.id.startswith("A") for r in pci) == 30
    assert sum(r.effective is not None for r in pci) == 51


@each
def test_texts_are_there_in_both_languages(name: str) -> None:
    one = framework(name)
    lacking = [where for where, text in texts(one) if not text.en.strip() or not (text.es or "").strip()]
    assert lacking == []
    same = [where for where, text in texts(one) if text.en == text.es]
    assert same == []
    assert all(field.strip() for field in (one.short, one.edition, one.authority))
    assert one.notes


@each
def test_no_two_requirements_share_a_title(name: str) -> None:
    """Two requirements under one title are two requirements a reader cannot tell apart."""
    for language in ("en", "es"):
        titles = Counter(requirement.title.in_(language) for requirement in framework(name).requirements)
        assert [title for title, times in titles.items() if times > 1] == []


@each
def test_every_link_names_a_control_that_exists_or_is_planned(name: str) -> None:
    known = {*IMPLEMENTED, *(control.id for control in planned().controls)}
    unknown = [(r.id, link.control) for r in framework(name).requirements for link in links(r)]
    assert [pair for pair in unknown if pair[1] not in known] == []


@each
def test_no_control_is_linked_twice_to_one_requirement(name: str) -> None:
    for requirement in framework(name).requirements:
        assert [c for c, n in Counter(link.control for link in links(requirement)).items() if n > 1] == []


@each
def test_no_link_got_lost(name: str) -> None:
    requirements = framework(name).requirements
    assert (sum(len(r.direct) for r in requirements), sum(len(r.supporting) for r in requirements)) == PAIRS[name]


def test_every_control_bears_on_something() -> None:
    linked = {link.control for name in FRAMEWORKS for r in framework(name).requirements for link in links(r)}
    assert linked == {*IMPLEMENTED, *(control.id for control in planned().controls)}


@each
def test_every_condition_is_declared_and_used(name: str) -> None:
    one = framework(name)
    used = {requirement.condition for requirement in one.requirements if requirement.condition}
    assert used == set(one.conditions)


def test_a_flag_means_the_same_everywhere() -> None:
    meanings: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
    for flag, text in PROFILE_FLAGS.items():
        meanings[flag].add((text.en, text.es))
    for name in FRAMEWORKS:
        for flag, text in framework(name).conditions.items():
            meanings[flag].add((text.en, text.es))
    assert [flag for flag, said in meanings.items() if len(said) > 1] == []


@each
def test_requirements_can_be_decided(name: str) -> None:
    """Full needs a direct control; what is not full needs a form of manual evidence."""
    for requirement in framework(name).requirements:
        if requirement.automation == "full":
            assert requirement.direct, requirement.id
        else:
            assert requirement.manual, requirement.id


def test_no_soc2_criterion_is_met_by_queries_alone() -> None:
    assert [r.id for r in framework("soc2").requirements if r.automation == "full"] == []


def test_why_is_said_for_each_pair() -> None:
    said: dict[str, list[str]] = defaultdict(list)
    for name in FRAMEWORKS:
        for requirement in framework(name).requirements:
            for link in links(requirement):
                assert len(link.why.split()) >= 5, (requirement.id, link)
                said[link.control].append(link.why)
    assert [control for control, whys in said.items() if len(whys) > 1 and len(set(whys)) == 1] == []
    repeated = Counter(why for whys in said.values() for why in whys)
    assert [why for why, times in repeated.items() if times > 1] == []


def test_planned_controls_are_bilingual_and_not_implemented() -> None:
    controls = planned().controls
    ids = [control.id for control in controls]
    assert len({*IMPLEMENTED, *ids}) == CONTROLS
    assert IMPLEMENTED & set(ids) == set()
    for control in controls:
        assert control.title.en, control.id
        assert control.title.es, control.id
        assert control.title.en != control.title.es, control.id
        assert control.needs, control.id
        assert control.from_, control.id
        assert control.applies_if is None or control.applies_if in PROFILE_FLAGS, control.id


@pytest.mark.parametrize("path", [*(path_of(name) for name in FRAMEWORKS), OWN / "planned.yaml"], ids=lambda p: p.stem)
def test_files_can_be_read_by_people(path: Path) -> None:
    assert path.stat().st_size < 1 << 20
    assert max(len(line) for line in path.read_text(encoding="utf-8").splitlines()) <= 140


def test_every_edition_is_told_to_readers_of_spanish() -> None:
    for item in map(framework, COUNTS):
        assert item.edition_es, item.id
        assert not re.search(r"\b(published|Law|June|Amendment|section|articles|as in force)\b", item.edition_es)
