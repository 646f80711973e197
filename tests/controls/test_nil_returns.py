"""An empty register is an answer only while its owner says so: whose statements count, when, and about what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from compliance.controls.cases import run_cases
from compliance.controls.catalogue import LoadedControl
from compliance.controls.evaluate import evaluate_one
from compliance.controls.evidence_base import EvidenceBase
from compliance.controls.nil_returns import of_register
from compliance.controls.sql import parse, population
from compliance.schemas.canonical import instant
from compliance.schemas.results import AttestationView, ControlResult, Coverage
from tests.controls.given import AS_OF, complete

Build = Callable[..., EvidenceBase]
Load = Callable[..., LoadedControl]
DAY = timedelta(days=1)
DESK, OTHER = "desk", "campus"
OWNER = "Ana Ruiz"
VERDICT = "CASE WHEN r.{} IS NOT NULL THEN pass('inside', 'x') ELSE unknown('unread', 'x') END AS result"
RISKS = f"SELECT r.risk AS resource, r.entry AS entry, {VERDICT.format('level')} FROM risk AS r WHERE r.status = 'open'"
TWO = RISKS + (
    "\nUNION ALL SELECT r.exercise AS resource, r.entry AS entry, "
    f"{VERDICT.format('passed')} FROM continuity_exercise AS r"
)
NIL = {"empty": {"verdict": "pass", "proof": "nil_return", "reason": {"en": "none"}}}
COMPLETE = {"empty": {"verdict": "pass", "proof": "complete", "reason": {"en": "none"}}}


def case(kind: str, key: str, column: str, value: Any) -> list[dict[str, Any]]:
    """Cases that the catalogue's rules ask for; what they are about is not tested here."""
    given = {kind: [{key: "a", column: value}]}
    unread = {kind: [{key: "a"}]}
    return [
        {"name": "in", "given": given, "expect": "pass"},
        {"name": "out", "given": given, "expect": "fail"},
        {"name": "unread", "given": unread, "expect": "unknown"},
        {"name": "nobody", "promised": False, "expect": "unknown", "unknown_reason": "no_evidence"},
    ]


CASES = case("risk", "risk", "level", "low")


def said(about: str = "control", days: float = 1, **changed: Any) -> AttestationView:
    """A return of `days` ago by the owner: about the control, or about the register of a kind."""
    register = {"control": None, "of_kind": about, "entries": 0} if about != "control" else {"control": "test.scope"}
    values: dict[str, Any] = {
        "attestation": "n1", "form": "nil_return", "requirements": (), "statement": "none", "by_person": OWNER,
        "reviewed_by": None, "occurred_at": AS_OF - days * DAY, "expires_at": AS_OF + 300 * DAY,
        "document_sha256": None, "in_date": True, "entry": 9,
    }  # fmt: skip
    return AttestationView(**{**values, **register, **changed})


def owned(kind: str = "risk", source: str = DESK, owner: str | None = OWNER) -> dict[str, Any]:
    """The row of a register."""
    return {"source": source, "of_kind": kind, "owner": owner, "form": "csv", "place": "x", "readable": True}


def covered(*kinds: str, source: str = DESK) -> list[Coverage]:
    """Everything was read."""
    return [complete(kind, source) for kind in (*kinds, "kept_register", "register_return")]


@pytest.fixture
def judge(load: Load, base: Build) -> Callable[..., ControlResult]:
    """The verdict over registers; the one of risks is empty and has an owner unless said otherwise."""

    def run(
        *returns: AttestationView,
        sql: str = RISKS,
        coverage: list[Coverage] | None = None,
        control: Mapping[str, Any] = NIL,
        **tables: Any,
    ) -> ControlResult:
        loaded = load(sql, cases=CASES, **control)
        built = base([], coverage or covered("risk", "continuity_exercise"), **{"kept_register": [owned()], **tables})
        return evaluate_one(loaded, built, as_of=AS_OF, attestations=returns)

    return run


