"""Declared flags and manual evidence, read at a moment."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from compliance.controls import profile
from compliance.controls.evidence_base import EvidenceBase
from compliance.schemas.canonical import instant
from tests.controls.given import AS_OF

Build = Callable[..., EvidenceBase]
DAY = timedelta(days=1)


def flag(days: float, value: bool = False, name: str = "eu_subjects") -> dict[str, Any]:
    return {"flag": name, "value": value, "declared_by": "dpo", "declared_at": instant(AS_OF - days * DAY)}


@pytest.mark.parametrize(("days", "in_date"), [(0, True), (366, True), (366.001, False)])
def test_a_declaration_lives_366_days(base: Build, days: float, in_date: bool) -> None:
    (view,) = profile.flags(base(profile_flag=[flag(days)]), AS_OF)
    assert (view.flag, view.value, view.in_date, view.entry) == ("eu_subjects", False, in_date, 1000)


def test_the_newest_declaration_counts_and_none_of_tomorrow(base: Build) -> None:
    evidence = base(profile_flag=[flag(3), flag(2, True), flag(-1, False), flag(1, True, "sharding")])
    assert [(view.flag, view.value) for view in profile.flags(evidence, AS_OF)] == [
        ("eu_subjects", True),
        ("sharding", True),
    ]


def test_a_declaration_that_cannot_be_read_declares_nothing(base: Build) -> None:
    unread = [{**flag(1), "value": None}, {**flag(1), "declared_at": "spring"}, {**flag(1), "flag": None}]
    assert profile.flags(base(profile_flag=unread), AS_OF) == ()


def test_an_unreadable_newer_declaration_does_not_bring_an_older_one_back(base: Build) -> None:
    assert profile.flags(base(profile_flag=[flag(3), {**flag(1), "value": None}]), AS_OF) == ()


@pytest.mark.parametrize("values", [(True, False), (False, True)])
def test_of_two_declarations_in_one_moment_it_is_so_counts(base: Build, values: tuple[bool, bool]) -> None:
    (view,) = profile.flags(base(profile_flag=[flag(1, value) for value in values]), AS_OF)
    assert view.value is True


def attestation(name: str = "e1", **changed: Any) -> dict[str, Any]:
    return {
        "attestation": name,
        "occurred_at": instant(AS_OF - DAY),
        "form": "document",
        "requirements": ["soc2:CC1.1"],
        "statement": "approved",
        "by_person": "Ana",
        "expires_at": instant(AS_OF + DAY),
        **changed,
    }


@pytest.mark.parametrize(
    ("changed", "in_date"),
    [({}, True), ({"expires_at": instant(AS_OF)}, False), ({"expires_at": instant(AS_OF - DAY)}, False)],
)
def test_an_attestation_lives_until_its_expiry(base: Build, changed: dict[str, Any], in_date: bool) -> None:
    (view,) = profile.attestations(base(attestation=[attestation(**changed)]), AS_OF)
    assert (view.attestation, view.requirements, view.in_date) == ("e1", ("soc2:CC1.1",), in_date)


def test_what_is_taken_back_is_out_of_date_and_so_is_the_taking_back(base: Build) -> None:
    evidence = base(attestation=[attestation(), attestation("e2", revokes="e1"), attestation("e3")])
    assert {view.attestation: view.in_date for view in profile.attestations(evidence, AS_OF)} == {
        "e1": False,
        "e2": False,
        "e3": True,
    }


def test_a_taking_back_without_readable_expiry_still_takes_back(base: Build) -> None:
    evidence = base(attestation=[attestation(), attestation("e2", revokes="e1", expires_at="never")])
    assert {view.attestation: view.in_date for view in profile.attestations(evidence, AS_OF)} == {"e1": False}


def test_an_activity_of_tomorrow_and_an_unreadable_expiry_are_no_evidence(base: Build) -> None:
    later = attestation("e1", occurred_at=instant(AS_OF + DAY))
    unread = attestation("e2", expires_at="never")
    assert profile.attestations(base(attestation=[later, unread]), AS_OF) == ()


@pytest.mark.parametrize(
    ("by_person", "reviewed_by", "expected"),
    [("Ana", "Luis", True), ("Ana", " ana", False), ("Ana", None, False), (None, "Luis", False)],
)
def test_a_review_is_by_a_named_second_person(
    base: Build, by_person: str | None, reviewed_by: str | None, expected: bool
) -> None:
    row = attestation(by_person=by_person, reviewed_by=reviewed_by)
    (view,) = profile.attestations(base(attestation=[row]), AS_OF)
    assert profile.reviewed_by_another(view) is expected


@pytest.mark.parametrize(
    "other",
    [
        "ana  RUÍZ ",
        unicodedata.normalize("NFD", "Ana Ruíz"),
        "Ana\N{NO-BREAK SPACE}Ruíz",
        "Ana\N{ZERO WIDTH SPACE} Ruíz",
        "Ana\N{SOFT HYPHEN} Ruíz\N{RIGHT-TO-LEFT MARK}",
    ],
)
def test_what_looks_like_one_name_is_one_person(base: Build, other: str) -> None:
    assert profile.person(other) == profile.person("Ana Ruíz") != profile.person("Ana Ruiz")
    found = base().query("SELECT folded($a) = $b", {"a": other, "b": profile.person("Ana Ruíz")})
    assert found[1] == [(True,)]
