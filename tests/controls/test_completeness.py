"""Every requirement says what decides it, and none claims more than its links do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compliance.controls import catalogue, completeness
from compliance.controls.catalogue import Catalogue
from compliance.schemas.catalogue import Framework

OURS = catalogue.load()


def changed(framework: str, requirement: str, **values: Any) -> Catalogue:
    """Ours with one requirement of one framework changed, and no other framework."""
    content = OURS.frameworks[framework].model_dump(mode="json")
    for group in content["groups"]:
        for item in group["requirements"]:
            if item["id"] == requirement:
                item.update(values)
    return replace(OURS, frameworks={framework: Framework.model_validate(content)})


def test_all_of_ours_are_complete() -> None:
    assert [str(problem) for problem in completeness.problems(OURS)] == []
    assert sum(len(framework.requirements) for framework in OURS.frameworks.values()) == 788


LINK = {"control": "gov.roles", "why": "Helps to see who answers."}


@pytest.mark.parametrize(
    ("requirement", "values", "said"),
    [
        ("CC1.1", {"manual": []}, "no form of what a person brings is named"),
        ("CC1.1", {"brings": None}, "is not said (brings)"),
        ("CC1.1", {"brings": {"en": "The code", "es": " "}}, "in one language only"),
        ("CC1.1", {"automation": "full", "manual": [], "brings": None}, "has no direct one"),
        ("CC1.3", {"automation": "full"}, "names what a person brings"),
        ("CC1.3", {"automation": "full", "manual": [], "direct": [LINK]}, "gov.roles says 'Helps' of itself"),
        ("CC1.3", {"automation": "full", "manual": [], "direct": [{**LINK, "control": "x.y"}]}, "x.y is only planned"),
    ],
)
def test_what_is_missing_or_claimed_is_named(requirement: str, values: dict[str, Any], said: str) -> None:
    found = [problem.message for problem in completeness.problems(changed("soc2", requirement, **values))]
    assert any(message.startswith(f"soc2 {requirement}: ") and said in message for message in found), found


def test_limits_of_a_direct_control_say_what_a_person_covers() -> None:
    assert completeness.problems(changed("soc2", "CC1.3", brings=None)) == []
