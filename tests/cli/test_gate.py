"""The gate: thresholds, baselines, undecided controls, and the files that build systems read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from tests.cli.helpers import Place

JUDGE = ("gate", "--no-collect", "--format", "json")
LATER = f"{datetime.now(UTC).year + 1}-01-01"
RANK = {"critical": 0, "high": 1, "medium": 2, "low": 3}


def test_a_violation_at_the_threshold_is_1_and_below_it_never_held(copy: Place) -> None:
    low = copy.run(*JUDGE, "soc2").json
    severities = {v["severity"] for v in low["violations"]}
    assert severities
    worst = min(severities, key=lambda s: RANK[s])
    done = copy.run(*JUDGE, "soc2", "--fail-on", worst)
    assert done.code == 1
    assert {v["severity"] for v in done.json["violations"]} == {worst}
    stricter = [s for s in RANK if RANK[s] < RANK[worst]]
    for severity in stricter[-1:]:
        above = copy.run(*JUDGE, "soc2", "--fail-on", severity)
        assert above.code == 3
        assert above.json["violations"] == []
        assert len(above.json["below_threshold"]) == len(low["violations"])
        assert copy.run(*JUDGE, "soc2", "--fail-on", severity, "--allow-unknown").code == 0


def test_one_exit_code_over_several_frameworks(copy: Place) -> None:
    alone = copy.run(*JUDGE, "ferpa", "--fail-on", "critical")
    both = copy.run(*JUDGE, "ferpa", "soc2")
    assert alone.code == 3
    assert both.code == 1
    assert both.json["exit_code"] == 1
    assert both.json["frameworks"] == ["ferpa", "soc2"]


def test_a_baseline_sets_known_violations_aside_until_it_ends(copy: Place) -> None:
    written = copy.run(*JUDGE, "soc2", "--write-baseline", "known.json", "--baseline-expires", LATER)
    assert written.code == 1
    assert "known violations to known.json" in written.err
    with_it = copy.run(*JUDGE, "soc2", "--new-only", "--baseline", "known.json")
    assert with_it.code == 3
    assert with_it.json["violations"] == []
    assert with_it.json["known"]
    assert copy.run(*JUDGE, "soc2", "--baseline", "known.json").code == 1

    file = copy.folder / "known.json"
    ended = json.loads(file.read_text())
    ended["expires"] = "2020-01-01T00:00:00Z"
    file.write_text(json.dumps(ended))
    over = copy.run(*JUDGE, "soc2", "--new-only", "--baseline", "known.json")
    assert over.code == 1
    assert over.json["baseline"]["state"] == "expired"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--write-baseline", "b.json"), "a baseline has an end"),
        (("--baseline-expires", LATER), "go together"),
        (("--write-baseline", "b.json", "--baseline-expires", "2020-01-01"), "over before it begins"),
        (("--new-only",), "give --baseline FILE"),
        (("--new-only", "--baseline", "nothing.json"), "nothing.json"),
        (("--format", "json,sarif"), "several formats need a folder"),
        (("--fail-on", "bad"), "critical"),
    ],
)
def test_wrong_use_is_2_before_anything_is_judged(collected: Place, arguments: tuple[str, ...], said: str) -> None:
    done = collected.run("gate", "--no-collect", *arguments)
    assert done.code == 2
    assert said in done.err
    assert done.out == ""
    assert not (collected.folder / "b.json").exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "other/1"}'])
def test_a_broken_baseline_is_2(copy: Place, text: str) -> None:
    (copy.folder / "broken.json").write_text(text)
    done = copy.run("gate", "--no-collect", "--new-only", "--baseline", "broken.json")
    assert done.code == 2
    assert "broken.json" in done.err
    assert "hint: " in done.err


def test_files_for_build_systems_tell_the_same(copy: Place) -> None:
    done = copy.run("gate", "soc2", "--no-collect", "--format", "text,json,sarif,junit", "-o", "results")
    assert done.code == 1
    assert done.out == ""
    folder = copy.folder / "results"
    assert {path.name for path in folder.iterdir()} == {"gate.txt", "gate.json", "gate.sarif", "gate.junit.xml"}
    told = json.loads((folder / "gate.json").read_text())
    assert told["exit_code"] == 1
    sarif = json.loads((folder / "gate.sarif").read_text())
    prints = {v["fingerprint"] for v in told["violations"]}
    in_sarif = {p for r in sarif["runs"][0]["results"] for p in r.get("partialFingerprints", {}).values()}
    assert prints <= in_sarif
    suites = ElementTree.parse(folder / "gate.junit.xml").getroot()
    assert sum(1 for _ in suites.iter("failure")) > 0
    assert "exit code: 1" in (folder / "gate.txt").read_text()
