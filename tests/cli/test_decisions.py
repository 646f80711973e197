"""Waivers, manual evidence, declared facts and parameters, from the command to the result."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.helpers import Place

TODAY = datetime.now(UTC).date()
SOON = str(TODAY + timedelta(days=30))


def judged(place: Place, *frameworks: str, code: tuple[int, ...] = (1, 3)) -> dict[str, Any]:
    """The result of an audit over what the ledger holds."""
    done = place.run("audit", *frameworks, "--no-collect", "--format", "json", "-o", "out")
    assert done.code in code, done.words
    result: dict[str, Any] = json.loads((place.folder / "out/latest/audit.json").read_text())
    return result


def failing(result: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A control with exactly one failing finding, and that finding."""
    for item in result["controls"]:
        found = [f for f in item["findings"] if f["verdict"] == "fail" == item["verdict"]]
        if len(found) == 1 and found[0]["source"] == "cache" and "*" not in found[0]["resource"]:
            return item["id"], found[0]
    raise AssertionError("the clear-text cache fails nothing")


def test_a_waiver_from_request_to_revocation(copy: Place) -> None:
    name, finding = failing(judged(copy, "soc2"))
    asked = ("waiver", "request", name, "--source", "cache", "--resource", finding["resource"])
    done = copy.run(*asked, "--reason", "being replaced", "--expires", SOON, "--by", "Ana Ruiz")
    assert done.code == 0
    waiver = done.out.strip()
    assert waiver.startswith("W-")
    assert control(judged(copy, "soc2"), name)["waived"] is False

    own = copy.run("waiver", "approve", waiver, "--by", " ana  RUIZ")
    assert own.code == 2
    assert "cannot approve it" in own.err
    assert "a second person approves" in own.err

    before = datetime.now(UTC)
    assert copy.run("waiver", "approve", waiver, "--by", "Luis Mora").code == 0
    accepted = control(judged(copy, "soc2"), name)
    assert accepted["verdict"] == "fail"
    assert accepted["waived"] is True
    assert [f["waiver"] for f in accepted["findings"] if f["verdict"] == "fail"] == [waiver]
    gate = copy.run("gate", "soc2", "--no-collect", "--format", "json").json
    assert [v["control"] for v in gate["accepted"]] == [name]
    assert name not in [v["control"] for v in gate["violations"]]

    past = before.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    done = copy.run("audit", "soc2", "--no-collect", "--as-of", past, "--format", "json", "-o", "then")
    then = json.loads((copy.folder / "then/latest/audit.json").read_text())
    assert control(then, name)["waived"] is False

    assert copy.run("waiver", "approve", waiver, "--by", "Eva Sol").code == 2
    assert copy.run("waiver", "revoke", waiver, "--reason", "replaced", "--by", "Luis Mora").code == 0
    assert control(judged(copy, "soc2"), name)["waived"] is False
    listed = copy.run("waiver", "list", "--json").json
    assert [(w["waiver"], w["state"]) for w in listed] == [(waiver, "revoked")]
    assert copy.run("verify", "--quiet").code == 0


@pytest.mark.parametrize("end", [str(TODAY - timedelta(days=1)), str(TODAY + timedelta(days=400))])
def test_a_waiver_needs_an_end_that_is_near(collected: Place, end: str) -> None:
    done = collected.run(
        "waiver", "request", "redis.persistence", "--source", "cache", "--reason", "x", "--expires", end
    )  # fmt: skip
    assert done.code == 2
    assert "within 366 days" in done.err


def test_a_waiver_needs_a_reason(collected: Place) -> None:
    done = collected.run(
        "waiver", "request", "redis.persistence", "--source", "cache", "--reason", " ", "--expires", SOON
    )  # fmt: skip
    assert done.code == 2
    assert "needs a reason" in done.err