@pytest.mark.parametrize("control", [NIL, COMPLETE])
@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ([], "no in-date return by its owner"),
        ([said(days=36)], "no in-date return"),
        ([said("risk", days=35.001)], "no in-date return"),
        ([said("risk", days=-1)], "no in-date return"),
        ([said("risk", in_date=False)], "no in-date return"),  # taken back, or expired
        ([said("risk", form="document")], "no in-date return"),
        ([said("risk", by_person="Luis Mora")], "one by somebody else does not count"),
        ([said(by_person="Luis Mora")], "one by somebody else does not count"),
        ([said("risk", by_person="(erased)")], "one by somebody else does not count"),
        ([said("audit_finding")], "no in-date return"),
        ([said(control="other.control")], "no in-date return"),
        ([said("risk", of_source=OTHER)], "no in-date return"),
        ([said("risk", entries=2)], "says 2 entries, and 0 were read"),
        ([said("risk", entries=None)], "does not say how many entries"),
        ([said("risk", days=9), said("risk", days=3, entries=2)], "says 2 entries, and 0 were read"),
    ],
)
def test_what_proves_nothing(
    judge: Callable[..., ControlResult], control: Mapping[str, Any], stated: list[AttestationView], words: str
) -> None:
    result = judge(*stated, control=control)
    assert (result.verdict, result.unknown_reason) == ("unknown", "overdue")
    assert words in result.reason
    assert "Ana" not in result.reason
    assert "Luis" not in result.reason


@pytest.mark.parametrize("control", [NIL, COMPLETE])
@pytest.mark.parametrize(
    "stated",
    [
        [said()],
        [said("risk")],
        [said("risk", days=35)],
        [said("risk", days=0)],
        [said("risk", of_source=DESK)],
        [said("risk", by_person=" ana  RUIZ ")],
        [said("risk", days=9, entries=2), said("risk", days=3)],
        [said("risk"), said("risk", by_person="Luis Mora", days=0, entries=7)],
    ],
)
def test_what_proves_that_nothing_happened(
    judge: Callable[..., ControlResult], control: Mapping[str, Any], stated: list[AttestationView]
) -> None:
    result = judge(*stated, control=control)
    assert result.verdict == "pass", result.reason
    assert "stated by a return of" in result.reason


@pytest.mark.parametrize("control", [NIL, COMPLETE])
@pytest.mark.parametrize("about", ["control", "risk"])
@pytest.mark.parametrize(("days", "rows", "verdict"), [(1, 2, "unknown"), (1, 0, "pass"), (4, 2, "pass")])
def test_what_came_and_went_after_the_return_is_not_covered_by_it(
    judge: Callable[..., ControlResult], control: Mapping[str, Any], about: str, days: int, rows: int, verdict: str
) -> None:
    read = {
        "run": "r", "of_source": DESK, "of_kind": "risk", "collector": "x", "attempt": 1, "part": 0,
        "outcome": "complete", "rows": rows, "stored": 0, "source": "engine",
        "started_at": instant(AS_OF - days * DAY),
    }  # fmt: skip
    engine = [*covered("risk"), complete("collection", "engine")]
    result = judge(said(about, days=3), control=control, coverage=engine, collection=[read])
    assert result.verdict == verdict
    assert ("2 after its newest return" in result.reason) == (verdict == "unknown")


def test_what_no_evaluation_is_given_is_not_empty(load: Load, base: Build) -> None:
    sql = "SELECT r.resource AS resource, r.entry AS entry, " + VERDICT.format("verdict") + " FROM finding AS r"
    loaded = load(sql, cases=case("finding", "resource", "verdict", "fail"), **COMPLETE)
    result = evaluate_one(loaded, base([], [complete("asset")]), as_of=AS_OF)
    assert (result.verdict, result.unknown_reason) == ("unknown", "no_evidence")


def test_the_owner_is_the_one_of_the_register_else_of_the_source(judge: Callable[..., ControlResult]) -> None:
    source = {"source": "engine", "name": DESK, "collector": "x", "kinds": [], "enabled": True, "owner": "Eva Sol"}
    engine = [*covered("risk"), complete("source", "engine")]
    by_eva = said("risk", by_person="Eva Sol")
    assert judge(by_eva, coverage=engine, source=[source]).verdict == "unknown"
    assert judge(by_eva, coverage=engine, source=[source], kept_register=[owned(owner=None)]).verdict == "pass"
    assert judge(by_eva, coverage=engine, source=[source], kept_register=[owned("audit_finding")]).verdict == "pass"
    nobody = judge(said("risk"), kept_register=[])
    assert "no owner is configured" in nobody.reason
    assert nobody.verdict == "unknown"


