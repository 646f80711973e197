"""Controls of others: a folder given by hand, a configured one, and a pack that is installed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.helpers import Place, code_source, place_below, repository

PACK = Path(__file__).resolve().parents[2] / "examples" / "pack"
DEFINITIONS = PACK / "house_rules" / "definitions"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    clone = repository(tmp_path / "shop")
    return place_below(tmp_path).configure(code_source(clone))


def installed(folder: Path) -> str:
    """The example pack as pip leaves it; gives the path to import it from."""
    shutil.copytree(PACK / "house_rules", folder / "house_rules")
    info = folder / "compliance_pack_house_rules-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: compliance-pack-house-rules\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text("[compliance.controls]\nhouse_rules = house_rules:definitions\n")
    return str(folder)


@pytest.mark.parametrize("command", ["lint", "test", "mutate"])
def test_the_example_holds(place: Place, command: str) -> None:
    lints = command == "lint"
    names = (str(DEFINITIONS / "checks/house/service_owners.yaml"),) if lints else ("house.service_owners",)

    done = place.run("controls", command, "--controls", str(DEFINITIONS), *names)

    assert done.code == 0, done.out + done.words


def test_an_audit_by_a_folder_given_by_hand(place: Place) -> None:
    done = place.run("audit", "house_rules", "--controls", str(DEFINITIONS), "-o", "papers", timeout=300)

    assert done.code == 3, done.words
    assert list(place.folder.glob("papers/*/*.pdf"))
    results = [json.loads(path.read_text()) for path in place.folder.glob("papers/*/house_rules*.json")]
    assert results
    assert "house.service_owners" in json.dumps(results)


def test_a_configured_folder_starts_at_the_configuration_and_is_audited_by_itself(place: Place) -> None:
    shutil.copytree(DEFINITIONS, place.folder / "ours")
    text = (place.folder / "compliance.toml").read_text()
    place.configure('[controls]\nfolders = ["ours"]\n' + text)

    assert "house_rules" in place.run("frameworks", "list").out
    judged = place.run("gate", "--format", "json").json
    assert "house_rules" in judged["frameworks"]
    shown = place.run("controls", "show", "house.service_owners")
    assert "house_rules H1" in shown.out


def test_an_installed_pack_counts_only_when_it_is_named(place: Place, tmp_path: Path) -> None:
    there = Place(place.folder, {"PYTHONPATH": installed(tmp_path / "site")})
    text = (place.folder / "compliance.toml").read_text()

    assert "house.service_owners" not in there.run("controls", "list").out

    place.configure('[controls]\npacks = ["house_rules"]\n' + text)
    assert "house.service_owners" in there.run("controls", "list").out


def test_a_pack_that_is_not_there(place: Place, tmp_path: Path) -> None:
    there = Place(place.folder, {"PYTHONPATH": installed(tmp_path / "site")})
    place.configure('[controls]\npacks = ["house_rule"]\n')

    done = there.run("controls", "list")

    assert done.code == 2
    assert "no pack of controls is called 'house_rule'; did you mean" in done.words


def test_a_pack_redefines_nothing(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "theirs" / "checks" / "infra"
    folder.mkdir(parents=True)
    for suffix in (".yaml", ".sql"):
        ours = Path(__file__).resolve().parents[2] / "controls/checks/infra/clock_sync"
        shutil.copy(ours.with_suffix(suffix), folder)

    done = place.run("gate", "soc2", "--controls", str(tmp_path / "theirs"))

    assert done.code == 2
    assert "infra.clock_sync is defined already" in done.words
