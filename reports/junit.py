"""JUnit XML: one test case a control. Fail is a failure, unknown an error, not applicable and accepted are skipped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from compliance.reports.gate import GateResult, Undecided, Violation
from compliance.reports.model import Status, control_status
from compliance.schemas.catalogue import Requirement
from compliance.schemas.results import AuditResult, ControlResult

# Characters that XML 1.0 cannot hold, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class _Case:
    suite: str
    name: str
    tag: str | None  # failure, error, skipped, or None for a pass
    kind: str = ""
    message: str = ""
    text: str = ""


def junit_xml(result: AuditResult, judged: GateResult) -> bytes:
    """The JUnit file of one gate. It tells what is so; a threshold or `allow_unknown` changes only the exit code."""
    cases = [*_controls(result, judged), *_others(judged)]
    root = ET.Element("testsuites", name=f"compliance {result.audit}")
    for suite in sorted({case.suite for case in cases}):
        mine = [case for case in cases if case.suite == suite]
        element = ET.SubElement(
            root,
            "testsuite",
            name=suite,
            tests=str(len(mine)),
            failures=str(sum(c.tag == "failure" for c in mine)),
            errors=str(sum(c.tag == "error" for c in mine)),
            skipped=str(sum(c.tag == "skipped" for c in mine)),
            timestamp=result.generated_at.strftime("%Y-%m-%dT%H:%M:%S"),
            time="0",
        )
        for case in mine:
            node = ET.SubElement(element, "testcase", name=_clean(case.name), classname=f"compliance.{suite}", time="0")
            if case.tag == "skipped":
                ET.SubElement(node, "skipped").text = _clean(case.message)
            elif case.tag:
                child = ET.SubElement(node, case.tag, type=_clean(case.kind), message=_clean(case.message))
                child.text = _clean(case.text)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _controls(result: AuditResult, judged: GateResult) -> list[_Case]:
    failing: dict[str, list[Violation]] = {}
    for v in judged.open:
        if v.control:
            failing.setdefault(v.control, []).append(v)
    undecided = {u.name: u for u in judged.undecided if u.kind == "control"}
    accepted = {v.control for v in judged.accepted}
    in_scope = {c for f in result.frameworks for r in f.requirements for c in _linked(r.requirement)}
    names = sorted(in_scope & set(result.controls)) if result.frameworks else sorted(result.controls)
    cases = [_control(result.controls[n], failing.get(n, []), undecided.pop(n, None), n in accepted) for n in names]
    cases += [_Case(_domain(u.name), u.name, "error", u.cause, u.reason) for u in undecided.values()]
    return cases


def _control(c: ControlResult, failing: list[Violation], undecided: Undecided | None, accepted: bool) -> _Case:
    suite, name = _domain(c.id), f"{c.id}: {c.title.en}"
    if failing:
        lines = [f"{_resource(v)}: {v.code}: {v.reason}" for v in failing]
        message = f"{len(failing)} of {len(c.findings)} resources fail" if c.findings else c.reason
        return _Case(suite, name, "failure", c.severity.value, message, "\n".join(lines))
    if undecided is not None:
        return _Case(suite, name, "error", undecided.cause, undecided.reason)
    status = control_status(c)
    if status is Status.NOT_EVALUATED:
        return _Case(suite, name, "skipped", message=f"not evaluated, no collector yet: {c.reason}")
    if status is Status.NOT_APPLICABLE:
        return _Case(suite, name, "skipped", message=f"not applicable: {c.reason}")
    if accepted or status is Status.WAIVED:
        return _Case(suite, name, "skipped", message=f"fails, accepted by waiver: {c.reason}")
    return _Case(suite, name, None)


def _others(judged: GateResult) -> list[_Case]:
    cases = [
        _Case("requirements", v.name, "failure", v.severity.value, v.reason, v.code)
        for v in judged.open
        if not v.control
    ]
    cases += [
        _Case("requirements" if u.kind == "requirement" else "run", u.name, "error", u.cause, u.reason)
        for u in judged.undecided
        if u.kind != "control"
    ]
    return cases


def _linked(requirement: Requirement) -> list[str]:
    return [link.control for link in (*requirement.direct, *requirement.supporting)]


def _domain(control: str) -> str:
    return control.partition(".")[0]


def _resource(v: Violation) -> str:
    if v.finding is None:
        return v.name
    return f"{v.finding.source}/{v.finding.resource}" if v.finding.source else v.finding.resource


def _clean(text: str) -> str:
    return _ILLEGAL.sub("�", text)
