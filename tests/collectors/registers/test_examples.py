"""Every kept kind has an example, and what `registers init` writes begins each of them.

A new kind needs a file with a few entries in examples/registers and a line in its configuration, which
`python -m tests.collectors.registers.test_examples` writes.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from compliance.app import config, registers
from compliance.app.register_page import csv_template
from compliance.collectors.registers import Registers
from compliance.collectors.registers.kept import kept_kinds
from compliance.schemas.evidence import Evidence
from compliance.schemas.messages import Context
from tests.collectors.said import Said

FOLDER = Path(__file__).resolve().parents[3] / "examples/registers"
KINDS = {kind.kind: kind for kind in kept_kinds()}
SPECIAL = {"breach", "data_request", "disclosure_record", "drill", "register_return"}  # with a person of their own


def written() -> str:
    """The configuration that reads every example."""
    lines = [
        "# A fictional school; see README.md. Written by `python -m tests.collectors.registers.test_examples`.",
        "[organisation]",
        'name = "Colegio del Norte"',
        "",
        "[sources.registers]",
        'collector = "registers"',
        'folder = "."',
        'owner = "compliance officer"           # role that answers for those without an owner of their own',
        'time_zone = "America/Mexico_City"      # of dates and times without a zone',
    ]
    for name in sorted(KINDS):
        lines += ["", f"[sources.registers.registers.{name}]"]
        lines += ['owner = "Ana Ruiz Cordero"'] if name in SPECIAL else []
    return "\n".join(lines) + "\n"


def files() -> list[Path]:
    """The registers."""
    return sorted(path for path in FOLDER.iterdir() if path.suffix in (".csv", ".yaml", ".json", ".jsonl"))


def test_there_is_one_of_each_kind_and_the_configuration_names_them_all() -> None:
    assert [path.stem for path in files()] == sorted(KINDS)
    assert (FOLDER / "compliance.toml").read_text("utf-8") == written()


def test_they_are_read_as_configured() -> None:
    (source,) = config.load(FOLDER / "compliance.toml").sources
    wanted = frozenset(kind.kind for kind in source.kinds)
    said = Said(Registers, Context("registers", source.settings, lambda: datetime.now(UTC), wanted))
    assert not said.gaps
    assert {kind: 2 <= len(said.rows(kind)) <= 4 for kind in KINDS} == dict.fromkeys(KINDS, True)
    assert {row.of_kind for row in said.rows("kept_register")} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_a_template_with_the_entries_of_its_example_is_read_as_the_example(
    kind: type[Evidence], tmp_path: Path
) -> None:
    """The header that `init` writes, with values as this engine writes them, gives the same records again."""
    (example,) = [path for path in files() if path.stem == kind.kind]
    settings = Registers.Settings.model_validate(
        {"folder": str(FOLDER), "time_zone": "America/Mexico_City", "registers": {kind.kind: {}}}
    )
    records = rows(settings, kind)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for record in records:
        writer.writerow([cell(value) for value in record.row().values()])
    template = csv_template(kind)
    header = template.decode("utf-8-sig").strip().split(",")
    assert header == list(kind.model_fields)
    (tmp_path / f"{kind.kind}.csv").write_bytes(template + text.getvalue().encode())
    again = Registers.Settings.model_validate({"folder": str(tmp_path), "registers": {kind.kind: {}}})
    assert rows(again, kind) == records
    looked = registers.look(config.empty(), example, None, "America/Mexico_City")
    assert (looked.faults, looked.entries) == ((), len(records))


def rows(settings: object, kind: type[Evidence]) -> list[Evidence]:
    """The records of one register."""
    return Said(Registers, Context("x", settings, lambda: datetime.now(UTC), frozenset({kind.kind}))).rows(kind.kind)  # type: ignore[arg-type]


def cell(value: object) -> object:
    """A value of a row as a cell of a register."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "sí" if value else "no"
    if isinstance(value, list):
        return "|".join(str(cell(one)) for one in value) if value else "[]"
    if isinstance(value, dict):
        return json.dumps(value)
    return value


if __name__ == "__main__":
    (FOLDER / "compliance.toml").write_text(written(), "utf-8")
