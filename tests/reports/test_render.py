"""Files on disk: written by several processes, whole, and listed in the index."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from lxml import html

from compliance.reports.index import write_index
from compliance.reports.pdf import render_pdf
from compliance.reports.render import Written, render_all, write_data, write_whole
from compliance.schemas.errors import ReportError
from tests.reports.factory import audit


def test_two_processes_write_what_one_would(tmp_path: Path) -> None:
    result = audit(("soc2", "gdpr"), size=7)
    seen: list[Written] = []

    written = render_all(result, ["soc2", "gdpr"], tmp_path / "out", ["en"], seen.append, processes=2)

    assert [w.path.name for w in written] == ["soc2-en.pdf", "gdpr-en.pdf"]
    assert {w.path for w in seen} == {w.path for w in written}
    assert written[0].path.read_bytes() == render_pdf(result, "soc2", "en")


def test_a_wrong_framework_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="did not judge"):
        render_all(audit(("soc2",), size=7), ["soc2", "gdpr"], tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_the_index_lists_every_file_with_its_digest(tmp_path: Path) -> None:
    result = audit(("soc2",), size=7)
    files = write_data(result, tmp_path)

    page, listing = write_index(result, files, tmp_path)

    rows = json.loads(listing.read_text())["files"]
    assert {r["name"] for r in rows} == {
        "audit.json", "coverage.csv", "evidence.csv", "findings.csv",
        "soc2.json", "soc2-coverage.csv", "soc2-evidence.csv", "soc2-findings.csv",
    }  # fmt: skip
    for row in rows:
        data = (tmp_path / row["name"]).read_bytes()
        assert row["sha256"] == hashlib.sha256(data).hexdigest()
        assert row["bytes"] == len(data)
    links = html.fromstring(page.read_text()).xpath("//td/a/@href")
    assert {link.removeprefix("./") for link in links} == {r["name"] for r in rows}


def test_the_index_escapes_the_organisation(tmp_path: Path) -> None:
    page, _ = write_index(audit(("soc2",), organisation="<script>x</script>"), [], tmp_path)

    assert "<script" not in page.read_text()


def test_a_listed_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be listed"):
        write_index(audit(), [Written(tmp_path / "gone.pdf", "soc2", "en", 0.1)], tmp_path)


def test_a_file_that_cannot_be_written_leaves_no_part(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()

    with pytest.raises(ReportError, match="could not be written"):
        write_whole(tmp_path / "taken", b"x")

    assert [p.name for p in tmp_path.iterdir()] == ["taken"]
