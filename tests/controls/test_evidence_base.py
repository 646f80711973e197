"""The evidence that SQL sees: its types, and the sandbox around it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from compliance.controls.evidence_base import INPUT, EvidenceBase, TimeLimit
from compliance.schemas.errors import ControlError, EvidenceError
from compliance.schemas.evidence import VIEW_COLUMNS, all_kinds
from tests.controls.given import complete, rows

Build = Callable[..., EvidenceBase]


def test_every_kind_has_a_table_of_its_declared_types(base: Build) -> None:
    evidence = base()
    for name, kind in all_kinds().items():
        columns, found = evidence.query(f'SELECT * FROM "{name}"', {})
        _, types = evidence.query(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = $name",
            {"name": name},
        )
        assert found == []
        assert columns == [*kind.columns(), *VIEW_COLUMNS]
        assert dict(types) == {**kind.columns(), **VIEW_COLUMNS}


def test_values_arrive_typed_and_misfits_arrive_as_null(base: Build) -> None:
    evidence = base(
        [
            {"asset": "a", "booted_at": "2026-01-02T03:04:05.678901Z", "in_pci_scope": True, "detail": {"x": [1]}},
            {"asset": "b", "booted_at": "yesterday", "in_pci_scope": "perhaps", "column_of_tomorrow": 1},
            {"asset": "c"},
        ]
    )
    _, found = evidence.query(
        "SELECT asset, booted_at, in_pci_scope, detail->>'$.x[0]', observed_at FROM asset ORDER BY entry", {}
    )
    observed = datetime(2026, 1, 15, 11)  # noqa: DTZ001 -- evidence columns are UTC without zone
    assert found == [
        ("a", datetime(2026, 1, 2, 3, 4, 5, 678901), True, "1", observed),  # noqa: DTZ001
        ("b", None, None, None, observed),
        ("c", None, None, None, observed),
    ]


def test_lists_arrive_as_lists(base: Build) -> None:
    evidence = base(
        coverage=[complete("tls_endpoint")],
        tls_endpoint=[{"host": "h", "port": 443, "server_name": "", "protocols": ["TLSv1.2", "TLSv1.3"]}],
    )
    assert evidence.query("SELECT protocols[2], len(protocols), port FROM tls_endpoint", {})[1] == [("TLSv1.3", 2, 443)]


def test_rows_of_a_source_that_left_the_configuration_are_left_out(base: Build) -> None:
    evidence = base(
        [{"asset": "new"}, {"asset": "old", "source": "gone"}],
        [complete(), complete(source="gone", removed_from_configuration=True)],
    )
    assert evidence.query("SELECT asset FROM asset", {})[1] == [("new",)]


def test_rows_that_no_collection_explains_are_refused(base: Build) -> None:
    with pytest.raises(EvidenceError, match="asset: rows of stranger without a coverage row"):
        base([{"asset": "a", "source": "stranger"}])


@pytest.mark.parametrize("missing", INPUT.names)
def test_a_table_of_another_shape_is_refused(missing: str) -> None:
    table = rows([{"asset": "a"}]).drop_columns([missing])
    with pytest.raises(EvidenceError, match=f"lacks {missing}"):
        EvidenceBase.build({"asset": table}, [complete()])


def test_a_row_without_entry_is_refused() -> None:
    table = rows([{"asset": "a"}])
    table = table.set_column(0, "entry", pa.array([None], pa.int64()))
    with pytest.raises(EvidenceError, match="without entry number"):
        EvidenceBase.build({"asset": table}, [complete()])


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(EvidenceError, match="did you mean asset"):
        EvidenceBase.build({"assets": rows([])}, [])


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM rows",  # a Python variable of the caller
    ],
)
def test_files_and_python_are_out_of_reach(base: Build, tmp_path: Path, text: str) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("a,b\n1,2\n")
    evidence = base()
    with pytest.raises(duckdb.Error):
        evidence.query(text.format(file=file, folder=tmp_path), {})


@pytest.mark.parametrize(
    "text",
    [
        "COPY asset TO '{file}'",
        "ATTACH '{file}' AS other",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "PRAGMA database_list",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CREATE TABLE x AS SELECT 1",
        "INSERT INTO asset (asset) VALUES ('forged')",
        "DELETE FROM asset",
        "DROP TABLE asset",
        "CALL pragma_version()",
        "EXPLAIN SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT 1; DELETE FROM asset",
        "",
    ],
)
def test_only_one_select_is_run(base: Build, tmp_path: Path, text: str) -> None:
    evidence = base([{"asset": "a"}])
    file = tmp_path / "out"
    with pytest.raises(ControlError, match="exactly one SELECT"):
        evidence.query(text.format(file=file), {})
    assert not file.exists()
    assert evidence.query("SELECT count(*) FROM asset", {})[1] == [(1,)]


def test_settings_are_locked(base: Build) -> None:
    evidence = base()
    _, found = evidence.query(
        "SELECT name, value FROM duckdb_settings() WHERE name IN ('enable_external_access', 'lock_configuration')", {}
    )
    assert dict(found) == {"enable_external_access": "false", "lock_configuration": "true"}


def test_an_endless_query_is_stopped_and_the_next_one_runs(base: Build) -> None:
    evidence = base()
    with pytest.raises(TimeLimit):
        evidence.query(
            "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c", {}, time_limit_s=0.2
        )
    with pytest.raises(TimeLimit):
        evidence.table(
            "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c", {}, time_limit_s=0.2
        )
    assert evidence.query("SELECT 1", {})[1] == [(1,)]


def test_a_table_holds_what_a_query_gives_and_only_one_select_is_run(base: Build) -> None:
    evidence = base([{"asset": "a"}, {"asset": "b"}])
    text = "SELECT asset, entry FROM asset WHERE asset > $least"
    names, rows = evidence.query(text, {"least": "a", "unused": 1})
    table = evidence.table(text, {"least": "a", "unused": 1})
    assert (table.column_names, [tuple(row.values()) for row in table.to_pylist()]) == (names, rows)
    for forbidden in ("CREATE TABLE x AS SELECT 1", "SELECT 1; SELECT 2", "DELETE FROM asset"):
        with pytest.raises(ControlError, match="exactly one SELECT"):
            evidence.table(forbidden, {})
    rows_of_mine = table
    with pytest.raises(duckdb.CatalogException):
        evidence.table("SELECT * FROM rows_of_mine", {})
    assert rows_of_mine.num_rows == 1


def test_a_query_cannot_take_all_memory() -> None:
    with (
        EvidenceBase.build({}, [], memory_limit="50MB", threads=1, kinds=["asset"]) as evidence,
        pytest.raises(duckdb.OutOfMemoryException),
    ):
        evidence.query("SELECT list(a.range::VARCHAR || b.range) FROM range(10000) a, range(10000) b", {})


def test_the_places_of_entries_are_known_per_kind(base: Build) -> None:
    evidence = base([{"asset": "a", "subject": "alias-1"}, {"asset": "b"}])
    assert evidence.places(["asset"], [1, 2, 3]) == {1: ("host-1", "alias-1", "asset"), 2: ("host-1", None, "asset")}
    assert evidence.places(["clock_status"], [1]) == {}
