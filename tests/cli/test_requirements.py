"""What decides each requirement, what a person brings, and the verdict: from registers, statements and parameters."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdf
import pytest

from tests.cli.helpers import Done, Place

TODAY = datetime.now(UTC).date()
CONFIGURATION = """
[organisation]
name = "Example School"
[sources.desk]
collector = "registers"
folder = "."
owner = "compliance officer"
time_zone = "UTC"
[sources.desk.registers.management_review]
[sources.desk.registers.soa_entry]
"""
ANNEX = [f"A.{theme}.{n}" for theme, last in ((5, 37), (6, 8), (7, 14), (8, 34)) for n in range(1, last + 1)]


def day(ago: int) -> str:
    return str(TODAY - timedelta(days=ago))


def state(place: Place, changed: dict[str, str] | None = None, approved: int = 30) -> None:
    """The statement of applicability, all included but for the rows given, and read anew."""
    rows = [(changed or {}).get(name, f"{name},yes,treatment plan,7,P-004,{day(approved)}") for name in ANNEX]
    header = "control,is_included,justification,version,approved_by,approved_at"
    (place.folder / "soa_entry.csv").write_text("\n".join([header, *rows, ""]))
    done = place.run("collect", "-q")
    assert done.code == 0, done.words


@pytest.fixture
def desk(place: Place) -> Place:
    """A folder with a review by management in date and a whole statement of applicability, both read."""
    header = "review,held_at,chaired_by,inputs_complete,decisions_recorded,minutes_ref"
    (place.folder / "management_review.csv").write_text(f"{header}\nMR-1,{day(40)},P-004,yes,yes,MR-1.pdf\n")
    place.configure(CONFIGURATION)
    state(place)
    return place


def asked(place: Place, framework: str, *options: str) -> Done:
    return place.run("frameworks", "requirements", framework, "-q", *options)


def rows(place: Place, framework: str, *options: str) -> dict[str, Any]:
    """The requirements by id, from the JSON."""
    done = asked(place, framework, "--format", "json", *options)
    (one,) = done.json["frameworks"]
    fails = any(item["verdict"] == "fail" for item in one["requirements"])
    assert done.code == (1 if fails else 3), done.err
    return {item["id"]: item for item in one["requirements"]}


def attest(place: Place, *options: str, on: int = 3, expires: int = -30) -> str:
    done = place.run(
        "attest", "The minutes were read", "--form", "document", "--requirement", "iso27001:9.3.1", "--on", day(on),
        "--expires", day(expires), "--by", "Ana Ruiz", *options,
    )  # fmt: skip
    assert done.code == 0, done.err
    return done.out.strip()


def test_a_document_makes_it_pass_and_its_end_takes_it_back(desk: Place) -> None:
    (desk.folder / "minutes.pdf").write_text("what was decided")
    before = rows(desk, "iso27001")["9.3.1"]
    assert (before["status"], before["code"], before["open"]) == ("manual", "manual_missing", True)
    (control,) = before["decided_by"]
    assert (control["control"], control["share"], control["verdict"]) == ("gov.management_review", "partial", "pass")
    assert before["brings"] == [
        {"form": "document", "state": "missing", "second_person": False, "attestation": None, "valid_until": None}
    ]
    (register,) = before["registers"]
    assert (register["kind"], register["source"], register["state"]) == ("management_review", "desk", "read")
    assert "more than a formality" in before["what"]["en"]
    assert before["what"]["es"] != before["what"]["en"]

    attest(desk, "--document", "minutes.pdf", on=60, expires=1)
    over = rows(desk, "iso27001")["9.3.1"]
    assert (over["verdict"], over["code"], over["brings"][0]["state"]) == ("unknown", "manual_overdue", "overdue")

    bare = desk.run(
        "attest", "They exist", "--form", "document", "--requirement", "iso27001:9.3.1", "--on", day(3),
        "--expires", day(-30), "--by", "Ana Ruiz",
    )  # fmt: skip
    assert bare.code == 2
    assert "only with its file" in bare.err

    name = attest(desk, "--document", "minutes.pdf")
    held = rows(desk, "iso27001")["9.3.1"]
    assert (held["verdict"], held["code"], held["open"]) == ("pass", "controls_and_manual", False)
    assert held["brings"][0]["attestation"] == name
    assert held["brings"][0]["valid_until"].startswith(day(-30))

    attest(desk, "--revokes", name)
    assert rows(desk, "iso27001")["9.3.1"]["verdict"] == "unknown"


def test_a_person_who_decides_alone_needs_another(desk: Place) -> None:
    found = rows(desk, "iso27001")["4.4"]
    assert found["decided_by"] == []
    assert [(one["form"], one["second_person"]) for one in found["brings"]] == [("document", True)]
    assert found["what"]["en"] == "The map of the system's processes and how they act on each other"


def test_a_parameter_loosened_past_a_bound_fails_its_requirement(desk: Place) -> None:
    kept = rows(desk, "pci_dss")["8.2.6"]
    assert kept["code"] == "control_unknown"
    assert [(b["parameter"], b["value"], b["broken"]) for b in kept["decided_by"][0]["bounds"]] == [("days", 90, None)]

    desk.configure(f'{CONFIGURATION}[parameters."access.dormant_disabled"]\ndays = 91\n')
    loose = rows(desk, "pci_dss")["8.2.6"]
    assert (loose["verdict"], loose["code"]) == ("fail", "parameter_loosened")
    assert loose["decided_by"][0]["bounds"][0]["broken"] == "91 is above 90"
    assert "91 is above 90" in loose["cause"]
    soc2 = asked(desk, "soc2", "--format", "csv")
    assert "parameter_loosened" not in soc2.out  # no number of this framework's


def test_a_statement_of_applicability_excludes_only_what_is_justified(desk: Place) -> None:
    included = rows(desk, "iso27001")
    assert included["A.7.4"]["code"] == "manual_missing"
    assert included["6.1.3"]["code"] == "control_unknown"  # by the documents' register; the statement itself is whole

    state(desk, {
        "A.7.4": f"A.7.4,no,no premises of our own,7,P-004,{day(30)}",
        "A.7.5": f'A.7.5,no," ",7,P-004,{day(30)}',
        "A.7.6": f"A.7.6,no,,7,P-004,{day(30)}",
        "A.7.8": f"A.7.8,no,no equipment,7,,{day(30)}",
    })  # fmt: skip
    done = asked(desk, "iso27001", "--format", "json")
    (one,) = done.json["frameworks"]
    found = {item["id"]: item for item in one["requirements"]}
    assert (found["A.7.4"]["verdict"], found["A.7.4"]["code"]) == ("not_applicable", "excluded_by_statement")
    assert "no premises of our own" in found["A.7.4"]["cause"]
    for name in ("A.7.5", "A.7.6", "A.7.8"):
        assert (found[name]["verdict"], found[name]["code"]) == ("unknown", "manual_missing")
    stated = {line["control"]: line["rows"] for line in one["statement_of_applicability"]}
    assert list(stated) == ANNEX
    assert [stated[name][0]["problem"] for name in ("A.7.4", "A.7.5", "A.7.6", "A.7.8")] == [
        None, "unjustified", "unjustified", "unapproved",
    ]  # fmt: skip
    desk.run("audit", "iso27001", "--no-collect", "--format", "json", "-o", "out")
    audit = json.loads((desk.folder / "out/latest/audit.json").read_text())
    control = next(one for one in audit["controls"] if one["id"] == "gov.exclusions_justified")
    assert {f["resource"]: f["verdict"] for f in control["findings"] if f["verdict"] != "pass"} in (
        {"A.7.5": "fail", "A.7.6": "unknown", "A.7.8": "unknown"},
        {"A.7.5": "unknown", "A.7.6": "unknown", "A.7.8": "unknown"},  # a blank cell is one that is not filled in
    )


def test_an_old_statement_or_one_that_cannot_be_read_excludes_nothing(desk: Place) -> None:
    out = {"A.7.4": f"A.7.4,no,no premises of our own,7,P-004,{day(400)}"}
    state(desk, out, approved=400)
    old = rows(desk, "iso27001")
    assert (old["A.7.4"]["code"], old["6.1.3"]["verdict"]) == ("manual_missing", "fail")

    state(desk, {"A.7.4": f"A.7.4,no,no premises of our own,7,P-004,{day(30)}"})
    assert rows(desk, "iso27001")["A.7.4"]["code"] == "excluded_by_statement"
    (desk.folder / "soa_entry.csv").write_text("control,is_included\nA.7.4,maybe\n")
    assert desk.run("collect", "-q").code == 3
    assert rows(desk, "iso27001")["A.7.4"]["code"] == "manual_missing"


def test_a_profile_narrows_only_what_it_may(desk: Place) -> None:
    facts = "".join(
        f'[profile.{name}]\nvalue = {value}\ndeclared_by = "director"\ndeclared_at = {TODAY}\n'
        for name, value in (
            ("soc2_privacy", "false"), ("soc2_availability", "true"), ("pci_saq_c", "true"),
            ("service_provider_pci", "false"), ("pci_stored_data", "false"),
        )
    )  # fmt: skip
    desk.configure(CONFIGURATION + facts)
    assert desk.run("collect", "-q").code == 0
    soc2 = rows(desk, "soc2")
    assert soc2["P1.1"]["code"] == "not_applicable_declared"
    assert "soc2_privacy is off" in soc2["P1.1"]["cause"]
    assert {soc2[name]["verdict"] for name in ("CC1.1", "A1.1", "C1.1")} <= {"unknown", "fail"}

    said = asked(desk, "pci_dss", "--language", "es")
    assert "El motor no conoce el alcance del Cuestionario SAQ C; se evalúan todos los requisitos." in said.out
    assert "6.4.3  [No aplica]" not in said.out
    assert "does not ask it" not in said.out


def test_formats_say_the_same_and_papers_are_written(desk: Place) -> None:
    whole = rows(desk, "iso27001")
    table = asked(desk, "iso27001", "--format", "csv")
    listed = list(csv.DictReader(io.StringIO(table.out)))
    assert [(line["requirement"], line["status"]) for line in listed] == [(k, v["status"]) for k, v in whole.items()]
    some = asked(desk, "iso27001", "--format", "csv", "--verdict", "manual")
    assert some.code == table.code == 3  # what is shown changes nothing in what was judged
    manual = [line["requirement"] for line in csv.DictReader(io.StringIO(some.out))]
    assert manual == [name for name, item in whole.items() if item["status"] == "manual"]

    done = asked(desk, "iso27001", "--format", "pdf", "--language", "es", "-o", "papers")
    assert done.code == 3
    assert done.out.split() == ["papers/iso27001-requirements-es.pdf", "papers/iso27001-applicability-es.pdf"]
    paper, statement = (words(desk.folder / name) for name in done.out.split())
    assert "Papeldetrabajoderequisitos" in paper
    assert all(name in paper for name in ("6.1.3", "A.8.34", "gov.exclusions_justified"))
    assert "93incluidos,0excluidos,0condefecto,0sindeclarar,de93" in statement
    assert all(name in statement for name in ANNEX)


def words(path: Path) -> str:
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in pypdf.PdfReader(path).pages))


def test_nothing_is_said_of_a_ledger_that_is_not_there_or_holds_nothing_yet(place: Place) -> None:
    place.configure(CONFIGURATION)
    none = asked(place, "soc2", "--format", "json")
    assert (none.code, none.out) == (2, "")
    assert "there is no ledger" in none.err
    assert asked(place, "sco2").code == 2
    assert asked(place, "soc2", "--known", "now").code == 2

    (place.folder / "compliance.toml").write_text('[organisation]\nname = "Example School"\n')
    assert place.run("collect", "-q").code in (0, 3)
    done = asked(place, "soc2", "--format", "json")
    assert done.code in (1, 3), done.words
    (one,) = done.json["frameworks"]
    assert one["summary"]["pass"] == 0
    assert {item["verdict"] for item in one["requirements"]} <= {"unknown", "fail"}
    assert {need["state"] for item in one["requirements"] for need in item["registers"]} == {"not_configured"}
    past = asked(place, "soc2", "--as-of", "2020-01-01")
    assert past.code == 2
    assert "holds nothing" in past.err
