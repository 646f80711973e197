"""A ledger as plain files, and a ledger made again from them."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import duckdb
import orjson
import pytest

from compliance.ledger import Draft, folder, importing
from compliance.ledger.folder import Named, tile_path
from compliance.schemas.errors import ComplianceError, ConfigError, IntegrityError, LedgerError
from compliance.verify import verify
from tests.ledger.places import Place, account, state, verdict

AT = "2026-11-23T06:45:50.123456Z"


def fill(place: Place, count: int = 600) -> None:
    with place.open() as ledger:
        state(ledger, [account("ann", email="ann@example.org"), account("bob")])
        state(ledger, [account("bob", is_active=True)], run="r2")
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(count)])


def export(place: Place, name: str = "out", *, personal: bool = True, kind: str = "export") -> Path:
    target = place.folder / name
    with place.open() as ledger, folder.new(target) as out:
        size, root = ledger.export(out, personal=personal)
        out.seal(Named(kind, ledger.origin, size, root, ledger.vkey, AT), ledger.sign_manifest)
    return target


def resign(place: Place, target: Path, change: Callable[[dict[str, object]], None] = lambda fields: None) -> None:
    """Make the manifest again, as whoever holds the key could."""
    fields = orjson.loads((target / "manifest.json").read_bytes())
    fields["files"] = {
        p.relative_to(target).as_posix(): {"bytes": p.stat().st_size, "sha256": sha256(p.read_bytes()).hexdigest()}
        for p in target.rglob("*")
        if p.is_file() and not p.name.startswith("manifest.")
    }
    change(fields)
    raw = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    (target / "manifest.json").write_bytes(raw)
    with place.open() as ledger:
        (target / "manifest.note").write_text(ledger.sign_manifest(folder.note_text(ledger.origin, raw)))


def holds(path: Path) -> None:
    found = verify(path)
    if not found.ok:
        raise IntegrityError(str(found.problems[0]))


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    with duckdb.connect(path, read_only=True) as db:
        return db.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()


def test_an_export_holds_what_the_format_says(place: Place) -> None:
    fill(place)
    target = export(place)

    files = sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file())
    assert files == [
        "checkpoint",
        "checkpoints.ndjson",
        "entries/000000000000.ndjson.gz",
        "manifest.json",
        "manifest.note",
        "personal.ndjson",
        "tile/0/000",
        "tile/0/001",
    ]
    raw = (target / "entries/000000000000.ndjson.gz").read_bytes()
    assert raw[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00" + raw[8:10]  # no name, time 0
    lines = gzip.decompress(raw).decode().splitlines()
    assert lines == [line for *_, line in rows(place.path, "entry")]
    assert (target / "checkpoint").read_text() == (place.lock / "checkpoint").read_text()
    assert b"ann@example.org" not in b"".join(p.read_bytes() for p in target.rglob("*") if p.is_file())
    again = export(place, "again")
    for name in files[:3] + files[5:]:
        assert (again / name).read_bytes() == (target / name).read_bytes()


def test_a_ledger_is_made_again_from_its_export(place: Place) -> None:
    fill(place)
    target = export(place)
    made = place.folder / "made" / "ledger.duckdb"

    importing.build(importing.read(target), made, check=holds)

    for table in ("entry", "tile", "checkpoint", "personal", "meta", "head"):
        assert rows(made, table) == rows(place.path, table), table
    assert [p.name for p in made.parent.iterdir()] == ["ledger.duckdb"]
    place.path.unlink()
    made.rename(place.path)
    with place.open() as ledger:
        assert ledger.entry(2).record["email"] == "ann@example.org"
        ledger.append([Draft("control_verdict", verdict(9))])
    assert verify(place.path, lock_store=place.lock).ok


def test_an_export_of_one_entry_can_be_imported(place: Place) -> None:
    place.open().close()
    made = place.folder / "made.duckdb"
    importing.build(importing.read(export(place)), made, check=holds)
    assert verify(made, lock_store=place.lock).ok


def flip(path: Path, at: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[at if at >= 0 else len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "name",
    [
        "entries/000000000000.ndjson.gz",
        "tile/0/001",
        "checkpoints.ndjson",
        "checkpoint",
        "personal.ndjson",
        "manifest.json",
        "manifest.note",
    ],
)
def test_a_changed_or_missing_file_is_found(place: Place, name: str) -> None:
    fill(place)
    target = export(place)
    shutil.copytree(target, place.folder / "copy")
    flip(target / name)
    with pytest.raises(ComplianceError):
        importing.read(target)
    (place.folder / "copy" / name).unlink()
    with pytest.raises(LedgerError, match=f"{Path(name).name} is missing"):
        importing.read(place.folder / "copy")


def test_a_file_too_many_or_a_link_is_found(place: Place) -> None:
    fill(place)
    target = export(place)
    (target / "more").write_text("x")
    with pytest.raises(IntegrityError, match="more does not belong"):
        importing.read(target)
    (target / "more").unlink()
    (target / "more").symlink_to("/etc/hostname")
    with pytest.raises(IntegrityError, match="neither a file nor a folder"):
        importing.read(target)


def lines_of(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


def change_line(target: Path) -> None:
    path = target / "entries/000000000000.ndjson.gz"
    lines = lines_of(path)
    lines[50] = lines[50].replace(b'"reason":"ok"', b'"reason":"no"')
    assert lines != lines_of(path)
    path.write_bytes(gzip.compress(b"\n".join(lines) + b"\n", mtime=0))


def swap_lines(target: Path) -> None:
    path = target / "entries/000000000000.ndjson.gz"
    lines = lines_of(path)
    lines[300], lines[301] = lines[301], lines[300]
    path.write_bytes(gzip.compress(b"\n".join(lines) + b"\n", mtime=0))


def cut_tail(target: Path) -> None:
    path = target / "entries/000000000000.ndjson.gz"
    path.write_bytes(gzip.compress(b"\n".join(lines_of(path)[:-1]) + b"\n", mtime=0))


def change_tile(target: Path) -> None:
    flip(target / "tile/0/000")


def add_tile(target: Path) -> None:
    shutil.copy(target / "tile/0/000", target / "tile/0/002")


def drop_checkpoint(target: Path) -> None:
    path = target / "checkpoints.ndjson"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def swap_checkpoints(target: Path) -> None:
    path = target / "checkpoints.ndjson"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[1], lines[0], *lines[2:]]))


def forge_checkpoint(target: Path) -> None:
    path = target / "checkpoints.ndjson"
    lines = path.read_bytes().splitlines(keepends=True)
    first = json.loads(lines[0])
    name, size, root, *rest = first["note"].split("\n")
    first["note"] = "\n".join([name, size, root.swapcase(), *rest])
    path.write_bytes(b"".join([orjson.dumps(first, option=orjson.OPT_SORT_KEYS) + b"\n", *lines[1:]]))


def older_checkpoint(target: Path) -> None:
    first = json.loads((target / "checkpoints.ndjson").read_bytes().splitlines()[0])
    (target / "checkpoint").write_text(first["note"])


def drop_personal(target: Path) -> None:
    (target / "personal.ndjson").write_bytes(b"")


def break_gzip(target: Path) -> None:
    path = target / "entries/000000000000.ndjson.gz"
    path.write_bytes(path.read_bytes()[:-30])


@pytest.mark.parametrize(
    "attack",
    [
        change_line,
        swap_lines,
        cut_tail,
        change_tile,
        add_tile,
        drop_checkpoint,
        swap_checkpoints,
        forge_checkpoint,
        older_checkpoint,
        drop_personal,
        break_gzip,
    ],
)
def test_nothing_is_taken_on_trust_from_whoever_holds_the_key(place: Place, attack: Callable[[Path], None]) -> None:
    fill(place)
    target = export(place)
    attack(target)
    resign(place, target)
    manifest = importing.read(target)  # files and manifest fit each other
    made = place.folder / "made.duckdb"
    with pytest.raises(IntegrityError):
        importing.build(manifest, made, check=holds)
    assert not made.exists()


def test_a_manifest_that_lies_about_root_or_key_is_found(place: Place) -> None:
    fill(place)
    target = export(place)
    resign(place, target, lambda fields: fields.update(root="00" * 32))
    with pytest.raises(IntegrityError, match="size and root"):
        importing.build(importing.read(target), place.folder / "made.duckdb", check=holds)
    resign(place, target, lambda fields: fields.update(vkey=str(fields["vkey"]).replace("test", "text")))
    with pytest.raises(ComplianceError):
        importing.read(target)


def test_what_cannot_be_imported_says_so(place: Place) -> None:
    fill(place)
    made = place.folder / "made.duckdb"
    with pytest.raises(LedgerError, match="without personal content"):
        importing.build(importing.read(export(place, "p", personal=False)), made, check=holds)
    with pytest.raises(LedgerError, match="not a signed export"):
        importing.read(place.folder)
    made.write_text("mine")
    with pytest.raises(ConfigError, match="exists"):
        importing.build(importing.read(export(place)), made, check=holds)
    assert made.read_text() == "mine"


def test_an_export_appears_whole_or_not_at_all(place: Place) -> None:
    fill(place, 3)
    target = place.folder / "out"
    with pytest.raises(LedgerError, match="twice"), folder.new(target) as out:
        any(out.put("checkpoint", b"x") for _ in range(2))
    with pytest.raises(LedgerError, match="without a manifest"), folder.new(target) as out:
        out.put("checkpoint", b"x")
    assert not target.exists()
    assert [p for p in place.folder.iterdir() if "partial" in p.name] == []
    target.mkdir()
    with pytest.raises(ConfigError, match="exists"):
        export(place)


@pytest.mark.parametrize("path", ["../x", "/x", "a/../b", "a//b", ".hidden", "a b", "ñ", "manifest.json", ""])
def test_a_path_that_a_manifest_cannot_name_is_refused(place: Place, path: str) -> None:
    with pytest.raises(LedgerError), folder.new(place.folder / "out") as out:
        out.put(path, b"x")


def test_only_a_manifest_is_signed_by_its_method(place: Place) -> None:
    with place.open() as ledger, pytest.raises(LedgerError):
        ledger.sign_manifest(f"{ledger.origin}\n9\nAAAA\n")


@pytest.mark.parametrize(("n", "path"), [(0, "000"), (67, "067"), (1234, "x001/234"), (1234067, "x001/x234/067")])
def test_tiles_have_the_paths_of_c2sp(n: int, path: str) -> None:
    assert tile_path(0, n) == f"tile/0/{path}"
