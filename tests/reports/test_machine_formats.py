"""JSON, SARIF and JUnit against their schemas, and what they must carry."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from lxml import etree

from compliance.reports.gate import gate
from compliance.reports.json_report import SCHEMA_FILE, audit_document, framework_document, to_bytes
from compliance.reports.junit import junit_xml
from compliance.reports.model import framework_view
from compliance.reports.sarif import sarif_document
from compliance.schemas.catalogue import Severity
from compliance.schemas.results import AuditResult
from tests.reports.factory import BIDI, HOSTILE, audit, controls

SCHEMAS = Path(__file__).parent / "schemas"


def check_report(document: dict[str, Any]) -> dict[str, Any]:
    """The document as a reader gets it, after validation."""
    read: dict[str, Any] = json.loads(to_bytes(document))
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    assert [e.message for e in validator.iter_errors(read)] == []
    return read


def check_sarif(result: AuditResult, **asked: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(to_bytes(sarif_document(result, gate(result, **asked))))
    schema = json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text())
    jsonschema.Draft7Validator(schema).validate(read)
    run: dict[str, Any] = read["runs"][0]
    return run


def check_junit(result: AuditResult, **asked: Any) -> Any:
    root = etree.fromstring(junit_xml(result, gate(result, **asked)))
    etree.XMLSchema(etree.parse(SCHEMAS / "jenkins-junit.xsd")).assertValid(root)
    return root


@pytest.mark.parametrize("frameworks", [(), ("soc2",), ("soc2", "pci_dss")])
def test_the_audit_document_fits_its_schema(frameworks: tuple[str, ...]) -> None:
    read = check_report(audit_document(audit(frameworks)))

    assert [f["id"] for f in read["frameworks"]] == list(frameworks)
    assert read["summary"]["controls"]["total"] == len(read["controls"])


def test_the_framework_document_fits_its_schema_and_holds_every_finding() -> None:
    result = audit(("soc2",), size=61)

    read = check_report(framework_document(framework_view(result, "soc2")))

    found = {c["id"]: len(c["findings"]) for c in read["controls"]}
    assert found == {c.id: len(c.findings) for c in controls().values()}
    assert read["schema_version"].startswith("1.")


def test_the_schema_refuses_a_document_without_coverage() -> None:
    document = framework_document(framework_view(audit(), "soc2"))
    del document["coverage"]

    with pytest.raises(jsonschema.ValidationError, match="coverage"):
        jsonschema.validate(json.loads(to_bytes(document)), json.loads(SCHEMA_FILE.read_text()))


def test_the_json_keeps_hostile_names_to_the_letter() -> None:
    read = check_report(framework_document(framework_view(audit(size=61), "soc2")))

    names = {f["resource"] for c in read["controls"] for f in c["findings"]}
    assert {HOSTILE, BIDI, "a\x00b\x1b[31m"} <= names


def test_the_same_result_gives_the_same_bytes() -> None:
    assert to_bytes(audit_document(audit())) == to_bytes(audit_document(audit()))


def test_an_audit_without_findings_or_coverage_is_a_valid_document() -> None:
    bare = {name: replace(c, findings=()) for name, c in controls().items()}

    read = check_report(audit_document(audit(size=7, controls=bare, coverage=(), waivers=(), profile=())))

    assert read["summary"]["findings"]["total"] == 0


def test_sarif_levels_follow_severity() -> None:
    run = check_sarif(audit(size=61))

    levels = {r["ruleId"]: r["level"] for r in run["results"] if r["kind"] == "fail"}
    assert levels == {"access.mfa": "error", "access.hostile": "error", "access.waived": "warning"}


def test_sarif_carries_what_could_not_be_decided() -> None:
    run = check_sarif(audit(size=61))

    open_rules = {r["ruleId"] for r in run["results"] if r["kind"] == "open"}
    reviews = [r["ruleId"] for r in run["results"] if r["kind"] == "review"]
    notes = [n["message"]["text"] for n in run["invocations"][0]["toolExecutionNotifications"]]
    assert {"host.patches", "log.shipped"} <= open_rules
    assert "soc2:1.3" in reviews
    assert any("mfa_enrolment: denied" in n for n in notes)
    assert any("never" in n for n in notes)
    assert run["invocations"][0]["executionSuccessful"] is False


def test_sarif_waivers_are_suppressions_with_a_justification() -> None:
    run = check_sarif(audit(size=61))

    (waived,) = [r for r in run["results"] if r["ruleId"] == "access.waived"]
    (suppression,) = waived["suppressions"]
    assert suppression["status"] == "accepted"
    assert "ana.lopez" in suppression["justification"]
    assert "c.iso" in suppression["justification"]


def test_sarif_gives_every_failure_a_fingerprint_and_a_rule() -> None:
    run = check_sarif(audit(("soc2", "pci_dss")))

    rules = run["tool"]["driver"]["rules"]
    for item in run["results"]:
        assert rules[item["ruleIndex"]]["id"] == item["ruleId"]
        assert item["kind"] != "fail" or item["partialFingerprints"]["finding/v1"]


def test_sarif_of_an_empty_audit_is_valid() -> None:
    run = check_sarif(audit((), controls={}, coverage=()))

    assert run["invocations"][0]["exitCode"] == 3


def test_junit_tells_failure_error_and_skipped_apart() -> None:
    root = check_junit(audit(size=61))

    by_name = {case.get("name").partition(":")[0]: [child.tag for child in case] for case in root.iter("testcase")}
    assert by_name["access.mfa"] == ["failure"]
    assert by_name["host.patches"] == ["error"]
    assert by_name["privacy.eu"] == ["skipped"]
    assert by_name["access.waived"] == ["skipped"]
    assert by_name["change.tickets"] == ["skipped"]
    assert by_name["backup.recent"] == []


def test_junit_counts_agree_with_the_cases() -> None:
    for suite in check_junit(audit(("soc2", "pci_dss"))).iter("testsuite"):
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(attribute)) == sum(case.find(tag) is not None for case in cases)


def test_junit_never_turns_an_unknown_into_a_pass_when_it_is_allowed() -> None:
    root = check_junit(audit(size=61), allow_unknown=True, fail_on=Severity.CRITICAL)

    assert root.find(".//testcase[@classname='compliance.host']/error") is not None


def test_junit_survives_names_that_xml_cannot_hold() -> None:
    root = check_junit(audit(size=61))

    text = "".join(root.itertext())
    assert HOSTILE in text
    assert "a\ufffdb\ufffd[31m" in text
