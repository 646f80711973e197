"""Commands that only look: doctor, keys, ledger, evidence, controls, frameworks, sources, verify."""

from __future__ import annotations

import hashlib
import shutil
import stat
from pathlib import Path

import pytest

from compliance.controls import catalogue
from tests.cli.helpers import Place, place_below

CHECK = catalogue.OWN / "checks" / "tls" / "hsts.yaml"


def states(place: Place) -> dict[str, str]:
    return {row["what"]: row["state"] for row in place.run("doctor", "--json").json}


def test_doctor_finds_a_good_installation(collected: Place) -> None:
    assert collected.run("doctor").code == 0
    found = states(collected)
    assert {found[what] for what in ("python", "package", "controls", "configuration", "names", "ledger")} == {"ok"}
    assert "permissions" not in found


def test_doctor_names_what_is_broken(copy: Place) -> None:
    copy.configure(
        '[sources.db]\ncollector = "postgres"\npassword = "env:NOT_SET_ANYWHERE"\n'
        '[parameters."tls.hst"]\nmax_age_s = 3\n'
    )
    copy.ledger.chmod(0o644)
    copy.sql("DELETE FROM entry WHERE seq = 5")
    done = copy.run("doctor")
    assert done.code == 2
    found = states(copy)
    assert found["secrets of db"] == found["names"] == found["ledger"] == "broken"
    assert found["permissions"] == "warning"
    assert "NOT_SET_ANYWHERE" in done.out


def test_doctor_works_before_there_is_anything(place: Place) -> None:
    done = place.run("doctor")
    assert done.code == 0
    assert "none here; a first audit writes one" in done.out
    assert place.names() == set()


def test_the_public_key_is_the_ledgers_and_verifies_it_elsewhere(collected: Place, tmp_path: Path) -> None:
    exported = collected.run("keys", "export")
    assert exported.code == 0
    vkey = exported.out.strip()
    listed = collected.run("keys", "list", "--json").json
    status = collected.run("ledger", "status", "--json").json
    assert vkey == listed["vkey"] == status["vkey"]
    assert stat.S_IMODE(Path(listed["folder"], "signing.pem").stat().st_mode) == 0o600
    assert "PRIVATE" not in collected.run("keys", "list").words

    auditor = place_below(tmp_path)
    shutil.copy(collected.ledger, auditor.folder / "handed.duckdb")
    unknown = auditor.run("verify", "handed.duckdb")
    assert unknown.code == 2
    assert "--vkey" in unknown.err
    given = auditor.run("verify", "handed.duckdb", "--vkey", vkey, "--json")
    assert given.json["size"] == status["entries"]
    assert given.json["root"] == status["root"]
    assert given.code == 0, given.out
    assert given.json["lock_store"] == "not given"
    shutil.rmtree(auditor.home, ignore_errors=True)
    wrong = auditor.run("verify", "handed.duckdb", "--vkey", vkey[:-8] + "AAAAAAAA")
    assert wrong.code in (2, 4)


def test_keys_are_made_with_the_ledger(place: Place) -> None:
    done = place.configure("").run("keys", "export")
    assert done.code == 2
    assert "the key is made on first use" in done.err
    assert not place.home.exists()


def test_an_entry_shows_the_line_its_leaf_covers(collected: Place) -> None:
    first = collected.run("evidence", "entry", "0").json
    assert first["record"]["vkey"] == collected.run("keys", "export").out.strip()
    before = b"\0" * 32
    leaf = hashlib.sha256(b"\0" + before + first["line"].encode()).hexdigest()
    second = collected.run("evidence", "entry", "1").json
    chained = hashlib.sha256(b"\0" + bytes.fromhex(first["leaf_sha256"]) + second["line"].encode()).hexdigest()
    assert second["leaf_sha256"] == chained
    assert len(leaf) == len(first["leaf_sha256"])


