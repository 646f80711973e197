"""CSV that a spreadsheet reads without running anything, and that loses nothing."""

from __future__ import annotations

import csv
import io

import pytest

from compliance.reports.csv_report import audit_tables, framework_tables, neutral, table
from compliance.reports.model import framework_view
from tests.reports.factory import HOSTILE, audit, coverage


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@cmd", "\tx", "\rx"])
def test_what_a_spreadsheet_would_run_is_neutralised(text: str) -> None:
    assert neutral(text) == f"'{text}"


def test_numbers_of_ours_stay_numbers() -> None:
    assert neutral(-3) == "-3"
    assert neutral(None) == ""
    assert neutral(True) == "true"


def test_quotes_commas_and_line_feeds_come_back() -> None:
    data = table(("a", "b"), [('say "x", y', "one\ntwo")])

    assert data.startswith(b"a,b\r\n")
    assert read(data) == [{"a": 'say "x", y', "b": "one\ntwo"}]


def test_every_finding_of_the_audit_is_a_line() -> None:
    result = audit(size=61)

    rows = read(audit_tables(result)["findings.csv"])

    assert len(rows) == sum(len(c.findings) for c in result.controls.values())
    assert HOSTILE in {r["resource"] for r in rows}
    assert '\'=HYPERLINK("http://x","y")' in {r["resource"] for r in rows}


def test_coverage_lists_what_was_not_seen() -> None:
    rows = read(audit_tables(audit())["coverage.csv"])

    assert {r["outcome"] for r in rows} == {"complete", "denied", "unreachable", "never"}


def test_evidence_has_a_line_for_each_request_and_one_for_a_collection_without() -> None:
    two = ({"method": "api", "text": "GET /a"}, {"method": "api", "text": "GET /b", "digest": "ab"})
    result = audit(coverage=(coverage("user_account", requests=two), coverage("package", requests=())))

    rows = read(framework_tables(framework_view(result, "soc2"))["soc2-evidence.csv"])

    assert [(r["kind"], r["request"], r["text"]) for r in rows] == [
        ("package", "", ""),
        ("user_account", "1", "GET /a"),
        ("user_account", "2", "GET /b"),
    ]
