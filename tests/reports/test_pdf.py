"""The working paper read back with other libraries: same numbers as the JSON, complete, archivable, deterministic."""

from __future__ import annotations

import hashlib
import io
import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

import pikepdf
import pypdf
import pytest
from weasyprint.urls import FatalURLFetchingError

from compliance.reports.model import FrameworkView, framework_view
from compliance.reports.paper import OPEN_ROWS, OTHER_ROWS, printed
from compliance.reports.pdf import FONTS, PackagedFonts, render_pdf
from compliance.reports.texts import STATUS, Language
from compliance.schemas.errors import ReportError
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import AuditResult, FrameworkResult
from tests.reports.factory import (
    LONG,
    audit,
    controls,
    coverage,
    finding,
    findings,
    framework_result,
    result_of,
    small_framework,
)


@cache
def rich() -> AuditResult:
    return audit(("soc2",), size=21)


@cache
def paper(language: Language = "en") -> bytes:
    return render_pdf(rich(), "soc2", language)


def pages(data: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]


def squeezed(data: bytes) -> str:
    """All text without white space, so that a wrapped name is found."""
    return re.sub(r"\s+", "", "".join(pages(data)))


def attachments(data: bytes) -> dict[str, bytes]:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return {name: spec.get_file().read_bytes() for name, spec in pdf.attachments.items()}


def numbers(view: FrameworkView) -> dict[str, dict[str, int]]:
    (judged,) = json.loads(attachments(paper())["soc2.json"])["frameworks"]
    summary: dict[str, dict[str, int]] = judged["summary"]
    assert summary["requirements"] == view.requirement_counts.as_dict()
    return summary


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_summary_prints_the_numbers_of_the_json(language: Language) -> None:
    index = {"en": 0, "es": 1}[language]
    of = {"en": "of", "es": "de"}[language]
    text = squeezed(paper(language))
    text = text[text.rindex({"en": "Requirementsbyverdict", "es": "Requisitosporveredicto"}[language]) :]

    for counts in numbers(framework_view(rich(), "soc2")).values():
        for status, n in counts.items():
            if status != "total":
                label = STATUS[status][index].replace(" ", "")
                assert f"{label}{n}{of}{counts['total']}" in text, (status, n)


def test_every_requirement_and_every_control_is_printed() -> None:
    text = squeezed(paper())
    view = framework_view(rich(), "soc2")

    for r in view.requirements:
        assert re.sub(r"\s+", "", f"{r.requirement.id}{r.requirement.title.en}") in text
    for c in view.controls:
        assert c.id in text
        for f in c.findings:
            assert f"{f.result.entries[0]}" in text


def test_long_and_hostile_names_are_whole_and_harmless() -> None:
    text = squeezed(paper())

    assert LONG in text
    assert "<script>alert('x')</script>" in text
    assert "a⟨U+0000⟩b⟨U+001B⟩[31m" in text
    assert "⟨U+202E⟩" in text
    assert "⟨U+1F680⟩" in text


def test_nothing_runs_off_the_page() -> None:
    for page in pypdf.PdfReader(io.BytesIO(paper("es"))).pages:
        seen: list[tuple[float, str]] = []
        page.extract_text(visitor_text=lambda t, cm, tm, f, s, seen=seen: seen.append((cm[0] * tm[4] + cm[4], t)))
        assert all(0 <= x < 575 for x, text in seen if text.strip())


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_first_page_holds_the_result_under_the_line_that_it_is_no_opinion(language: Language) -> None:
    first, second = (re.sub(r"\s+", "", page) for page in pages(paper(language))[:2])
    view = framework_view(rich(), "soc2")
    row = {"en": "Requirements", "es": "Requisitos"}[language]
    counts = "".join(str(n) for n in view.requirement_counts.by.values())

    opinion = first.index({"en": "notanauditor'sopinion", "es": "noopinióndeauditor"}[language])
    assert first.index(f"{row}{counts}{view.requirement_counts.total}") > opinion
    assert {"en": "4of7collections", "es": "4de7recolecciones"}[language] in first
    assert {"en": "1inforce,of4recorded", "es": "1vigentes,de4registradas"}[language] in first
    assert "Confiden" in first  # the last line of the cover: nothing of it runs over
    assert {"en": "Contents", "es": "Contenido"}[language] in second