def test_evidence_is_listed_and_shown_with_its_entries(collected: Place, clone: Path) -> None:
    listed = {row["kind"]: row for row in collected.run("evidence", "list", "--json").json}
    assert listed["repository"]["sources"] == ["code"]
    assert listed["repository"]["rows"] == 1
    assert listed["secret_finding"]["rows"] == 0 or listed["secret_finding"]["rows"] is not None
    assert listed["database_instance"]["rows"] is None
    (row,) = collected.run("evidence", "show", "repository").json
    assert row["source"] == "code"
    assert row["observed_at"].endswith(("Z", "+00:00"))
    line = collected.run("evidence", "entry", str(row["entry"])).json["line"]
    assert '"kind":"repository"' in line
    schema = collected.run("evidence", "schema", "repository").json
    assert set(schema["properties"]) <= set(row)


def test_a_kind_that_fails_now_shows_old_rows_and_says_so(copy: Place) -> None:
    text = (
        (copy.folder / "compliance.toml").read_text().replace('host = "127.0.0.1"', 'host = "127.0.0.1"\nattempts = 1')
    )
    port = text.split("port = ")[1].split("\n")[0]
    copy.configure(text.replace(f"port = {port}", "port = 1"))
    assert copy.run("collect").code == 3
    done = copy.run("evidence", "show", "cache_instance")
    assert len(done.json) == 1
    assert "cache: the newest attempt ended unreachable" in done.err


def test_controls_and_frameworks_point_at_each_other(place: Place) -> None:
    control = place.run("controls", "show", "tls.hsts", "--json").json
    assert control["kinds"] == ["http_endpoint", "virtual_host"]
    bearing = control["bears_on"][0]
    (requirement,) = place.run("frameworks", "show", bearing["framework"], bearing["requirement"], "--json").json
    linked = [link["control"] for link in requirement[bearing["bearing"]]]
    assert "tls.hsts" in linked
    spanish = place.run("controls", "show", "tls.hsts", "--language", "es").out
    assert control["title"]["es"] in spanish
    assert place.names() == set()


def test_sources_are_found_listed_and_probed(copy: Place) -> None:
    found = copy.run("sources", "discover", "--json").json
    assert "host" in {row["collector"] for row in found["found"]}
    assert found["could_not_look"] == []
    listed = {row["source"]: row for row in copy.run("sources", "list", "--json").json}
    assert listed["cache"]["environment"] == "production"
    probed = copy.run("sources", "check", "cache", "--json")
    assert probed.code == 0
    assert {row["kind"] for row in probed.json} == set(listed["cache"]["kinds"])
    copy.configure('[sources.cache]\ncollector = "redis"\nhost = "127.0.0.1"\nport = 1\n')
    refused = copy.run("sources", "check", "--json")
    assert refused.code == 3
    assert all(not row["readable"] and row["remedy"] for row in refused.json)


@pytest.fixture
def check(place: Place) -> Path:
    """A control of our own to spoil."""
    for suffix in (".yaml", ".sql"):
        (place.folder / "tls").mkdir(exist_ok=True)
        shutil.copy(CHECK.with_suffix(suffix), place.folder / "tls")
    return place.folder / "tls" / CHECK.name


def test_a_control_file_is_linted_with_file_and_line(place: Place, check: Path) -> None:
    assert place.run("controls", "lint", f"tls/{check.name}").code == 0
    assert Place(check.parent, place.extra).run("controls", "test", check.name).code == 0
    lines = check.read_text().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.startswith("severity:"))
    lines[at] = lines[at].replace("severity", "severty")
    check.write_text("".join(lines))
    done = place.run("controls", "lint", f"tls/{check.name}")
    assert done.code == 2
    assert f"{check.name}:{at + 1}: " in done.words
    assert "severity" in done.words


def test_sql_that_names_a_column_no_kind_has(place: Place, check: Path) -> None:
    sql = check.with_suffix(".sql")
    sql.write_text(sql.read_text().replace("hsts_max_age_s", "hsts_max_ages"))
    done = place.run("controls", "lint", f"tls/{check.name}")
    assert done.code == 2
    assert f"{sql.name}:" in done.words
    assert "hsts_max_age_s" in done.words


def test_a_case_that_does_not_hold_is_named(place: Place, check: Path) -> None:
    check.write_text(check.read_text().replace("expect: fail", "expect: pass", 1))
    done = place.run("controls", "test", f"tls/{check.name}")
    assert done.code in (1, 2)
    assert check.name in done.words
