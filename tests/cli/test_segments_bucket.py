"""Sealed months in a bucket that enforces Object Lock, with the rights in docs/anchors.md."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from compliance.verify import verify
from tests.cli.helpers import Done, Place
from tests.cli.test_segments import CONFIG
from tests.folders import remove
from tests.ledger.months import MONTHS, several
from tests.ledger.places import Place as LedgerPlace
from tests.servers.seaweedfs import WRITER, SeaweedFs
from tests.servers.tampering import Tampering

pytestmark = pytest.mark.xdist_group("seaweedfs")
FILES = {
    "checkpoints.parquet", "entries.parquet", "manifest.json", "manifest.note", "personal.parquet", "tiles.parquet",
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[SeaweedFs]:
    with SeaweedFs() as running:
        yield running


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of four months; copy it, never change it."""
    folder = tmp_path_factory.mktemp("grown")
    several(LedgerPlace(folder)).close()
    return folder


@dataclass
class Work:
    """A ledger and the bucket of its segments."""

    place: Place
    server: SeaweedFs
    bucket: str

    def configure(self, **changed: str) -> None:
        values = {
            "bucket": self.bucket, "prefix": "sealed/", "endpoint": self.server.endpoint,
            "access_key_id": "env:SEG_KEY", "secret_access_key": "env:SEG_SECRET", **changed,
        }  # fmt: skip
        lines = "".join(f'{name} = "{value}"\n' for name, value in values.items())
        self.place.configure(f"{CONFIG}\n[ledger.segments_bucket]\n{lines}")

    def versions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.server.client().list_object_versions(Bucket=self.bucket).get("Versions", [])
        return found

    def locked(self) -> list[str | None]:
        """What `segments` says of each month."""
        return [row["locked"] for row in self.place.run("ledger", "segments", "--json").json]

    def seal(self) -> Done:
        return self.place.run("ledger", "seal", "--json")

    def drop(self) -> Done:
        return self.place.run("ledger", "drop", "--before", "2026-09", "--yes")

    def put(self, key: str, body: bytes, *, locked: bool) -> None:
        """As somebody who may put into the bucket, and means ill."""
        until = datetime.now(UTC) + timedelta(days=9999)
        lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until} if locked else {}
        self.server.client().put_object(Bucket=self.bucket, Key=key, Body=body, **lock)


@pytest.fixture
def work(grown: Path, tmp_path: Path, server: SeaweedFs) -> Work:
    return made(grown, tmp_path, server)


def made(grown: Path, folder: Path, server: SeaweedFs, *, locked: bool = True) -> Work:
    shutil.copytree(grown, folder / "work")
    bucket = f"s-{secrets.token_hex(6)}"
    server.bucket(bucket, locked=locked)
    work = Work(Place(folder / "work", {"SEG_KEY": WRITER[0], "SEG_SECRET": WRITER[1]}), server, bucket)
    work.configure()
    return work


def test_every_file_is_locked_and_recorded(work: Work) -> None:
    done = work.seal()

    assert done.code == 0, done.words
    assert [row["month"] for row in done.json] == list(MONTHS)
    versions = work.versions()
    assert len(versions) == len(FILES) * len(MONTHS)
    assert {version["Key"].rsplit("/", 1)[1] for version in versions} == FILES
    for version in versions:
        kept = work.server.client().get_object_retention(
            Bucket=work.bucket, Key=version["Key"], VersionId=version["VersionId"]
        )["Retention"]
        assert kept["Mode"] == "COMPLIANCE"
        assert timedelta(days=2556) < kept["RetainUntilDate"] - datetime.now(UTC) <= timedelta(days=2557)
    with LedgerPlace(work.place.folder).open(segments=work.place.folder / "sealed") as ledger:
        recorded = [entry.record["locked_copy"] for entry in ledger.entries("segment_event")]
    assert recorded == work.locked() == [row["locked"] for row in done.json]
    assert all(where and where.startswith(f"s3://{work.bucket}/sealed/2026-") for where in recorded)
    assert work.seal().json == []
    assert len(work.versions()) == len(versions)
    doctor = {row["what"]: row for row in work.place.run("doctor", "--json").json}
    assert doctor["segments bucket"]["state"] == "ok"
    assert f"3 of 3 sealed months recorded as locked in {work.bucket}; newest" in doctor["segments bucket"]["message"]
    assert work.drop().code == 0
    assert work.place.run("verify").code == 0


