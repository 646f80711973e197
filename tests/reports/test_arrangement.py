"""What a paper groups is still everything, once; and what it says in short is what the results say."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from compliance.cli.verify import command as verify_command
from compliance.controls import catalogue
from compliance.reports import arrangement
from compliance.reports.model import FrameworkView, RequirementView, Status, framework_view
from compliance.reports.paper import REQUEST_TEXT, request_text
from compliance.reports.texts import LANGUAGES, SYSTEMS, TEXTS, Language
from tests.reports.factory import anchors, audit, controls, coverage, planned

TEMPLATES = Path(arrangement.__file__).parent / "templates"


def view(**changes: object) -> FrameworkView:
    return framework_view(audit(size=21, **changes), "soc2")


def judged(code: str, status: Status) -> RequirementView:
    return next(r for r in view().requirements if r.result.code == code and r.status is status)


def test_sections_hold_every_requirement_once_and_their_counts_add_up() -> None:
    whole = view()

    made = arrangement.sections(whole)

    assert tuple(r for s in made for r in s.requirements) == whole.requirements
    for status in Status:
        assert sum(s.counts[status] for s in made) == whole.requirement_counts[status]


def test_sources_hold_every_row_once_and_gaps_come_first() -> None:
    rows = view().coverage

    made = arrangement.by_source(rows)

    assert sorted(id(r) for s in made for r in s.rows) == sorted(id(r) for r in rows)
    assert len({s.source for s in made}) == len(made)
    for source in made:
        complete = [r.complete for r in source.rows]
        assert complete == sorted(complete)
        assert source.complete == sum(complete)
    assert made[0].complete < len(made[0].rows)


def test_planned_controls_are_listed_once_and_counted_with_each_system() -> None:
    several = planned("net.both")
    assert several.planned is not None
    both = replace(several, planned=several.planned.model_copy(update={"from_": "The VPN; the issue tracker"}))
    items = [
        c for c in view(controls={**controls(), "access.mfa": replace(both, id="access.mfa")}).controls
        if c.result.planned is not None
    ]  # fmt: skip

    listed = arrangement.by_system(items)

    assert sorted(c.id for _, group in listed for c in group) == sorted(c.id for c in items)
    assert dict(arrangement.waiting(items)) == {"The issue tracker": 3, "The VPN": 1}


def test_every_system_of_the_catalogue_has_spanish_words() -> None:
    products = {"Django", "ELK", "Grafana", "PagerDuty", "Pingdom", "Prometheus", "Sentry"}
    names = {
        f"{part.strip()[0].upper()}{part.strip()[1:]}"
        for item in catalogue.load().planned.values()
        for part in item.from_.split(";")
    }

    assert names - set(SYSTEMS) <= products


def test_the_basis_counts_controls_instead_of_naming_them() -> None:
    failing = judged("control_fails", Status.FAIL)
    direct = [x for x in failing.links if x.direct]

    said = arrangement.basis(failing, "en")

    assert said == f"A direct control fails ({len(direct)} of {len(direct)} fail)"
    assert not any(x.control in said for x in direct)
    assert "de 1 falla" in arrangement.basis(failing, "es")


def test_the_basis_keeps_a_reason_that_the_table_does_not_show() -> None:
    loosened = judged("control_fails", Status.FAIL)
    changed = replace(
        loosened, result=replace(loosened.result, code="parameter_loosened", reason="a.b: days 120 > 90 (8.3.9)")
    )

    for language in LANGUAGES:
        assert "a.b: days 120 > 90 (8.3.9)" in arrangement.basis(changed, language)


def test_insufficient_manual_evidence_is_explained_and_missing_one_is_short() -> None:
    missing = judged("no_control", Status.MANUAL)
    bare = replace(missing, result=replace(missing.result, code="manual_missing", reason="needs x", attestations=()))
    weak = replace(bare, result=replace(bare.result, attestations=("A-1",)))

    assert arrangement.basis(bare, "en") == "Manual evidence is missing"
    assert arrangement.basis(weak, "en") == "Needs x"


def test_only_identical_requests_and_answers_of_one_source_are_printed_once() -> None:
    asked = ({"method": "file", "text": "/a", "digest": "1"}, {"method": "file", "text": "/b", "digest": "2"})
    other = (asked[0], {**asked[1], "digest": "3"})
    rows = (
        coverage("user_account", requests=asked, entry=1, complete_entry=1),
        coverage("role_grant", requests=asked, entry=2, complete_entry=2),
        coverage("package", requests=other, entry=3, complete_entry=3),
        coverage("asset", source="edge", requests=asked, entry=4, complete_entry=4),
    )

    found = dict(arrangement.repeated(view(coverage=rows).coverage))

    assert found in ({2: 1}, {1: 2})


def test_a_very_long_request_says_where_the_whole_of_it_is() -> None:
    whole = "x" * (REQUEST_TEXT + 1)

    printed = request_text(whole, "soc2-evidence.csv", "en")

    assert printed.startswith("x" * REQUEST_TEXT + " ")
    assert f"{REQUEST_TEXT} of {REQUEST_TEXT + 1} characters" in printed
    assert "soc2-evidence.csv" in printed
    assert request_text("x" * REQUEST_TEXT, "f", "en") == "x" * REQUEST_TEXT


@pytest.mark.parametrize("language", LANGUAGES)
def test_notes_of_the_run_name_what_weakens_it(language: Language) -> None:
    vault, office, clock = anchors()
    good = audit(size=7)
    weak = replace(good, ledger=replace(good.ledger, verified=False, lock_store="missing"))
    alone = replace(good, ledger=replace(good.ledger, anchors=()))
    unread = replace(good, ledger=replace(good.ledger, anchors=(vault, office, clock)))
    inside = replace(good, ledger=replace(good.ledger, anchors=(office,)))

    assert arrangement.run_notes(framework_view(good, "soc2"), language) == list(good.notes)
    assert len(arrangement.run_notes(framework_view(weak, "soc2"), language)) == len(weak.notes) + 2
    assert len(arrangement.run_notes(framework_view(alone, "soc2"), language)) == len(good.notes) + 1
    assert len(arrangement.run_notes(framework_view(inside, "soc2"), language)) == len(good.notes) + 1
    assert "clock" in arrangement.run_notes(framework_view(unread, "soc2"), language)[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_an_anchor_says(language: Language) -> None:
    vault, office, clock = anchors()

    assert "1830" in arrangement.anchor_says(vault, language)
    assert "2026-11-23 09:26 UTC" in arrangement.anchor_says(vault, language)
    assert ("this machine" if language == "en" else "esta máquina") in arrangement.anchor_says(office, language)
    for state in ("empty", "unreachable", "unreadable", "lost", "ahead", "differs"):
        said = arrangement.anchor_says(replace(clock, state=state), language)
        assert said.split(":")[0].split()[0].isupper(), "what does not agree stands out"


@pytest.mark.parametrize(("note", "size"), [("o\n565\nroot=\n\n— o x\n", 565), ("", None), ("o\nmany\n", None)])
def test_the_size_of_a_checkpoint_is_its_second_line(note: str, size: int | None) -> None:
    assert arrangement.checkpoint_size(note) == size


def test_the_verify_page_names_only_what_the_command_has() -> None:
    page = (TEMPLATES / "verify.html.j2").read_text()
    options = {name for parameter in verify_command.params for name in parameter.opts}

    assert re.findall(r"compliance (\w+)", page) == ["verify"]
    assert set(re.findall(r"--\w+", page)) <= options
    assert "verify.py" not in page
    assert (TEMPLATES.parents[1] / "schemas" / "ledger.md").is_file()  # named by the page
    assert not re.search(r"package|paquete", " ".join(v for k, pair in TEXTS.items() if "verify" in k for v in pair))


def test_the_query_of_the_verify_page_reads_the_checkpoint_of_a_ledger(tmp_path: Path) -> None:
    from compliance.ledger.store import SCHEMA

    page = (TEMPLATES / "verify.html.j2").read_text()
    found = re.search(r"'(SELECT note FROM .*?)'", page)
    assert found is not None
    with duckdb.connect(tmp_path / "copy.duckdb") as made:
        made.execute(f"CREATE TABLE checkpoint ({SCHEMA['checkpoint']})")
        made.execute("INSERT INTO checkpoint VALUES (3, 'three'), (9, 'nine'), (7, 'seven')")
        rows = made.execute(found[1].replace("{{ audit.ledger.size }}", "4")).fetchall()

    assert rows == [("seven",)]
