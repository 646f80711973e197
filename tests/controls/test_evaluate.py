"""The verdict table, row by row, on real DuckDB; and the contract of the rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from compliance.controls.catalogue import Catalogue, LoadedControl
from compliance.controls.evaluate import evaluate, evaluate_one, fingerprint
from compliance.controls.evidence_base import EvidenceBase
from compliance.schemas.catalogue import PlannedControl
from compliance.schemas.errors import ConfigError
from compliance.schemas.results import AttestationView, Completeness, ControlResult, Coverage, FlagView
from tests.controls.given import AS_OF, SQL, complete

Build = Callable[..., EvidenceBase]
Load = Callable[..., LoadedControl]

IN: dict[str, Any] = {"asset": "in", "in_pci_scope": True}
OUT: dict[str, Any] = {"asset": "out", "in_pci_scope": False}
UNREAD: dict[str, Any] = {"asset": "unread"}
LAB: dict[str, Any] = {"asset": "lab", "in_pci_scope": False, "environment": "lab"}


def gap(outcome: str = "denied", source: str = "host-1", **more: Any) -> Coverage:
    values: dict[str, Any] = {"kind": "asset", "attempted_at": AS_OF, **more}
    return Coverage(source=source, collector="host", outcome=outcome, **values)


def told(result: ControlResult) -> tuple[str, str | None, str]:
    return result.verdict, result.unknown_reason, result.completeness


@pytest.mark.parametrize(
    ("assets", "coverage", "expected"),
    [
        ([IN], [complete()], ("pass", None, "complete")),
        ([IN, LAB], [complete()], ("pass", None, "complete")),
        ([IN, OUT], [complete()], ("fail", None, "complete")),
        ([IN, UNREAD], [complete()], ("unknown", "unreadable", "complete")),
        ([OUT, UNREAD], [complete()], ("fail", None, "complete")),
        ([LAB], [complete()], ("not_applicable", None, "complete")),
        ([LAB, UNREAD], [complete()], ("unknown", "unreadable", "complete")),
        ([], [complete()], ("unknown", "no_evidence", "complete")),
        # a needed collection failed, is missing, or is too old
        ([IN], [gap()], ("unknown", "error", "none")),
        ([IN], [gap(completed_at=AS_OF - timedelta(hours=1))], ("unknown", "error", "none")),
        ([IN], [complete(), gap(source="host-2")], ("unknown", "error", "partial")),
        ([], [], ("unknown", "no_evidence", "none")),
        ([], [gap("never")], ("unknown", "no_evidence", "none")),
        ([IN], [complete(), gap("never", "host-2")], ("unknown", "no_evidence", "partial")),
        ([IN], [complete(age=timedelta(hours=26))], ("pass", None, "complete")),
        ([IN], [complete(age=timedelta(hours=26, microseconds=1))], ("unknown", "stale", "none")),
        ([IN], [complete(), complete(source="host-2", age=timedelta(days=3))], ("unknown", "stale", "partial")),
        ([IN], [complete(age=timedelta(microseconds=-1))], ("unknown", "no_evidence", "none")),
        # the worst is named: error before no evidence before stale
        ([IN], [complete(age=timedelta(days=3)), gap("never", "b"), gap("timeout", "c")], ("unknown", "error", "none")),
        ([IN], [complete(age=timedelta(days=3)), gap("never", "b")], ("unknown", "no_evidence", "none")),
        # one counterexample is enough, however partial the rest
        ([OUT], [gap()], ("fail", None, "none")),
        ([OUT], [complete(), gap(source="host-2")], ("fail", None, "partial")),
        ([OUT], [complete(age=timedelta(days=3))], ("fail", None, "none")),
        # not applicable needs complete evidence, too
        ([LAB], [complete(), gap(source="host-2")], ("unknown", "error", "partial")),
        # a source that left the configuration is not needed; alone it is nobody
        ([IN], [complete(), gap(source="old", removed_from_configuration=True)], ("pass", None, "complete")),
        ([IN], [complete(removed_from_configuration=True)], ("unknown", "no_evidence", "none")),
    ],
)
def test_the_table(
    load: Load, base: Build, assets: list[dict[str, Any]], coverage: list[Coverage], expected: tuple[str, str, str]
) -> None:
    assert told(evaluate_one(load(), base(assets, coverage), as_of=AS_OF)) == expected


def test_gaps_list_what_kept_it_from_a_pass(load: Load, base: Build) -> None:
    missing = gap("timeout", "host-2")
    result = evaluate_one(load(), base([IN], [complete(), missing]), as_of=AS_OF)
    assert result.gaps == (missing,)
    assert result.reason == "asset of host-2 could not be read (timeout)"

    nobody = evaluate_one(load(), base([], []), as_of=AS_OF)
    assert [(row.kind, row.outcome) for row in nobody.gaps] == [("asset", "never")]


def test_a_removed_source_is_named(load: Load, base: Build) -> None:
    coverage = [complete(), complete(source="old", removed_from_configuration=True)]
    result = evaluate_one(load(), base([IN], coverage), as_of=AS_OF)
    assert result.reason == "all 1 pass; no longer configured and not judged: old"


def test_freshness_of_one_kind_may_differ(load: Load, base: Build) -> None:
    control = load(fresh_by_kind={"asset": "2h"})
    assert told(evaluate_one(control, base([IN], [complete(age=timedelta(hours=3))]), as_of=AS_OF))[1] == "stale"


def test_an_optional_kind_may_be_missing(load: Load, base: Build) -> None:
    sql = (
        SQL
        + "LEFT JOIN (SELECT asset, max(entry) AS e FROM clock_status GROUP BY asset) AS c ON c.asset = asset.asset\n"
    )
    needed = evaluate_one(load(sql), base([IN]), as_of=AS_OF)
    control = load(sql, optional_kinds=["clock_status"])
    optional = evaluate_one(control, base([IN]), as_of=AS_OF)
    failed = evaluate_one(control, base([IN], [complete(), gap("denied", kind="clock_status")]), as_of=AS_OF)
    assert told(needed) == ("unknown", "no_evidence", "partial")
    assert told(optional) == ("pass", None, "complete")
    assert told(failed) == ("unknown", "error", "partial")  # promised and not given: a gap like any other


def test_an_optional_kind_that_is_there_must_be_fresh(load: Load, base: Build) -> None:
    sql = SQL + "LEFT JOIN (SELECT asset AS a FROM clock_status) AS c ON c.a = asset.asset\n"
    old = complete("clock_status", age=timedelta(days=2))
    result = evaluate_one(load(sql, optional_kinds=["clock_status"]), base([IN], [complete(), old]), as_of=AS_OF)
    assert told(result) == ("unknown", "stale", "partial")
    assert result.gaps == (old,)


def test_what_a_register_lacks_shows_nothing_while_no_source_is_asked_for_it(load: Load, base: Build) -> None:
    """Decision 0019: `person` is kept by people. Configured and unread it is a gap, and a failure stays one."""
    control = load(SQL + "LEFT JOIN (SELECT person AS p, max(entry) AS e FROM person GROUP BY person) AS p ON FALSE\n")
    nobody = evaluate_one(control, base([OUT]), as_of=AS_OF)
    unread = evaluate_one(control, base([OUT], [complete(), gap("denied", kind="person")]), as_of=AS_OF)
    assert told(nobody) == ("unknown", "no_evidence", "partial")
    assert "no configured source answers for person; 1 findings rest on person" in nobody.reason
    assert [finding.verdict for finding in nobody.findings] == ["fail"]
    assert told(unread) == ("fail", None, "partial")
    system = load(SQL + "LEFT JOIN (SELECT asset AS a FROM clock_status) AS c ON c.a = asset.asset\n")
    assert told(evaluate_one(system, base([OUT]), as_of=AS_OF)) == ("fail", None, "partial")  # no register


@pytest.mark.parametrize(
    ("empty", "coverage", "nil_days", "expected"),
    [
        ({"verdict": "pass"}, [complete()], None, ("pass", None)),
        ({"verdict": "not_applicable"}, [complete()], None, ("not_applicable", None)),
        ({"verdict": "fail"}, [complete()], None, ("fail", None)),
        ({"verdict": "pass"}, [gap()], None, ("unknown", "error")),
        ({"verdict": "pass"}, [], None, ("unknown", "no_evidence")),
        ({"verdict": "pass"}, [complete(age=timedelta(days=3))], None, ("unknown", "stale")),
        ({"verdict": "pass", "proof": "nil_return"}, [complete()], None, ("unknown", "overdue")),
        ({"verdict": "pass", "proof": "nil_return"}, [complete()], 35, ("pass", None)),
        ({"verdict": "pass", "proof": "nil_return"}, [complete()], 36, ("unknown", "overdue")),
        ({"verdict": "pass", "proof": "nil_return"}, [gap()], 1, ("unknown", "error")),
    ],
)
def test_an_empty_population_needs_its_proof(
    load: Load,
    base: Build,
    empty: dict[str, Any],
    coverage: list[Coverage],
    nil_days: int | None,
    expected: tuple[str, str | None],
) -> None:
    control = load(empty={**empty, "reason": {"en": "none"}})
    stated = [nil_return(nil_days)] if nil_days is not None else []
    result = evaluate_one(control, base([], coverage), as_of=AS_OF, attestations=stated)
    assert told(result)[:2] == expected


def nil_return(days: int, **changed: Any) -> AttestationView:
    values: dict[str, Any] = {
        "attestation": "n1",
        "form": "nil_return",
        "control": "test.scope",
        "requirements": (),
        "statement": "nothing happened",
        "by_person": "Ana",
        "reviewed_by": None,
        "occurred_at": AS_OF - timedelta(days=days),
        "expires_at": AS_OF + timedelta(days=300),
        "document_sha256": None,
        "in_date": True,
        "entry": 9,
    }
    return AttestationView(**{**values, **changed})


@pytest.mark.parametrize("changed", [{"control": "other.control"}, {"in_date": False}, {"form": "document"}])
def test_another_statement_is_no_nil_return(load: Load, base: Build, changed: dict[str, Any]) -> None:
    control = load(empty={"verdict": "pass", "proof": "nil_return", "reason": {"en": "none"}})
    result = evaluate_one(control, base(), as_of=AS_OF, attestations=[nil_return(1, **changed)])
    assert told(result)[:2] == ("unknown", "overdue")


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ([], "pass"),
        ([(False, True)], "not_applicable"),
        ([(False, False)], "pass"),  # expired: counts as on
        ([(True, True)], "pass"),
        ([(False, True), (True, True)], "pass"),  # contradicted: counts as on
    ],
)
def test_only_an_in_date_declaration_switches_off(
    load: Load, base: Build, declared: list[tuple[bool, bool]], expected: str
) -> None:
    profile = [FlagView("eu_subjects", value, "dpo", AS_OF, in_date, 1) for value, in_date in declared]
    result = evaluate_one(load(applies_if="eu_subjects"), base([IN]), as_of=AS_OF, profile=profile)
    assert result.verdict == expected


@pytest.mark.parametrize(
    ("out", "inside", "unread", "expected"),
    [
        (1, 9, 0, ("pass", None)),
        (2, 8, 0, ("fail", None)),
        (1, 8, 1, ("unknown", "unreadable")),
        (0, 10, 0, ("pass", None)),
        (1, 0, 0, ("fail", None)),
    ],
)
def test_a_tolerated_share(
    load: Load, base: Build, out: int, inside: int, unread: int, expected: tuple[str, str | None]
) -> None:
    assets = [
        *({**OUT, "asset": f"o{n}"} for n in range(out)),
        *({**IN, "asset": f"i{n}"} for n in range(inside)),
        *({**UNREAD, "asset": f"u{n}"} for n in range(unread)),
    ]
    control = load(tolerate={"fail_percent_max": 10, "source": "test"})
    assert told(evaluate_one(control, base(assets), as_of=AS_OF))[:2] == expected


def broken(resource: str = "asset.asset", entry: str = "asset.entry", result: str = "pass('inside', 'in')") -> str:
    return f"SELECT {resource} AS resource, {entry} AS entry, {result} AS result FROM asset"


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (broken(resource="'same'"), "a resource of one source appears more than once"),
        (broken(resource="NULL::VARCHAR"), "a row names no resource"),
        (broken(resource="' '"), "a row names no resource"),
        (broken(entry="NULL::BIGINT"), "rests on no entry"),
        (broken(entry="[]::BIGINT[]"), "rests on no entry"),
        (broken(entry="4711"), "no evidence the query reads"),
        (broken(entry="[asset.entry, 4711]"), "no evidence the query reads"),
        (broken(entry="'1'"), "rests on no entry"),
        (broken(result="NULL"), "a row has no result"),
        (broken(result="{'verdict': 'pass'}"), "a row has no result"),
        (broken(result="{'verdict': 'waived', 'code': 'inside', 'reason': 'r'}"), "the verdict 'waived'"),
        (broken(result="pass('invented', 'r')"), "the reason code 'invented'"),
        (broken(result="pass('inside', NULL)"), "has no reason"),
        (broken(result="pass('inside', ' ')"), "has no reason"),
        ("SELECT asset.asset AS resource, asset.entry AS entry FROM asset", "expected resource, entry, result"),
        (broken() + "; DELETE FROM asset", "exactly one SELECT"),
        (broken(resource="asset.asset::INTEGER::VARCHAR"), "the query failed (Conversion)"),
        (broken(resource="asset.assett"), "assett"),
        ("SELECT a.asset AS resource, 1 AS entry, pass('inside', 'x') AS result FROM asset a, read_csv('/etc/passwd')",
         "the query failed (Permission)"),
    ],
)  # fmt: skip
def test_rows_that_break_the_contract_decide_nothing(load: Load, base: Build, sql: str, words: str) -> None:
    result = evaluate_one(load(sql), base([IN, {**IN, "asset": "b"}]), as_of=AS_OF)
    assert told(result)[:2] == ("unknown", "error")
    assert words in result.reason
    assert result.findings == ()


def test_an_error_message_quotes_no_value(load: Load, base: Build) -> None:
    sql = broken(resource="asset.asset::INTEGER::VARCHAR")
    result = evaluate_one(load(sql), base([{**IN, "asset": "ana@example.org"}]), as_of=AS_OF)
    assert "ana@example.org" not in result.reason


def test_a_slow_control_is_unknown_and_the_next_is_judged(load: Load, base: Build) -> None:
    evidence = base([IN])
    slow = load("SELECT asset.asset AS resource, asset.entry AS entry, pass('inside', (SELECT count(*)::VARCHAR FROM "
                "range(1000000) a, range(1000000) b)) AS result FROM asset")  # fmt: skip
    late = evaluate_one(slow, evidence, as_of=AS_OF, time_limit_s=0.2)
    assert told(late)[:2] == ("unknown", "error")
    assert "took too long" in late.reason
    assert evaluate_one(load(), evidence, as_of=AS_OF).verdict == "pass"


def test_findings_carry_source_person_entries_and_number(load: Load, base: Build) -> None:
    sql = SQL.replace("asset.entry AS entry", "[NULL, asset.entry, asset.entry] AS entry")
    evidence = base(
        [{**OUT, "asset": "b", "subject": "alias-b"}, {**IN, "asset": "a", "source": "host-2"}, {**IN, "asset": "a"}],
        [complete(), complete(source="host-2")],
    )
    result = evaluate_one(load(sql), evidence, as_of=AS_OF)
    assert [(f.number, f.source, f.resource, f.verdict, f.code, f.entries, f.subject) for f in result.findings] == [
        (1, "host-1", "a", "pass", "inside", (3,), None),
        (2, "host-2", "a", "pass", "inside", (2,), None),
        (3, "host-1", "b", "fail", "outside", (1,), "alias-b"),
    ]
    assert result.findings[2].fingerprint == fingerprint("test.scope", 1, "host-1", "b", "outside")
    assert len({f.fingerprint for f in result.findings}) == 3


def test_parameters_are_bound_and_stored(load: Load, base: Build) -> None:
    sql = SQL.replace("asset.in_pci_scope THEN", "len(asset.asset) <= $longest THEN")
    parameter = {"type": "int", "default": 2, "title": {"en": "t"}, "source": "test"}
    control = load(sql, parameters={"longest": parameter})
    evidence = base([{**IN, "asset": "abc"}])
    assert evaluate_one(control, evidence, as_of=AS_OF).verdict == "unknown"
    wider = evaluate_one(control, evidence, as_of=AS_OF, override={"longest": 3})
    assert (wider.verdict, wider.parameters) == ("pass", {"longest": 3})
    assert wider.reason.endswith("; judged by the organisation's own thresholds: longest 3, not 2")
    assert "thresholds" not in evaluate_one(control, evidence, as_of=AS_OF).reason


def test_moments_are_bound(load: Load, base: Build) -> None:
    sql = broken(
        result="CASE WHEN $as_of = TIMESTAMP '2026-01-15 12:00:00' AND $period_end = $as_of "
        "AND $period_start = TIMESTAMP '2026-01-01 00:00:00' AND $as_of - days(14) - hours(12) = $period_start "
        "THEN pass('inside', 'x') ELSE unknown('unread', 'x') END"
    )
    start = AS_OF - timedelta(days=14, hours=12)
    assert evaluate_one(load(sql), base([IN]), as_of=AS_OF, period_start=start).verdict == "pass"


def catalogue(*controls: LoadedControl, planned: tuple[PlannedControl, ...] = ()) -> Catalogue:
    return Catalogue({one.id: one for one in controls}, {one.id: one for one in planned}, {})


def planned(**more: Any) -> PlannedControl:
    return PlannedControl.model_validate(
        {"id": "hr.training", "title": {"en": "t"}, "severity": "low", "needs": ["course"], "from": "HR", **more}
    )


def test_planned_controls_are_unknown_and_in_the_results(load: Load, base: Build) -> None:
    seen: list[str] = []
    results = evaluate(
        catalogue(load(), planned=(planned(),)),
        base([IN]),
        as_of=AS_OF,
        overrides={},
        profile=[],
        waivers=[],
        progress=seen.append,
    )
    assert list(results) == ["hr.training", "test.scope"]
    assert told(results["hr.training"]) == ("unknown", "no_collector", Completeness.NONE)
    assert results["hr.training"].version == 0
    assert seen == ["test.scope"]


def test_a_planned_control_can_be_not_applicable(base: Build) -> None:
    off = [FlagView("eu_subjects", False, "dpo", AS_OF, True, 1)]
    results = evaluate(
        catalogue(planned=(planned(applies_if="eu_subjects"),)),
        base(),
        as_of=AS_OF,
        overrides={},
        profile=off,
        waivers=[],
    )
    assert results["hr.training"].verdict == "not_applicable"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"test.scop": {}}, "did you mean 'test.scope'"),
        ({"test.scope": {"longes": 1}}, "no parameter 'longes'; did you mean 'longest'"),
        ({"test.scope": {"longest": "1"}}, "must be of type int"),
        ({"test.scope": {"longest": True}}, "must be of type int"),
        ({"test.scope": {"longest": 1.5}}, "must be of type int"),
        ({"test.scope": {"names": "a"}}, "must be of type list"),
        ({"test.scope": {"names": [1]}}, "must be of type list"),
    ],
)
def test_wrong_overrides_are_refused(load: Load, base: Build, overrides: dict[str, Any], words: str) -> None:
    common = {"title": {"en": "t"}, "source": "test"}
    control = load(
        parameters={
            "longest": {"type": "int", "default": 2, **common},
            "names": {"type": "list[str]", "default": [], **common},
        }
    )
    with pytest.raises(ConfigError, match=words.replace("[", r"\[")):
        evaluate(catalogue(control), base([IN]), as_of=AS_OF, overrides=overrides, profile=[], waivers=[])