def test_notes_of_the_run_stand_apart_from_standing_ones() -> None:
    result = audit(("pci_dss",))
    text = squeezed(render_pdf(result, "pci_dss"))

    run = text.index("Aboutthisrun")
    standing = text.index("Standingnotesonthisframework")
    assert run < text.index("Thecollectionofweb-1wasinterrupted.") < standing
    for note in result.frameworks[0].framework.notes:
        assert re.sub(r"\s+", "", note.en)[:60] in text[standing:]


def test_requirements_leave_no_page_half_white() -> None:
    sheets = pypdf.PdfReader(io.BytesIO(paper())).pages
    numbered = [n for n, page in enumerate(sheets) if re.search(r"Why it bears", page.extract_text())]

    assert len(numbered) > 1
    for n in numbered[:-1]:
        heights: list[float] = []
        sheets[n].extract_text(
            visitor_text=lambda t, cm, tm, f, s, seen=heights: seen.append(cm[3] * tm[5] + cm[5]) if t.strip() else None
        )
        assert min(y for y in heights if y > 60) < 842 * 0.3


def test_planned_controls_are_summed_up_in_front_and_listed_at_the_end() -> None:
    text = squeezed(paper())

    front = text.index("2ofthe10controlsofthisframeworkwait")
    assert front < text.rindex("Requirementsbyverdict")
    assert "people.training" not in text[front : text.index("Requirementsbyverdict", front)]
    assert text.rindex("people.training") > text.index("SELECTid,username")


def test_coverage_names_what_was_not_seen_before_any_verdict() -> None:
    text = squeezed(paper())

    assert text.index("permissiondeniedfortable") < text.rindex("Requirementsbyverdict")
    assert "GRANTSELECTONauth_userTOevidence_reader;" in text
    assert "409+5−2" in text
    assert "doesnotreconcile" in text  # 409 + 1 − 0 is not 412


def test_waivers_show_all_four_facts_and_why_not() -> None:
    text = squeezed(paper())

    for part in (
        "W-1",
        "ana.lopez",
        "c.iso",
        "2027-01-02",
        "requesterandapproverarethesameperson",
        "refused",
        "expired",
    ):
        assert part in text


def test_attached_files_have_the_digests_that_are_printed() -> None:
    files = attachments(paper())
    text = squeezed(paper())

    assert set(files) == {
        "soc2.json", "soc2-findings.csv", "soc2-coverage.csv", "soc2-evidence.csv", "checkpoint.txt",
    }  # fmt: skip
    for name, data in files.items():
        assert f"{name}{len(data)}{hashlib.sha256(data).hexdigest()}" in text
    assert files["checkpoint.txt"].decode() == rich().ledger.checkpoint


def test_a_file_can_be_added() -> None:
    result = audit(("soc2",), size=1)

    assert attachments(render_pdf(result, "soc2", "en", {"extra.txt": b"more"}))["extra.txt"] == b"more"


def test_it_is_tagged_pdf_a_3a_with_embedded_fonts() -> None:
    with pikepdf.open(io.BytesIO(paper("es"))) as pdf:
        assert pdf.open_metadata().pdfa_status == "3A"
        root: Any = pdf.Root
        assert root.MarkInfo.Marked
        assert "/StructTreeRoot" in root
        assert str(root.Lang) == "es"
        assert root.OutputIntents[0].S == "/GTS_PDFA1"
        assert {str(f.AFRelationship) for f in root.AF} == {"/Data"}
        assert pdf.check_pdf_syntax() == []
        figures = [o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and o.get("/S") == "/Figure"]
        assert figures
        assert all("/Alt" in figure for figure in figures)
        fonts = [f for f in pdf.objects if isinstance(f, pikepdf.Dictionary) and f.get("/Type") == "/FontDescriptor"]
        assert fonts
        assert all("/FontFile2" in f or "/FontFile3" in f for f in fonts)
        assert all("+Paper" in str(f.FontName) for f in fonts)  # none from the machine


def test_it_has_bookmarks_and_page_numbers() -> None:
    reader = pypdf.PdfReader(io.BytesIO(paper()))
    titles = [str(item.title) for item in reader.outline if not isinstance(item, list)]

    assert titles[:3] == ["How to verify this paper", "Coverage: what was seen, and what was not", "Summary"]
    total = len(reader.pages)
    for number, text in enumerate(pages(paper()), start=1):
        assert f"{number} of {total}" in text


def test_a_control_is_found_on_the_page_its_requirement_names() -> None:
    sheets = pages(paper())
    found = re.search(r"access\.mfa\s*\(p\.\s*(\d+)\)", "\n".join(sheets))

    assert found is not None
    assert "access.mfa Is access.mfa as it should be" in re.sub(r"\s+", " ", sheets[int(found[1]) - 1])