def test_the_restore_drill_from_the_bucket_alone(work: Work, tmp_path: Path) -> None:
    assert work.seal().code == 0
    assert work.drop().code == 0
    key = work.place.run("verify", "--json").json["vkey"]
    with LedgerPlace(work.place.folder).open(segments=work.place.folder / "sealed") as ledger:
        end = max(entry.record["hi"] for entry in ledger.entries("segment_event"))
        anchor = f"{end}:{ledger.root_at(end).hex()}"
    configuration = (work.place.folder / "compliance.toml").read_text()
    remove(work.place.folder)  # ledger, segments, keys, lock store
    (tmp_path / "other").mkdir()
    other = Place(tmp_path / "other", work.place.extra).configure(configuration)

    fetched = other.run("ledger", "fetch-segments", "back", "--vkey", key, "--json")
    assert fetched.code == 0, fetched.words
    assert [(row["month"], row["state"]) for row in fetched.json] == [(month, "fetched") for month in MONTHS]
    again = other.run("ledger", "fetch-segments", "back", "--vkey", key, "--json")
    assert {row["state"] for row in again.json} == {"there already"}
    rebuilt = other.run(
        "ledger", "rebuild", "--from", "back", "--vkey", key, "--expect", anchor, "new.duckdb", "--json"
    )
    assert rebuilt.code == 0, rebuilt.words
    assert f"{rebuilt.json['entries']}:{rebuilt.json['root']}" == anchor
    assert verify(other.folder / "new.duckdb", vkey=key).ok
    assert other.run("ledger", "fetch-segments", "back2", "--vkey", "x+00000000+AA==").code in (2, 4)


def test_a_bucket_without_object_lock(grown: Path, tmp_path: Path, server: SeaweedFs) -> None:
    work = made(grown, tmp_path, server, locked=False)

    done = work.seal()

    assert done.code == 3, done.words
    assert "does not keep" in done.err
    assert "NOT LOCKED: 2026-08" in done.err
    rows = work.place.run("ledger", "segments", "--verify", "--json").json
    assert {(row["state"], row["verified"], row["locked"]) for row in rows} == {("sealed", True, None)}
    assert work.drop().code == 2
    good = f"s-{secrets.token_hex(6)}"
    server.bucket(good)
    work.bucket = good
    work.configure()
    assert work.seal().code == 0
    assert all(work.locked())
    assert work.drop().code == 0


def test_wrong_credentials(work: Work) -> None:
    right = dict(work.place.extra)
    work.place.extra["SEG_SECRET"] = "planted-wrong"
    for _ in range(2):  # the second time nothing else is to be done
        done = work.seal()
        assert done.code == 3, done.words
        assert "planted" not in done.words
        assert work.locked() == [None, None, None]
    refused = work.drop()
    assert refused.code == 2
    assert "no locked copy" in refused.err
    del work.place.extra["SEG_SECRET"]
    assert work.seal().code == 3
    work.place.extra.update(right)
    assert work.seal().code == 0
    assert all(work.locked())


def test_a_stopped_server(grown: Path, tmp_path: Path) -> None:
    with SeaweedFs() as server:
        work = made(grown, tmp_path, server)
        server.stop()
        done = work.seal()
        assert done.code == 3, done.words
        assert work.locked() == [None, None, None]
        fetched = work.place.run("ledger", "fetch-segments", "back")
        assert fetched.code == 3, fetched.words
        server.start()
        assert work.seal().code == 0
        server.stop()
        refused = work.drop()
        assert refused.code == 2, refused.words
        assert "stays in the ledger file" in refused.err


