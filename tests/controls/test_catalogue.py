"""Loading: what is wrong is named with file and line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from compliance.controls import catalogue
from compliance.controls.catalogue import load_control
from compliance.controls.sql import parse
from compliance.schemas.catalogue import Control
from compliance.schemas.errors import ControlError
from tests.controls.given import CONTROL, SQL

CONTROLS = catalogue.load().controls
Write = Callable[..., Path]

FRAMEWORK: dict[str, Any] = {
    "id": "house",
    "name": {"en": "House rules"},
    "short": "House",
    "edition": "2026",
    "authority": "us",
    "text_notice": {"en": "ours"},
    "requirement_word": {"en": "rule"},
    "conditions": {"has_garden": {"en": "Has a garden"}},
    "groups": [
        {
            "id": "g",
            "title": {"en": "g"},
            "requirements": [
                {
                    "id": "H.1",
                    "title": {"en": "h"},
                    "kind": "technical",
                    "automation": "full",
                    "condition": "has_garden",
                    "direct": [{"control": "test.scope", "why": "says so"}],
                }
            ],
        }
    ],
}


def line(path: Path, text: str) -> int:
    return next(n for n, found in enumerate(path.read_text().splitlines(), 1) if text in found)


def refused(path: Path) -> ControlError:
    with pytest.raises(ControlError) as caught:
        catalogue.load_control(path)
    return caught.value


def test_a_control_is_loaded_with_sql_digest_and_kinds(write: Write) -> None:
    sql = (
        "WITH asset_list AS (SELECT asset FROM clock_status)\n"
        + SQL
        + "LEFT JOIN asset_list AS l ON l.asset = asset.asset"
    )
    path = write(sql)
    loaded = catalogue.load_control(path)
    assert loaded.id == "test.scope"
    assert loaded.kinds == ("asset", "clock_status")
    assert loaded.sql == sql
    assert loaded.sha256 == hashlib.sha256(path.read_bytes() + b"\0" + sql.encode()).hexdigest()


@pytest.mark.parametrize(
    ("changed", "at", "words"),
    [
        ({"severty": "high"}, "severty:", "unknown key 'severty'; did you mean 'severity'?"),
        ({"severity": "grave"}, "severity:", "severity: Input should be"),
        ({"title": {"en": "t", "sp": "t"}}, "  sp: t", "unknown key 'title.sp'"),
        ({"fresh": "soon"}, "fresh:", "fresh: "),
        ({"id": "test.scop"}, "id:", "id 'test.scop' is not"),
        ({"period": "config_dayly"}, "period:", "did you mean 'config_daily'?"),
        ({"optional_kinds": ["clock_status"]}, "optional_kinds:", "which the SQL does not read"),
        ({"fresh_by_kind": {"assets": "1h"}}, "fresh_by_kind:", "did you mean 'asset'?"),
        ({"parameters": {"n": {"type": "int", "default": "2", "title": {"en": "t"}, "source": "s"}}},
         "  n:", "is not of type int"),
        ({"parameters": {"n": {"type": "int", "default": 2, "title": {"en": "t"}, "source": "s",
          "bounds": {"pci_dss": {"min": 3, "clause": "c"}}}}}, "  n:", "outside the bound of pci_dss: 2 is below 3"),
        ({"cases": CONTROL["cases"][:3]}, "cases:", "at least 4"),
        ({"cases": [*CONTROL["cases"][:3], {"name": "again", "expect": "pass"}]}, None, "no_evidence"),
        ({"cases": [*CONTROL["cases"], {"name": "in", "expect": "pass"}]}, None, "two cases are called 'in'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(
    write: Write, changed: dict[str, Any], at: str | None, words: str
) -> None:
    path = write()
    if changed.get("id"):
        path.write_text(path.read_text().replace("test.scope", changed["id"]))
    else:
        path = write(**changed)
    error = refused(path)
    assert words in str(error)
    assert str(path) in str(error)
    if at is not None:
        assert error.line == line(path, at)


@pytest.mark.parametrize(
    ("case", "at", "words"),
    [
        ({"given": {"assets": []}}, "assets:", "gives 'assets', which the SQL does not read; did you mean 'asset'?"),
        ({"given": {"asset": [{"asset": "a", "in_scope": True}]}}, "in_scope:", "asset has no column 'in_scope'"),
        ({"parameters": {"n": 1}}, " n: 1", "no parameter is called 'n'"),
        ({"collections": [{"kind": "clock_status"}]}, "- kind: clock_status", "which the SQL does not read"),
        ({"expect": "unknown", "unknown_reason": "old"}, "unknown_reason: old", "'old' is no reason"),
        ({"unknown_reason": "stale"}, "unknown_reason: stale", "expects another verdict"),
        ({"findings": {"a": "pass:ok"}}, "a: pass:ok", "is not `verdict:code` with a declared code"),
        ({"findings": {"a": "passed:inside"}}, "a: passed:inside", "is not `verdict:code`"),
    ],
)
def test_a_wrong_case_is_named_with_its_line(write: Write, case: dict[str, Any], at: str, words: str) -> None:
    path = write(cases=[*CONTROL["cases"], {"name": "wrong", "expect": "pass", **case}])
    error = refused(path)
    assert words in str(error)
    assert error.line == line(path, at)


def test_a_key_that_stands_twice_is_refused(write: Write) -> None:
    path = write()
    path.write_text(path.read_text() + "version: 2\n")
    error = refused(path)
    assert "key 'version' twice" in str(error)
    assert error.line == len(path.read_text().splitlines())


@pytest.mark.parametrize(
    ("content", "words"), [("a: [", "not valid YAML"), ("a: 1", "missing"), ("- 1", "valid dict"), ("", "valid")]
)
def test_what_is_no_control_is_refused(write: Write, content: str, words: str) -> None:
    path = write()
    path.write_text(content)
    assert words in str(refused(path))


@pytest.mark.parametrize(
    ("sql", "at", "words"),
    [
        (SQL.replace("FROM asset\n", "FROM assett\n"), len(SQL.splitlines()), "'assett'; did you mean 'asset'?"),
        ("SELECT a,\nFROM (\n", 2, "not valid SQL"),
        ("WITH Clock_Status AS (SELECT asset FROM asset)\n" + SQL, 1, "a WITH hides the kind"),
        (SQL.replace("FROM asset\n", "FROM information_schema.tables\n"), len(SQL.splitlines()), "no kind of evidence"),
        ("-- nothing\n", 1, "holds no statement"),
    ],
)
def test_wrong_sql_is_named_with_its_line(write: Write, sql: str, at: int, words: str) -> None:
    path = write(sql)
    error = refused(path)
    assert words in str(error)
    assert (error.path, error.line) == (str(path.with_suffix(".sql")), at) or words == "not valid SQL"
    assert str(path.with_suffix(".sql")) in str(error)


def test_missing_sql_is_named(write: Write) -> None:
    path = write()
    path.with_suffix(".sql").unlink()
    assert "its SQL cannot be read" in str(refused(path))


def add(folder: Path, framework: dict[str, Any] | None = None, planned: list[dict[str, Any]] | None = None) -> None:
    if framework is not None:
        (folder / "frameworks").mkdir(exist_ok=True)
        (folder / "frameworks" / f"{framework['id']}.yaml").write_text(yaml.safe_dump(framework, sort_keys=False))
    if planned is not None:
        (folder / "planned.yaml").write_text(yaml.safe_dump({"controls": planned}))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """An empty folder in place of our definitions, so that these tests say nothing of those."""
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


def planned(name: str = "hr.training", **more: Any) -> dict[str, Any]:
    return {"id": name, "title": {"en": "t"}, "severity": "low", "needs": ["course"], "from": "HR", **more}


def with_direct(*links: dict[str, str], **changed: Any) -> dict[str, Any]:
    requirement = {**FRAMEWORK["groups"][0]["requirements"][0], "direct": list(links), **changed}
    return {**FRAMEWORK, "groups": [{**FRAMEWORK["groups"][0], "requirements": [requirement]}]}


def test_a_folder_is_loaded_whole(write: Write, own: Path) -> None:
    write(folder=own, applies_if="has_garden")
    add(own, FRAMEWORK, [planned(applies_if="eu_subjects")])
    found = catalogue.load(own=own)
    assert list(found.controls) == ["test.scope"]
    assert list(found.planned) == ["hr.training"]
    assert list(found.frameworks) == ["house"]
    assert found.readers("asset") == ("test.scope",)
    assert {"has_garden", "eu_subjects"} <= found.flags


@pytest.mark.parametrize(
    ("framework", "planned_controls", "words"),
    [
        (
            with_direct({"control": "test.scop", "why": "w"}),
            [],
            "H.1: no control 'test.scop'; did you mean 'test.scope'?",
        ),
        (with_direct({"control": "hr.training", "why": "w"}), [planned()], None),
        (with_direct(*[{"control": "test.scope", "why": "w"}] * 2), [], "linked twice"),
        (with_direct(condition="has_gardn"), [], "no profile flag is called 'has_gardn'; did you mean 'has_garden'?"),
        (FRAMEWORK, [planned("test.scope")], "test.scope is planned here and defined elsewhere"),
        (FRAMEWORK, [planned(), planned()], "hr.training is planned twice"),
        (FRAMEWORK, [planned(applies_if="eu_subject")], "no profile flag is called 'eu_subject'"),
    ],
)
def test_the_parts_must_agree(
    write: Write, own: Path, framework: dict[str, Any], planned_controls: list[dict[str, Any]], words: str | None
) -> None:
    write(folder=own)
    add(own, framework, planned_controls)
    if words is None:
        assert catalogue.load(own=own).planned
        return
    with pytest.raises(ControlError) as caught:
        catalogue.load(own=own)
    assert words in str(caught.value)


def test_every_problem_is_told_at_once_with_its_line(write: Write, own: Path) -> None:
    one = write(folder=own, applies_if="gardn")
    bound = {"type": "int", "default": 2, "title": {"en": "t"}, "source": "s", "bounds": {"pcidss": {"clause": "c"}}}
    two = write(folder=own, id="test.other", parameters={"n": bound})
    add(own, with_direct({"control": "test.nothing", "why": "w"}))
    with pytest.raises(ControlError) as caught:
        catalogue.load(own=own)
    told = str(caught.value)
    assert f"{one}:{line(one, 'applies_if:')}: no profile flag is called 'gardn'" in told
    assert f"{two}:{line(two, 'pcidss:')}: bound for unknown framework 'pcidss'; did you mean 'pci_dss'?" in told
    path = own / "frameworks" / "house.yaml"
    assert f"{path}:{line(path, 'control: test.nothing')}: H.1: no control 'test.nothing'" in told


def test_another_folder_may_implement_what_is_planned(write: Write, own: Path, tmp_path: Path) -> None:
    add(own, planned=[planned("test.scope")])
    extra = tmp_path / "extra"
    write(folder=extra)
    found = catalogue.load([extra], own=own)
    assert list(found.controls) == ["test.scope"]
    assert not found.planned


def test_another_folder_may_not_redefine(write: Write, own: Path, tmp_path: Path) -> None:
    write(folder=own)
    write(folder=tmp_path / "extra")
    with pytest.raises(ControlError, match=r"test\.scope is defined already"):
        catalogue.load([tmp_path / "extra"], own=own)


def test_another_folder_is_linted(write: Write, own: Path, tmp_path: Path) -> None:
    extra = tmp_path / "extra"
    path = write(SQL.replace("ELSE unknown(", "ELSE pass("), folder=extra)
    with pytest.raises(ControlError) as caught:
        catalogue.load([extra], own=own)
    assert f"{path.with_suffix('.sql')}:8: [else-unknown]" in str(caught.value)


def test_a_folder_that_is_not_there_is_named(own: Path, tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="no such folder"):
        catalogue.load([tmp_path / "nowhere"], own=own)


def test_sql_without_yaml_is_named(write: Write, own: Path) -> None:
    write(folder=own).unlink()
    with pytest.raises(ControlError, match="SQL without a YAML file"):
        catalogue.load(own=own)


def test_sql_that_another_file_names_is_none_without_yaml(write: Write, own: Path) -> None:
    path = write(folder=own)
    path.with_suffix(".sql").rename(path.with_name("shared.sql"))
    path.write_text(f"sql: shared.sql\n{path.read_text()}")
    assert catalogue.load(own=own).controls["test.scope"].sql_path == path.with_name("shared.sql")


@pytest.mark.parametrize("name", CONTROLS)
def test_both_parsers_find_the_same_kinds_and_cases_are_the_last_key(name: str) -> None:
    """What a command reads of a control, quickly, is what the linter reads of it, whole."""
    loaded = CONTROLS[name]
    whole = load_control(loaded.path)

    assert loaded.kinds == tuple(sorted(parse(loaded.sql, loaded.sql_path).tables()))
    assert loaded.control == Control.model_validate(whole.control.model_dump(exclude={"cases"}))
    assert loaded.sha256 == whole.sha256
    assert loaded.cases == tuple(whole.cases)
