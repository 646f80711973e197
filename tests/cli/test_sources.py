"""Sources that were not read show as such in what is judged, whatever the reason."""

from __future__ import annotations

import json

from tests.cli.helpers import Place


def audit(place: Place) -> dict[str, object]:
    done = place.run("audit", "soc2", "--no-collect", "--format", "json", "-o", "out")
    assert done.code in (0, 1, 3), done.words
    found: dict[str, object] = json.loads((place.folder / "out" / "latest" / "audit.json").read_text())
    return found


def test_a_source_added_since_the_last_collection_is_unread_and_not_absent(copy: Place) -> None:
    text = (copy.folder / "compliance.toml").read_text()
    copy.configure(f'{text}\n[sources.edge]\ncollector = "nginx"\n')
    rows = audit(copy)["coverage"]
    assert isinstance(rows, list)
    assert {row["outcome"] for row in rows if row["source"] == "edge"} == {"never"}


def test_a_source_that_is_switched_off_is_named(copy: Place) -> None:
    text = (copy.folder / "compliance.toml").read_text()
    copy.configure(f'{text}\n[sources.edge]\ncollector = "nginx"\nenabled = false\n')
    assert "Configured and switched off, so neither read nor judged: edge (nginx)." in str(audit(copy)["notes"])


def test_a_gate_that_writes_files_says_what_it_found(copy: Place) -> None:
    done = copy.run("gate", "soc2", "--no-collect", "--format", "json", "-o", "results")
    assert done.code == 1
    assert " violations, " in done.err
    assert "wrote results" in done.err
    assert done.out == ""