def test_a_register_that_was_not_read_is_not_proven_empty(judge: Callable[..., ControlResult]) -> None:
    never = Coverage(source=DESK, collector="registers", kind="risk", outcome="never")
    denied = Coverage(source=DESK, collector="registers", kind="risk", outcome="denied", attempted_at=AS_OF)
    rest = covered()
    assert judge(said("risk"), coverage=[never, *rest]).unknown_reason == "no_evidence"
    assert judge(said("risk"), coverage=[denied, *rest]).unknown_reason == "error"
    assert judge(said("risk"), coverage=rest).unknown_reason == "no_evidence"


def test_every_source_needs_its_own(judge: Callable[..., ControlResult]) -> None:
    both = [*covered("risk"), *covered("risk", source=OTHER)]
    owners = [owned(), owned(source=OTHER, owner="Eva Sol")]
    assert judge(said("risk"), coverage=both, kept_register=owners).verdict == "unknown"
    two = [said("risk"), said("risk", by_person="Eva Sol")]
    assert judge(*two, coverage=both, kept_register=owners).verdict == "pass"
    one_owner = [owned(), owned(source=OTHER)]
    assert judge(said("risk"), coverage=both, kept_register=one_owner).verdict == "pass"
    assert judge(said("risk", of_source=DESK), coverage=both, kept_register=one_owner).verdict == "unknown"


CLOSED = [{"source": DESK, "risk": "R-1", "status": "closed"}]


def test_a_register_with_entries_that_do_not_count(judge: Callable[..., ControlResult]) -> None:
    """Where the control asks for a return, also a register that is not empty must be spoken for, as it was read."""
    assert judge(risk=CLOSED).verdict == "unknown"
    assert "says 0 entries, and 1 were read" in judge(said("risk"), risk=CLOSED).reason
    assert judge(said("risk", entries=1), risk=CLOSED).verdict == "pass"
    assert judge(said(), risk=CLOSED).verdict == "pass"
    assert judge(risk=CLOSED, control=COMPLETE).verdict == "pass"  # it asks for none, and the register is kept


def test_a_control_over_two_registers(judge: Callable[..., ControlResult]) -> None:
    owners = [owned(), owned("continuity_exercise")]
    assert "continuity_exercise of desk" in judge(said("risk"), sql=TWO, kept_register=owners).reason
    assert judge(said("risk"), said("continuity_exercise"), sql=TWO, kept_register=owners).verdict == "pass"
    assert judge(said(), sql=TWO, kept_register=owners).verdict == "pass"
    another = [owned(), owned("continuity_exercise", owner="Eva Sol")]
    assert judge(said(), sql=TWO, kept_register=another).verdict == "unknown"
    oldest = judge(said("risk", days=30), said("continuity_exercise"), sql=TWO, kept_register=owners)
    assert f"{AS_OF - 30 * DAY:%Y-%m-%d}" in oldest.reason


def test_what_a_population_is_narrowed_with_counts_only_when_it_is_empty(judge: Callable[..., ControlResult]) -> None:
    joined = RISKS.replace("AS r WHERE", "AS r JOIN person AS p ON p.person = r.owner WHERE")
    owners = [owned(), owned("person", owner="HR")]
    coverage = covered("risk", "person")
    people = [{"source": DESK, "person": "P-1"}]
    assert judge(said("risk"), sql=joined, coverage=coverage, kept_register=owners, person=people).verdict == "pass"
    assert judge(said("risk"), sql=joined, coverage=coverage, kept_register=owners).verdict == "unknown"
    left = joined.replace(" JOIN ", " LEFT JOIN ")
    assert judge(said("risk"), sql=left, coverage=coverage, kept_register=owners).verdict == "pass"


