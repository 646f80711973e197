"""Registers from the first empty file to a return, and documents beside the ledger, as their keepers use them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compliance.collectors.registers.kept import kept_kinds
from tests.cli.helpers import Place

TODAY = datetime.now(UTC).date()
KIND = "register_return"
CONFIGURATION = f"""
[sources.desk]
collector = "registers"
folder = "registers"
owner = "compliance officer"
time_zone = "America/Mexico_City"
[sources.desk.registers.{KIND}]
owner = "Ana Ruiz"
"""


@pytest.fixture
def desk(place: Place) -> Place:
    """A folder with an empty register and the configuration that reads it."""
    assert place.run("registers", "init", "--kind", KIND).code == 0
    return place.configure(CONFIGURATION)


def write(desk: Place, *rows: str) -> None:
    """The register with these rows."""
    path = desk.folder / f"registers/{KIND}.csv"
    header = path.read_text("utf-8-sig").splitlines()[0]
    path.write_text("\n".join([header, *rows, ""]), "utf-8")


def test_init_writes_what_is_not_there_and_nothing_else(place: Place) -> None:
    done = place.run("registers", "init", "kept")
    folder = place.folder / "kept"
    expected = {f"{kind.kind}{ending}" for kind in kept_kinds() for ending in (".csv", ".schema.json")}
    assert {path.name for path in folder.iterdir()} == expected | {"README.md", "sources.toml"}
    assert set(done.out.split()) == {f"kept/{name}" for name in expected | {"README.md", "sources.toml"}}
    schema = json.loads((folder / f"{KIND}.schema.json").read_text())
    assert schema["x-kept"] is True
    (folder / f"{KIND}.csv").write_text("mine")
    (folder / "README.md").unlink()
    again = place.run("registers", "init", "kept")
    assert again.out.split() == ["kept/README.md"]
    assert (folder / f"{KIND}.csv").read_text() == "mine"

    other = place.run("registers", "init", "other", "--kind", "register_retrun")
    assert other.code == 2
    assert "did you mean register_return?" in other.err
    assert not (place.folder / "other").exists()


def test_what_init_writes_is_read_as_registers_without_entries(place: Place) -> None:
    place.run("registers", "init")
    part = (place.folder / "registers/sources.toml").read_text()
    place.configure(part.replace("# [sources", "[sources").replace('# owner = "name', 'owner = "name'))
    done = place.run("collect", "--json")
    assert done.code == 0, done.words
    listed = place.run("registers", "list", "--json").json
    assert {(row["kind"], row["outcome"], row["rows"]) for row in listed} == {
        (kind.kind, "complete", 0) for kind in kept_kinds()
    }
    assert all("no in-date return" in row["missing"] for row in listed)


def test_check_names_every_fault_with_what_stands_there_and_records_nothing(desk: Place) -> None:
    write(desk, "breach,*,2026-11-2,Ana Ruiz,,0,,", "breach,*,2026-11-02,Ana Ruiz,,zero,,")
    path = f"registers/{KIND}.csv"
    done = desk.run("registers", "check", path)
    assert done.code == 2
    first, second = done.out.splitlines()
    assert first.startswith(f"{path}:2: column returned_at: is no date or time")
    assert "there stands '2026-11-2'" in first
    assert second.startswith(f"{path}:3: column entries: is no whole number (there stands 'zero'); write digits only")
    assert not desk.ledger.exists()
    write(desk, "breach,*,2026-11-02,Ana Ruiz,,0,,")
    assert desk.run("registers", "check", path).code == 0
    (desk.folder / "mine.csv").write_text((desk.folder / path).read_text("utf-8-sig"))
    assert "is no kind of evidence" in desk.run("registers", "check", "mine.csv").err
    unzoned = desk.run("registers", "check", "mine.csv", "--kind", KIND)
    assert "without a zone" in unzoned.out
    assert desk.run("registers", "check", "mine.csv", "--kind", KIND, "--time-zone", "UTC").code == 0
    missing = desk.run("registers", "check", f"none/{KIND}.csv", "--json")
    assert missing.code == 2
    assert "does not exist" in missing.json[0]["faults"][0]["what"]


def test_a_fault_is_a_gap_in_the_ledger_and_names_nobody(desk: Place) -> None:
    write(desk, "breach,*,Ana Ruiz,2026-11-02,,0,,")
    done = desk.run("collect", "--json")
    assert done.code == 3
    shown = desk.run("evidence", "show", "collection").out
    assert "line 2, column returned_at" in shown
    assert "Ana" not in shown


def test_a_return_is_its_owners_and_agrees_with_what_was_read(desk: Place) -> None:
    other = desk.run("registers", "nil", KIND, "--by", "Luis Mora")
    assert other.code == 2
    assert "its owner is Ana Ruiz" in other.err
    assert "no configured source keeps" in desk.run(
        "registers", "nil", KIND, "--source", "x", "--by", "Ana Ruiz"
    ).err.replace("source 'x'", "source")
    assert "is no kind" in desk.run("registers", "nil", "returns", "--by", "Ana Ruiz").err
    ahead = str(TODAY + timedelta(days=2))
    assert "lies in the past" in desk.run("registers", "nil", KIND, "--by", "Ana Ruiz", "--on", ahead).err

    write(desk, f"breach,*,{TODAY - timedelta(days=1)},Ana Ruiz,{TODAY - timedelta(days=1)},0,,")
    assert desk.run("collect").code == 0
    wrong = desk.run("registers", "nil", KIND, "--by", "Ana Ruiz")
    assert wrong.code == 2
    assert "was last read with 1 entries, not 0" in wrong.err
    done = desk.run("registers", "nil", KIND, "--by", "ana  RUIZ", "--entries", "1")
    assert done.code == 0, done.err
    (row,) = [row for row in desk.run("registers", "list", "--json").json if row["kind"] == KIND]
    assert (row["owner"], row["rows"], row["missing"]) == ("Ana Ruiz", 1, None)
    assert row["returned_at"].startswith(str(TODAY))
    (said,) = desk.run("evidence", "show", "attestation").json
    assert (said["form"], said["of_kind"], said["entries"]) == ("nil_return", KIND, 1)
    assert desk.run("verify", "-q").code == 0
    lines = " ".join(line for (line,) in desk.sql("SELECT line FROM entry"))
    assert "register_return" in lines
    assert "ruiz" not in lines.casefold()  # names lie beside the lines, under a key of the person


def test_a_nil_return_about_a_control_is_by_an_owner_of_its_registers(place: Place) -> None:
    place.configure(CONFIGURATION.replace(KIND, "disclosure_record"))
    said = ("attest", "Nothing was disclosed", "--form", "nil_return", "--control", "ferpa.disclosure_record", "--on",
            str(TODAY), "--expires", str(TODAY + timedelta(days=30)), "--by")  # fmt: skip
    other = place.run(*said, "Luis Mora")
    assert other.code == 2
    assert "owners are: Ana Ruiz" in other.err
    assert place.run(*said, "Ana Ruiz").code == 0


POLICY = ("attest", "Signed by all", "--form", "document", "--requirement", "soc2:CC1.1", "--by", "Ana Ruiz", "--on",
          str(TODAY))  # fmt: skip


def test_where_a_statement_decides_alone_a_second_person_is_needed(place: Place) -> None:
    soon = ("--expires", str(TODAY + timedelta(days=30)))
    done = place.run(*POLICY, *soon)
    assert done.code == 2
    assert "soc2:CC1.1 rests on this statement alone" in done.err
    control = ("attest", "Sampled", "--form", "sample", "--control", "change.security_tests", "--by", "Ana", "--on",
               str(TODAY), *soon)  # fmt: skip
    assert "counts a statement only when a second person" in place.run(*control).err
    bare = place.run(*POLICY, *soon, "--reviewed-by", "Luis Mora")
    assert bare.code == 2
    assert "only with its file" in bare.err
    (place.folder / "policy.pdf").write_bytes(b"the policy")
    assert place.run(*POLICY, *soon, "--reviewed-by", "Luis Mora", "--document", "policy.pdf").code == 0


@pytest.mark.parametrize(
    ("form", "days"),
    [("document", 366), ("contract", 366), ("interview", 366), ("external_report", 457), ("nil_return", 35)],
)
def test_a_form_counts_only_so_long(place: Place, form: str, days: int) -> None:
    on = TODAY - timedelta(days=1)
    said = ("attest", "x", "--form", form, "--by", "Ana Ruiz", "--on", str(on), "--expires")
    late = place.run(*said, str(on + timedelta(days=days + 1)))
    assert late.code == 2
    assert f"counts until {on + timedelta(days=days)} at most" in late.err
    assert place.run(*said, str(on + timedelta(days=days))).code == 0


def test_a_document_is_kept_handed_over_and_missed(place: Place) -> None:
    (place.folder / "policy.pdf").write_bytes(b"the policy\n")
    sha256 = hashlib.sha256(b"the policy\n").hexdigest()
    expires = ("--expires", str(TODAY + timedelta(days=30)), "--reviewed-by", "Luis Mora")
    assert place.run(*POLICY, *expires, "--document", "policy.pdf").code == 0
    copy = place.folder / "compliance-attachments" / sha256
    assert copy.read_bytes() == b"the policy\n"
    assert copy.stat().st_mode & 0o777 == 0o400
    (row,) = place.run("evidence", "show", "attestation").json
    assert (row["document_sha256"], row["document_bytes"]) == (sha256, 11)

    assert place.run("audit", "soc2", "--no-collect", "--format", "json", "-o", "out").code == 3
    assert place.run("package", "-o", "whole", "--reports", "out").code == 0
    assert place.run("package", "-o", "bare", "--reports", "out", "--without-personal", "--cited").code == 0
    assert (place.folder / "whole/attachments" / sha256).read_bytes() == b"the policy\n"
    assert not (place.folder / "bare/attachments").exists()
    checked = place.run("verify", "--json").json
    assert checked["documents"] == {"held": 1, "missing": [], "changed": []}
    vkey = checked["vkey"]
    assert verified(place.folder / "whole", vkey) == 0
    assert verified(place.folder / "bare", vkey) == 0
    (place.folder / "whole/attachments" / sha256).write_bytes(b"another one")
    assert verified(place.folder / "whole", vkey) == 4

    copy.chmod(0o600)
    copy.write_bytes(b"another one")
    changed = place.run("verify")
    assert changed.code == 4
    assert f"BROKEN     the document {sha256}" in changed.out
    assert place.run("package", "-o", "more", "--reports", "out").code == 4
    again = place.run(*POLICY, *expires, "--document", "policy.pdf")
    assert again.code == 4
    assert "is not the document that was recorded" in again.err
    copy.unlink()
    gone = place.run("verify")
    assert gone.code == 3
    assert f"UNCHECKED  the document {sha256}" in gone.out
    assert "goes without it" in place.run("package", "-o", "less", "--reports", "out").err
    assert verified(place.folder / "less", vkey) == 0


def verified(folder: Path, vkey: str) -> int:
    """The exit code of the package's own verifier."""
    done = subprocess.run(
        [sys.executable, "-I", folder / "verify.py", folder, "--vkey", vkey], capture_output=True, check=False
    )
    return done.returncode
