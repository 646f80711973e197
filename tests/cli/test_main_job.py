"""The main job: an audit in an empty folder, a second collection, a ledger changed by hand, a system that went away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from compliance.schemas.evidence import Event, kind_named
from tests.cli.helpers import Place, code_source, place_below
from tests.servers import postgres

READER = "compliance_reader"
PASSWORD = "planted-reader-51aa0c"
GRANTS = (
    f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'",
    f"GRANT pg_monitor TO {READER}",
    f"GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO {READER}",
)
LATER = f"{datetime.now(UTC).year + 2}-01-01"


@pytest.fixture
def database() -> Iterator[postgres.PostgresServer]:
    if not postgres.available():
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with postgres.PostgresServer() as server:
        server.sql(*GRANTS)
        yield server


def test_a_first_audit_needs_no_configuration(place: Place) -> None:
    done = place.run("audit", "--format", "json,html", "-o", "out")
    assert done.code in (0, 1, 3)
    assert "compliance.toml" in place.names()
    written = {path.name for path in (place.folder / "out" / "latest").resolve().iterdir()}
    assert {"audit.json", "soc2.json", "iso27001.json", "pci_dss.json", "ferpa.json", "index.html"} <= written
    result = json.loads((place.folder / "out/latest/audit.json").read_text())
    assert result["ledger"]["verified"] is True
    assert place.run("verify", "--quiet").code == 0


def test_a_second_collection_stores_only_what_changed(copy: Place) -> None:
    assert copy.run("collect").code == 0
    collections = copy.run("evidence", "show", "collection").json
    first, second = sorted({row["run"] for row in collections})
    states = [
        row for row in collections
        if row["run"] == second and row["outcome"] == "complete" and not issubclass(kind_named(row["of_kind"]), Event)
    ]  # fmt: skip
    before = {(row["of_source"], row["of_kind"]): row["snapshot_sha256"] for row in collections if row["run"] == first}
    same = [row for row in states if row["snapshot_sha256"] == before[row["of_source"], row["of_kind"]]]
    assert {"repository", "source", "user_account", "setting"} <= {row["of_kind"] for row in same}
    assert [row["of_kind"] for row in same if row["stored"] != 0] == []
    assert sum(row["stored"] for row in collections if row["run"] == second and row["of_kind"] == "commit") == 0


BY_HAND = {
    "column": "UPDATE entry SET source = 'other' WHERE seq = 5",
    "line": "UPDATE entry SET line = replace(line, '\"seq\":5', '\"seq\" :5') || ' ' WHERE seq = 5",
    "row": "DELETE FROM entry WHERE seq = 5",
}


@pytest.mark.parametrize("change", BY_HAND)
def test_a_change_by_hand_is_named_and_nothing_is_judged_on_it(copy: Place, change: str) -> None:
    copy.sql(BY_HAND[change])
    done = copy.run("verify", "--json")
    assert done.code == 4
    assert done.json["ok"] is False
    assert 5 in [problem["entry"] for problem in done.json["problems"]]
    assert "BROKEN     entry 5: " in copy.run("verify").out
    refused = copy.run("audit", "--no-collect", "--format", "json", "-o", "out")
    assert refused.code == 4
    assert str(copy.ledger) in refused.err or "not what was signed" in refused.err
    assert "keep a copy" in refused.err
    assert not (copy.folder / "out").exists()


def test_a_database_that_stops_turns_exactly_its_controls_unknown(
    tmp_path: Path, database: postgres.PostgresServer, clone: Path
) -> None:
    place = place_below(tmp_path, PG_READER=PASSWORD)
    place.configure(
        code_source(clone)
        + '[sources.db]\ncollector = "postgres"\nattempts = 1\npassword = "env:PG_READER"\n'
        + f'host = "127.0.0.1"\nport = {database.port}\nuser = "{READER}"\nsslmode = "require"\n'
    )
    up = place.run("gate", "--format", "json", "--write-baseline", "known.json", "--baseline-expires", LATER)
    assert up.code in (1, 3), up.err
    database.stop()
    down = place.run(
        "gate", "--format", "json", "--new-only", "--baseline", "known.json", "--fail-on", "critical"
    )  # fmt: skip
    assert down.json["violations"] == []
    assert down.code == 3

    assert place.run("audit", "--no-collect", "--format", "json", "-o", "out").code in (1, 3)
    controls = json.loads((place.folder / "out/latest/audit.json").read_text())["controls"]
    kinds = {row["of_kind"] for row in place.run("evidence", "show", "collection").json if row["of_source"] == "db"}
    gone = {c["id"]: c for c in controls if (c["verdict"], c["unknown_reason"]) == ("unknown", "error")}
    reading = {c["id"]: c for c in controls if kinds & set(c["kinds"]) and not c["id"].startswith("engine.")}
    assert {"db.audited", "access.dormant_disabled"} <= set(gone)
    assert set(gone) <= set(reading)
    assert [name for name, control in reading.items() if control["verdict"] == "pass"] == []
    for control in gone.values():
        assert "of db could not be read (unreachable)" in control["reason"]
        assert ("db", "unreachable") in {(gap["source"], gap["outcome"]) for gap in control["gaps"]}
    before = {row["name"] for row in up.json["undecided"] if row["cause"] == "error"}
    assert "db.audited" not in before


def test_a_wrong_password_is_a_gap_and_never_held(tmp_path: Path, database: postgres.PostgresServer) -> None:
    place = place_below(tmp_path, PG_READER="planted-wrong-77")
    place.configure(
        '[sources.db]\ncollector = "postgres"\npassword = "env:PG_READER"\n'
        f'host = "127.0.0.1"\nport = {database.port}\nuser = "{READER}"\nsslmode = "require"\n'
    )
    done = place.run("collect", "--json")
    assert done.code == 3
    assert {row["outcome"] for row in done.json["outcomes"]} == {"denied"}
    assert all(row["message"] and row["remedy"] for row in done.json["outcomes"])
    assert "planted-wrong-77" not in done.words
    gate = place.run("gate", "--fail-on", "critical", "--no-collect", "--format", "json")
    assert (gate.code, gate.json["violations"]) == (3, [])
    assert b"planted-wrong-77" not in place.ledger.read_bytes()


def test_a_server_that_is_not_there_is_a_gap_and_never_held(place: Place) -> None:
    place.configure(
        f'[sources.cache]\ncollector = "redis"\nhost = "127.0.0.1"\nport = {postgres.free_port()}\nattempts = 1\n'
    )
    done = place.run("collect", "--json")
    assert done.code == 3
    assert {row["outcome"] for row in done.json["outcomes"]} == {"unreachable"}
    gate = place.run("gate", "--fail-on", "critical", "--no-collect", "--format", "json")
    assert gate.code == 3
    assert gate.json["violations"] == []