def test_manual_evidence_counts_with_the_digest_of_its_document(copy: Place) -> None:
    document = copy.folder / "policy.txt"
    document.write_text("Everybody locks the screen.\n")
    before = requirement(judged(copy, "soc2"), "soc2", "CC3.1")
    assert before["code"] == "manual_missing"
    done = copy.run(
        "attest", "The objectives are measured", "--form", "document", "--requirement", "soc2:CC3.1",
        "--on", str(TODAY - timedelta(days=3)), "--expires", SOON, "--by", "Ana Ruiz",
        "--reviewed-by", "Luis Mora", "--document", "policy.txt",
    )  # fmt: skip
    assert done.code == 0, done.err
    name = done.out.strip()
    row = next(r for r in copy.run("evidence", "show", "attestation").json if r["attestation"] == name)
    assert row["document_sha256"] == hashlib.sha256(document.read_bytes()).hexdigest()
    assert row["document_name"] == "policy.txt"
    after = judged(copy, "soc2")
    assert requirement(after, "soc2", "CC3.1")["attestations"] == [name]
    assert requirement(after, "soc2", "CC3.1")["code"] != "manual_missing"

    done = copy.run(
        "attest", "It was withdrawn", "--form", "document", "--requirement", "soc2:CC3.1", "--on", str(TODAY),
        "--expires", SOON, "--by", "Ana Ruiz", "--revokes", name,
    )  # fmt: skip
    assert done.code == 0, done.err
    withdrawn = judged(copy, "soc2")
    assert requirement(withdrawn, "soc2", "CC3.1")["code"] in ("manual_missing", "manual_overdue")
    assert {a["attestation"]: a["in_date"] for a in withdrawn["attestations"]}[name] is False


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--reviewed-by", "ana ruiz"), "cannot review an own statement"),
        (("--document", "missing.pdf"), "missing.pdf: cannot be read"),
        (("--on", str(TODAY + timedelta(days=2))), "the activity lies in the past"),
        (("--expires", str(TODAY - timedelta(days=30))), "the expiry after it"),
    ],
)
def test_manual_evidence_that_cannot_be(collected: Place, given: tuple[str, ...], said: str) -> None:
    usual = ("--form", "document", "--on", str(TODAY - timedelta(days=3)), "--expires", SOON, "--by", "Ana Ruiz")
    done = collected.run("attest", "x", *usual, *given)
    assert done.code == 2
    assert said in done.err


def test_a_fact_declared_off_counts_for_a_year(copy: Place) -> None:
    text = (copy.folder / "compliance.toml").read_text()

    def pci(declared: str) -> dict[str, Any]:
        copy.configure(
            text
            + f'\n[profile.processes_payments]\nvalue = false\ndeclared_by = "director"\ndeclared_at = {declared}\n'
        )
        assert copy.run("collect").code == 0
        return requirement(judged(copy, "pci_dss", code=(0, 1, 3)), "pci_dss", "1.2.1")

    assert pci(str(TODAY - timedelta(days=10)))["verdict"] == "not_applicable"
    assert pci(str(TODAY - timedelta(days=10)))["code"] == "not_applicable_declared"
    assert pci(str(TODAY - timedelta(days=400)))["verdict"] != "not_applicable"


def test_a_parameter_loosened_past_a_bound_fails_its_requirement(copy: Place) -> None:
    before = requirement(judged(copy, "pci_dss"), "pci_dss", "6.3.3")
    assert before["code"] != "parameter_loosened"
    text = (copy.folder / "compliance.toml").read_text()
    copy.configure(text + '\n[parameters."vuln.weekly_patching"]\nsecurity_days = 90\n')
    result = judged(copy, "pci_dss", code=(1,))
    loosened = requirement(result, "pci_dss", "6.3.3")
    assert loosened["verdict"] == "fail"
    assert loosened["code"] == "parameter_loosened"
    gate = copy.run("gate", "pci_dss", "--no-collect", "--format", "json").json
    assert "pci_dss:6.3.3" in [v["requirement"] for v in gate["violations"]]


def requirement(result: dict[str, Any], framework: str, name: str) -> dict[str, Any]:
    """One requirement of a result."""
    chosen = next(item for item in result["frameworks"] if item["id"] == framework)
    found: dict[str, Any] = next(r for r in chosen["requirements"] if r["id"] == name)
    return found


def control(result: dict[str, Any], name: str) -> dict[str, Any]:
    """One control of a result."""
    found: dict[str, Any] = next(c for c in result["controls"] if c["id"] == name)
    return found
