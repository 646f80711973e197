"""A name that nothing has: the nearest one is suggested, exit 2, nothing recorded."""

from __future__ import annotations

import pytest

from tests.cli.helpers import Place

UNKNOWN = {
    ("audt",): "Did you mean 'audit'?",
    ("audit", "--nocollect"): "Did you mean '--no-collect'?",
    ("audit", "soc3", "--no-collect"): "did you mean 'soc2'?",
    ("gate", "iso2701", "--no-collect"): "did you mean 'iso27001'?",
    ("audit", "--format", "docx", "--no-collect"): "is not one of pdf, json, csv, html",
    ("gate", "--format", "docx", "--no-collect"): "is not one of text, json, sarif, junit",
    ("frameworks", "show", "pcidss"): "did you mean 'pci_dss'?",
    ("frameworks", "show", "soc2", "CC6.11"): "did you mean 'CC6.1'?",
    ("controls", "show", "tls.hst"): "did you mean 'tls.hsts'?",
    ("controls", "test", "tls.hst"): "did you mean 'tls.hsts'?",
    ("controls", "list", "--domain", "tsl"): "is not one of access",
    ("evidence", "show", "repositry"): "did you mean repository?",
    ("evidence", "schema", "repositry"): "did you mean repository?",
    ("evidence", "show", "repository", "--source", "cod"): "did you mean 'code'?",
    ("evidence", "show", "database_instance"): "no complete collection of database_instance",
    ("evidence", "show", "repository", "--source", "cache"): "no complete collection of repository of source cache",
    ("evidence", "entry", "99999"): "entries, numbered from 0",
    ("collect", "cod"): "did you mean 'code'?",
    ("sources", "check", "cod"): "did you mean 'code'?",
    ("waiver", "approve", "W-1"): "no waiver is called 'W-1'",
    ("waiver", "revoke", "W-1", "--reason", "x"): "no waiver is called 'W-1'",
    ("waiver", "request", "tls.hst", "--source", "code", "--reason", "x", "--expires", "2027-01-01"): "'tls.hsts'?",
    ("waiver", "request", "tls.hsts", "--source", "cod", "--reason", "x", "--expires", "2027-01-01"): "'code'?",
    ("attest", "x", "--form", "document", "--on", "2026-01-01", "--expires", "2027-01-01", "--control", "tls.hst"): (
        "did you mean 'tls.hsts'?"
    ),
    ("attest", "x", "--form", "paper", "--on", "2026-01-01", "--expires", "2027-01-01"): "one of: document",
    (
        "attest",
        "x",
        "--form",
        "document",
        "--on",
        "2026-01-01",
        "--expires",
        "2027-01-01",
        "--requirement",
        "soc2:CC1",
    ): ("'soc2:CC1' names no requirement"),
    ("attest", "x", "--form", "document", "--on", "2026-01-01", "--expires", "2027-01-01", "--revokes", "A-1"): (
        "no attestation is called 'A-1'"
    ),
}


@pytest.mark.parametrize("arguments", UNKNOWN, ids=" ".join)
def test_the_nearest_name_is_suggested(collected: Place, arguments: tuple[str, ...]) -> None:
    done = collected.run(*arguments)
    assert done.code == 2
    assert UNKNOWN[arguments] in done.err
    assert done.out == ""


def test_refused_decisions_leave_no_trace_in_the_ledger(copy: Place) -> None:
    before = copy.run("ledger", "status", "--json").json["entries"]
    for arguments in UNKNOWN:
        if arguments[0] in ("waiver", "attest"):
            copy.run(*arguments)
    assert copy.run("ledger", "status", "--json").json["entries"] == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--as-of", "2199-01-01", "--no-collect"), "lies in the future"),
        (("--as-of", "2020-01-01", "--no-collect"), "the ledger holds nothing from 2020-01-01"),
        (("--as-of", "2020-01-01"), "add --no-collect to --as-of"),
        (("--as-of", "yesterday", "--no-collect"), "is not a moment; write 2026-06-30"),
    ],
)
def test_moments_that_cannot_be_judged(collected: Place, arguments: tuple[str, ...], said: str) -> None:
    done = collected.run("audit", *arguments)
    assert done.code == 2
    assert said in done.err
    assert not (collected.folder / "audit").exists()


@pytest.mark.parametrize("command", ["audit", "gate", "collect"])
def test_a_name_is_checked_before_a_configuration_is_proposed(place: Place, command: str) -> None:
    done = place.run(command, "nothing-of-this-name")
    assert done.code == 2
    assert "nothing-of-this-name" in done.err
    assert not place.ledger.exists()


@pytest.mark.parametrize("command", ["audit", "gate"])
def test_without_collecting_nothing_is_proposed(place: Place, command: str) -> None:
    done = place.run(command, "--no-collect")
    assert done.code == 2
    assert "there is no ledger" in done.err
    assert place.names() == set()