def returned(days: float = 1, **changed: Any) -> dict[str, Any]:
    """A line of the register of returns."""
    at = (AS_OF - days * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    line = {
        "of_kind": "risk",
        "of_source": "*",
        "returned_at": at,
        "by_person": OWNER,
        "covers_until": at,
        "entries": 0,
    }
    return {"source": DESK, **line, **changed}


def moment(days: float) -> str:
    """So many days before the moment judged."""
    return (AS_OF - days * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (returned(), "pass"),
        (returned(35), "pass"),
        (returned(36), "unknown"),
        (returned(-1), "unknown"),
        (returned(-1, covers_until=moment(2)), "unknown"),
        (returned(of_source=DESK), "pass"),
        (returned(of_source=OTHER), "unknown"),
        (returned(by_person="Luis"), "unknown"),
        (returned(by_person=None), "unknown"),
        (returned(entries=1), "unknown"),
        (returned(entries=None), "unknown"),
        (returned(of_kind="audit_finding"), "unknown"),
        (returned(covers_until=None), "unknown"),
        (returned(covers_until=moment(35)), "pass"),
        (returned(covers_until=moment(36)), "unknown"),
        (returned(covers_until=moment(-10)), "pass"),  # of the future it says nothing, of the past it does
        (returned(expires_at=moment(0)), "unknown"),
        (returned(expires_at=moment(-1)), "pass"),
    ],
)
def test_returns_may_be_kept_in_a_register(
    judge: Callable[..., ControlResult], line: dict[str, Any], verdict: str
) -> None:
    assert judge(register_return=[line]).verdict == verdict


def test_the_newest_counts_however_it_was_made(judge: Callable[..., ControlResult]) -> None:
    assert judge(said("risk", days=5), register_return=[returned(3, entries=4)]).verdict == "unknown"
    assert judge(said("risk", days=2), register_return=[returned(3, entries=4)]).verdict == "pass"


def test_one_register_alone(base: Build) -> None:
    built = base([], covered("risk"), kept_register=[owned()], risk=CLOSED)
    assert of_register(built, [said("risk", entries=1)], DESK, "risk", AS_OF).stated_at == AS_OF - DAY
    assert of_register(built, [said()], DESK, "risk", AS_OF).stated_at is None  # it speaks of a control


def test_a_fail_needs_no_proof(judge: Callable[..., ControlResult]) -> None:
    empty = {"empty": {"verdict": "fail", "reason": {"en": "no risk was ever written down"}}}
    assert judge(control=empty).verdict == "fail"


def test_cases_may_say_that_a_nil_return_was_made(load: Load) -> None:
    cases = [
        *CASES,
        {"name": "stated", "nil_return": True, "expect": "pass"},
        {"name": "stated, with entries", "given": {"risk": [{"risk": "a", "status": "closed", "source": "x"}]},
         "nil_return": True, "expect": "pass"},
        {"name": "not stated", "expect": "unknown", "unknown_reason": "overdue"},
        {"name": "not read", "nil_return": True, "collections": [{"kind": "risk", "outcome": "denied"}],
         "expect": "unknown", "unknown_reason": "error"},
    ]  # fmt: skip
    assert [outcome.problems for outcome in run_cases(load(RISKS, cases=cases, **NIL))[4:]] == [(), (), (), ()]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a.x FROM a LEFT JOIN b ON a.x = b.x", {"a": True}),
        ("SELECT a.x FROM a JOIN b ON a.x = b.x", {"a": True, "b": False}),
        ("SELECT a.x FROM a, b", {"a": True, "b": False}),
        ("SELECT b.x FROM a RIGHT JOIN b ON a.x = b.x", {"a": True, "b": True}),
        ("SELECT x FROM a WHERE x IN (SELECT x FROM b)", {"a": True, "b": False}),
        ("SELECT x FROM a UNION ALL SELECT x FROM b", {"a": True, "b": True}),
        ("WITH p AS (SELECT x FROM a LEFT JOIN c ON TRUE), q AS (SELECT x FROM b) SELECT x FROM p JOIN q ON TRUE",
         {"a": True, "b": False}),
        ("WITH p AS (SELECT x FROM a), q AS (SELECT x FROM p) SELECT q.x FROM q LEFT JOIN b ON TRUE", {"a": True}),
        ("SELECT x FROM (SELECT x FROM a JOIN b ON TRUE) AS s", {"a": True, "b": False}),
        ("SELECT (SELECT max(y) FROM b) AS x FROM a", {"a": True}),
    ],
)  # fmt: skip
def test_what_a_population_begins_with(sql: str, expected: dict[str, bool]) -> None:
    assert dict(population(parse(sql, Path("x.sql")))) == expected