def test_the_same_result_gives_the_same_bytes() -> None:
    assert render_pdf(rich(), "soc2", "es") == paper("es")


def test_another_result_gives_another_identifier() -> None:
    ids = []
    for name in ("One", "Two"):
        with pikepdf.open(io.BytesIO(render_pdf(audit(size=1, organisation=name), "soc2"))) as pdf:
            ids.append(bytes(pdf.trailer.ID[0]))

    assert ids[0] != ids[1]


def test_long_tables_are_complete_in_the_attached_file_and_say_so() -> None:
    big = result_of("access.mfa", Outcome.FAIL, findings("access.mfa", 4500, 400, 100))
    result = audit(("soc2",), size=2, controls={**controls(), "access.mfa": big})
    (view,) = [c for c in framework_view(result, "soc2").controls if c.id == "access.mfa"]

    data = render_pdf(result, "soc2")

    text = squeezed(data)
    table = attachments(data)["soc2-findings.csv"]
    assert len(printed(view)) == OPEN_ROWS + OTHER_ROWS
    assert f"Printedhere:{OPEN_ROWS + OTHER_ROWS}of5000resources(100failingand100unknown" in text.replace(
        "failing,", "failingand"
    )
    assert hashlib.sha256(table).hexdigest() in text
    assert table.count(b"\naccess.mfa,") == 5000


def test_a_framework_of_documents_alone_divides_by_nothing() -> None:
    item = small_framework("ferpa", 9)
    bare = item.model_copy(
        update={
            "groups": [
                g.model_copy(
                    update={
                        "requirements": [
                            r.model_copy(update={"direct": [], "supporting": [], "automation": "none"})
                            for r in g.requirements
                        ]
                    }
                )
                for g in item.groups
            ]
        }
    )
    result = audit((), controls={}, coverage=(), waivers=(), attestations=(), profile=())
    result = replace(result, frameworks=(framework_result(bare, {}),))

    text = squeezed(render_pdf(result, "ferpa"))

    assert "Nosourcewasconfigured" in text
    assert "0of0" in text


def test_a_framework_without_requirements_is_still_a_paper() -> None:
    empty = small_framework("gdpr", 0)
    result = replace(audit(()), frameworks=(FrameworkResult(empty, ()),))

    assert "0of0" in squeezed(render_pdf(result, "gdpr", "es")).replace("de", "of")


def test_many_requests_of_one_collection_are_complete_in_the_attached_file() -> None:
    requests = tuple({"method": "api", "text": f"GET /page/{n}"} for n in range(40))
    result = audit(size=1, coverage=(coverage("user_account", requests=requests),))

    data = render_pdf(result, "soc2")

    assert "Printedhere:12of40requests" in squeezed(data)
    assert attachments(data)["soc2-evidence.csv"].count(b"GET /page/") == 40


def test_a_framework_that_was_not_judged_is_refused() -> None:
    with pytest.raises(ReportError):
        render_pdf(rich(), "pci_dss")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x", "file:///etc/passwd", "data:text/plain,x", "paper:../model.py", FONTS[0], "paper:"]
)
def test_nothing_but_the_packaged_fonts_can_be_loaded(url: str) -> None:
    with pytest.raises(FatalURLFetchingError):
        PackagedFonts().fetch(url)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Question, as written for the defaults"),
        ("es", "Pregunta, escrita para los valores por omisión"),
    ],
)
def test_a_statement_does_not_claim_the_default_where_another_number_decided(language: Language, said: str) -> None:
    made = {name: replace(result, parameters={}) for name, result in controls().items()}
    looser = replace(made["access.mfa"], parameters={"max_age_days": 365})

    before, after = (
        squeezed(render_pdf(audit(("soc2",), size=7, controls={**made, "access.mfa": one}), "soc2", language))
        for one in (made["access.mfa"], looser)
    )

    assert (said.replace(" ", "") in before, said.replace(" ", "") in after) == (False, True)
    assert re.search(r"365days\((default|poromisión)90days\)", after)


def test_a_source_that_its_resource_names_already_is_not_printed_twice() -> None:
    rows = (
        finding("access.mfa", 1, Outcome.FAIL, "django-prod/ana"),
        finding("access.mfa", 2, Outcome.FAIL, "ben"),
    )
    one = result_of("access.mfa", Outcome.FAIL, rows)

    text = squeezed(render_pdf(audit(("soc2",), size=7, controls={**controls(), "access.mfa": one}), "soc2"))

    assert "django-prodben" in text
    assert "django-proddjango-prod" not in text