def test_what_is_put_over_a_locked_copy_hides_nothing(work: Work) -> None:
    assert work.seal().code == 0
    admin = work.server.client()
    for version in work.versions():
        key = version["Key"]
        if key.endswith(("entries.parquet", "manifest.note")):
            admin.delete_object(Bucket=work.bucket, Key=key)
        if key.endswith((".json", "tiles.parquet", "note")):
            work.put(key, b"x" * version["Size"], locked=True)
    assert "Contents" not in admin.list_objects_v2(Bucket=work.bucket, Prefix="sealed/2026-08/x")

    fetched = work.place.run("ledger", "fetch-segments", "back", "--json")

    assert fetched.code == 0, fetched.words
    assert [row["state"] for row in fetched.json] == ["fetched"] * 3
    assert "delete markers" in fetched.err
    assert work.drop().code == 0


def test_a_note_that_was_put_there_first(work: Work) -> None:
    """Its text is right and its signature is not; it cannot be taken away, so the next one is tried."""
    good = work.bucket
    assert work.seal().code == 0
    notes = [version["Key"] for version in work.versions() if version["Key"].endswith("note")]
    work.bucket = f"s-{secrets.token_hex(6)}"
    work.server.bucket(work.bucket)
    for key in notes:
        note = work.server.client().get_object(Bucket=good, Key=key)["Body"].read()
        work.put(key, note[:-8] + b"AAAAAA=\n", locked=True)
    work.configure()

    done = work.seal()

    assert done.code == 0, done.words
    assert work.drop().code == 0
    assert work.place.run("ledger", "fetch-segments", "back").code == 0


def test_a_copy_that_is_there_without_a_lock(work: Work) -> None:
    work.place.configure(CONFIG)
    assert work.seal().code == 0
    work.configure()
    assert work.locked() == [None, None, None]
    for path in (work.place.folder / "sealed").glob("*/*"):
        digest = sha256((path.parent / "manifest.json").read_bytes()).hexdigest()
        work.put(f"sealed/{path.parent.name}/{digest}/{path.name}", path.read_bytes(), locked=False)

    refused = work.drop()
    assert refused.code == 2
    assert "locked in compliance mode" in refused.err
    fetched = work.place.run("ledger", "fetch-segments", "back", "--json")
    assert fetched.code == 3, fetched.words
    assert {row["state"] for row in fetched.json} == {"not whole"}
    assert work.seal().code == 0
    assert work.drop().code == 0


def test_a_lock_that_ends_too_early(work: Work) -> None:
    assert work.seal().code == 0
    work.configure()
    text = (work.place.folder / "compliance.toml").read_text() + "retain_years = 9\n"
    work.place.configure(text)
    assert work.drop().code == 2
    assert work.locked() == [None, None, None]
    assert work.seal().code == 0
    assert len(work.versions()) == 2 * len(FILES) * len(MONTHS)
    assert work.drop().code == 0


@pytest.mark.parametrize("part", ["entries.parquet", "manifest.note"])
def test_a_changed_download(work: Work, part: str) -> None:
    with Tampering(work.server.port, part) as between:
        work.configure(endpoint=between.endpoint)
        done = work.seal()
        assert done.code == 3, done.words
        assert "not what was put" in done.err
        assert work.locked() == [None, None, None]
        assert work.drop().code == 2
        work.configure()
        assert work.seal().code == 0
        work.configure(endpoint=between.endpoint)
        assert work.drop().code == 2
        fetched = work.place.run("ledger", "fetch-segments", "back", "--json")
        assert fetched.code in (3, 4), fetched.words
        assert "fetched" not in {row["state"] for row in fetched.json}
        assert not list((work.place.folder / "back").glob("2*"))
    work.configure()
    assert work.drop().code == 0


def test_an_unknown_key_and_no_bucket(work: Work) -> None:
    work.configure(retain_yeers="7")
    refused = work.seal()
    assert refused.code == 2
    assert "retain_years" in refused.err
    work.place.configure(CONFIG)
    none = work.place.run("ledger", "fetch-segments", "back")
    assert none.code == 2
    assert "segments_bucket" in none.err
