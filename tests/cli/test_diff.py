"""Two audits of a real clone compared, and the row of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.helpers import Place, code_source, place_below, repository

AUDIT = ("gate", "soc2", "--format", "json")


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Five audits: a secret in one clone, twice; another clone with one; the first is away; it is back."""
    folder = tmp_path_factory.mktemp("audited")
    clone = repository(folder / "shop")
    place = place_below(folder)
    configuration = '[organisation]\nname = "Example School"\n' + code_source(clone)
    place.configure(configuration)
    assert place.run(*AUDIT).code == 1
    assert place.run(*AUDIT, "--no-collect").code == 1
    other = repository(folder / "blog")
    place.configure(configuration.replace(f'"{clone}"', f'"{clone}", "{other}"'))
    assert place.run(*AUDIT).code == 1
    clone.rename(folder / "away")
    place.run(*AUDIT)
    (folder / "away").rename(clone)
    assert place.run(*AUDIT).code == 1
    return place


def audits(place: Place) -> list[str]:
    return [step["audit"] for step in place.run("trend", "--json").json]


def test_nothing_changed(audited: Place) -> None:
    first, second, *_ = audits(audited)

    done = audited.run("diff", first, second, "--json")

    assert done.code == 0, done.words
    assert {item["change"] for item in done.json["differences"]} == {"still"}
    assert done.json["definitions_changed"] == []


def test_what_is_new_comes_from_evidence(audited: Place) -> None:
    _, second, third, *_ = audits(audited)

    done = audited.run("diff", second, third, "--json")

    assert done.code == 1
    new = [item for item in done.json["differences"] if item["change"] == "new"]
    assert [item["cause"] for item in new] == ["evidence"] * len(new)
    assert new
    assert all("blog" in item["resource"] for item in new)


def test_a_source_that_cannot_be_read_fixes_nothing(audited: Place) -> None:
    _, _, third, fourth, fifth = audits(audited)

    done = audited.run("diff", third, fourth, "--json")
    assert done.json["counts"]["fixed"] == done.json["counts"]["gone"] == 0

    back = audited.run("diff", fourth, fifth, "--json")
    assert back.json["counts"]["new"] == 0


def test_without_names_the_last_two_are_compared(audited: Place) -> None:
    *_, fourth, fifth = audits(audited)

    done = audited.run("diff", "--json")

    assert (done.json["then"]["audit"], done.json["now"]["audit"]) == (fourth, fifth)


def test_the_row_of_audits(audited: Place) -> None:
    steps = audited.run("trend", "--json").json

    assert len(steps) == 5
    assert steps[0]["changes"] is None
    assert steps[1]["changes"]["new"] == 0
    assert steps[2]["changes"]["new"] > 0
    assert steps[2]["failing"] == steps[1]["failing"] + steps[2]["changes"]["new"]
    assert len(audited.run("trend", "--last", "2", "--json").json) == 2
    assert "5 audits" in audited.run("trend").words


def test_a_name_of_no_audit_and_a_wrong_order(audited: Place) -> None:
    first, second, *_ = audits(audited)

    unknown = audited.run("diff", first, "nothing")
    assert unknown.code == 2
    assert "is no audit in the ledger" in unknown.words

    turned = audited.run("diff", second, first)
    assert turned.code == 2
    assert "name the earlier one first" in turned.words


def test_a_number_set_by_the_organisation_is_a_change_of_definition(audited: Place, tmp_path: Path) -> None:
    shutil.copytree(audited.folder, tmp_path / "work")
    shutil.copytree(audited.home, tmp_path / "work-home")
    place = Place(tmp_path / "work")
    text = (place.folder / "compliance.toml").read_text()
    place.configure(text + '[parameters."access.dormant_disabled"]\ndays = 30\n')
    place.run(*AUDIT, "--no-collect")

    done = place.run("diff", "--json")

    assert done.json["definitions_changed"] == ["access.dormant_disabled"]


def test_one_audit_is_not_enough(tmp_path: Path) -> None:
    clone = repository(tmp_path / "shop")
    place = place_below(tmp_path).configure(code_source(clone))
    place.run(*AUDIT)

    done = place.run("diff")

    assert done.code == 2
    assert "holds 1 finished audits; two are needed" in done.words
