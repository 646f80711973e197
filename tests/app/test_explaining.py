"""Why a verdict about a moment is another today: the definition of the day is recomputed from the ledger alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from compliance.app import audit, explaining, integrity, verdicts
from compliance.controls import catalogue as catalogues
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.kinds.host import ListeningSocket
from tests.app import years
from tests.app.years import DAY, only, utc

NAME = "net.datastores_private"


def test_a_changed_definition_is_recomputed_as_it_was_and_named(tmp_path: Path) -> None:
    catalogue = only(NAME)
    loaded = catalogue.controls[NAME]
    path = tmp_path / "other" / "checks" / "net" / "datastores_private.yaml"
    path.parent.mkdir(parents=True)
    path.write_bytes(loaded.yaml.replace(b"version: 1", b"version: 7"))
    path.with_suffix(".sql").write_text(loaded.sql.replace("('loopback', 'private')", "('loopback')"))
    old = replace(catalogue, controls={NAME: catalogues.load_control(path)})
    (tmp_path / "ledger").mkdir()
    year = years.opened(tmp_path / "ledger", utc(2026, 1, 1, 0))
    with year.ledger:
        year.declare(web=["listening_socket"])
        row = ListeningSocket(
            asset="a", protocol="tcp", address="10.0.0.1", port=1, is_data_store=True, exposure="private"
        )
        year.at(utc(2026, 1, 1)).read("listening_socket", [row])
        year.at(utc(2026, 1, 1) + DAY / 2)
        plan = audit.Plan(audit.Wanted((), None, "now", collect=False), old)
        checked, anchors = integrity.check_ledger(year.workspace)
        first = audit.evaluate_at(year.workspace, plan, year.now[0], checked, anchors, (), print)
        verdicts.record(year.workspace, first)
        assert first.controls[NAME].verdict is Outcome.UNKNOWN
        path.unlink()  # the ledger alone knows it now
        moment = year.now[0]
        year.at(utc(2033, 1, 1))
        (found,), missing = explaining.explain(year.workspace, catalogue, moment, print)
        assert missing == []
        assert (found.then, found.with_late_evidence, found.now) == ("unknown", "unknown", "pass")
        assert found.causes == ("control_changed",)
        assert (found.version_then, found.version_now) == (7, loaded.control.version)
        ((gone,), _) = explaining.explain(year.workspace, replace(catalogue, controls={}), moment, print)
        assert (gone.control, gone.then, gone.now, gone.causes) == (NAME, "unknown", "none", ("control_removed",))
