"""The collector against a real repository over a real server: good, holes, failures, rights missing, nothing there."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compliance.collectors.pgbackrest import PgBackRest
from compliance.collectors.testing import Conformance
from compliance.schemas.messages import Access, Discovery, Gap
from tests.collectors.pgbackrest.conftest import Make, Read, settings
from tests.servers.pgbackrest import CIPHER, PgBackRestRepository
from tests.servers.postgres import ADMIN_PASSWORD, NOBODY, PostgresServer

ALL = {kind.kind for kind in PgBackRest.kinds}
OF_THE_REPOSITORY = {"backup_set", "backup_run", "archive_chain"}


class TestConformance(Conformance):
    collector = PgBackRest

    @pytest.fixture(autouse=True)
    def _repository(self, repository: PgBackRestRepository) -> None:
        self.settings = settings(repository)
        self.unreachable = {**self.settings, "config": "/nonexistent/pgbackrest.conf"}
        self.planted = (CIPHER, ADMIN_PASSWORD)


@contextmanager
def moved(path: Path) -> Iterator[None]:
    """Holds while a file or folder is not in its place."""
    away = path.with_name("moved-away") if path.is_dir() else path.parent.parent / "moved-away"
    path.rename(away)
    try:
        yield
    finally:
        away.rename(path)


def test_the_grant_of_the_readme_is_enough(context: Make, repository: PgBackRestRepository) -> None:
    """A stranger in the group reads everything, and can write nothing."""
    before = {path: path.stat().st_mtime_ns for path in repository.folder.rglob("*")}
    read = Read(context())
    assert set(read.complete) == ALL
    assert {path: path.stat().st_mtime_ns for path in repository.folder.rglob("*")} == before
    touch = [*repository.reader(), "touch", str(repository.backups / "written")]
    if os.geteuid() == 0:
        assert subprocess.run(touch, check=False, capture_output=True).returncode != 0


def test_good_state(context: Make, repository: PgBackRestRepository, database: PostgresServer) -> None:
    repository.write_log(2)
    with database.session() as session:
        (system,) = session.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone() or ("",)
    read = Read(context(data_stores={"main": ["shop"]}, site="here", repository_sites={"1": "there"}))

    full = read.one("backup_run", backup_type="full")
    assert (full.outcome, full.cipher, full.encrypted, full.same_host) == ("success", "aes-256-cbc", True, True)
    assert (full.data_stores, full.site, full.other_site) == (["shop"], "there", True)
    assert full.system_identifier == system
    assert full.size_bytes > 10_000_000
    assert full.started_at <= full.finished_at < datetime.now(UTC) + timedelta(seconds=2)
    row = read.one("archive_chain")
    assert (row.missing_segments, row.first_missing, row.segment_bytes) == (0, "", 16 << 20)
    assert row.last_segment == row.newest_segment == repository.segments()[-1].name[:24]
    assert row.earliest_restore_at == full.finished_at
    assert row.system_identifier == system
    whole = read.one("backup_set")
    assert (whole.is_ok, whole.status, whole.runs, whole.keeps_full, whole.keeps_days) == (True, "ok", 1, 4, None)
    assert whole.earliest_restore_at == full.finished_at
    shown = {row.name: row.value for row in read.rows("setting")}
    assert shown["global.repo1-cipher-type"] == "aes-256-cbc"
    assert not any("pass" in name for name in shown)


def test_an_incremental_backup_names_what_it_needs(context: Make, repository: PgBackRestRepository) -> None:
    repository.run("--type=incr", "backup")
    read = Read(context())
    full = read.one("backup_run", backup_type="full")
    increment = read.one("backup_run", backup_type="incr")
    assert increment.needs == [full.run]
    assert read.one("archive_chain").backups == 2
    shutil.rmtree(repository.backups / increment.run)
    (repository.backups / "latest").unlink()
    assert set(Read(context()).gaps) == {"backup_run"}  # info still names it, and its files are gone
    repository.run("expire", f"--set={increment.run}")


def test_a_hole_ends_the_chain(context: Make, repository: PgBackRestRepository) -> None:
    repository.write_log(3)
    *_, lost, last = repository.segments()
    with moved(lost):
        row = Read(context()).one("archive_chain")
    assert row.missing_segments == 1
    assert row.first_missing == lost.name[:24]
    assert row.last_segment < row.first_missing < row.newest_segment == last.name[:24]
    assert Read(context()).one("archive_chain").missing_segments == 0


def test_an_empty_segment_is_a_hole(context: Make, repository: PgBackRestRepository) -> None:
    repository.write_log(2)
    lost = repository.segments()[-2]
    content = lost.read_bytes()
    lost.write_bytes(b"")
    try:
        assert Read(context()).one("archive_chain").first_missing == lost.name[:24]
    finally:
        lost.write_bytes(content)


def test_without_the_start_of_its_log_no_backup_leads_anywhere(context: Make, repository: PgBackRestRepository) -> None:
    needed = Read(context()).one("backup_run").detail["archive"]["start"]
    (segment,) = [path for path in repository.segments() if path.name.startswith(needed)]
    with moved(segment):
        row = Read(context()).one("archive_chain")
    assert (row.backups, row.last_segment, row.earliest_restore_at) == (0, None, None)


def test_a_run_that_never_became_a_backup_is_a_failure(context: Make, repository: PgBackRestRepository) -> None:
    label = "20991231-235959F"
    (repository.backups / label).mkdir(mode=0o750)
    os.chown(repository.backups / label, NOBODY if os.geteuid() == 0 else -1, NOBODY if os.geteuid() == 0 else -1)
    try:
        row = Read(context()).one("backup_run", run=label)
    finally:
        (repository.backups / label).rmdir()
    assert (row.outcome, row.finished_at, row.backup_type) == ("failed", None, None)


def test_a_repository_that_is_not_encrypted(
    context: Make, repository: PgBackRestRepository, database: PostgresServer
) -> None:
    """pgBackRest does not encrypt, and nobody has declared that the storage does."""
    with PgBackRestRepository(database) as plain:
        shutil.rmtree(plain.folder)
        plain.folder.mkdir(mode=0o750)
        if os.geteuid() == 0:
            os.chown(plain.folder, NOBODY, NOBODY)
        plain.configure(cipher="none")
        plain.run("stanza-create")
        plain.run("--type=full", "backup")
        given = {**settings(plain)}
        row = Read(context(**given)).one("backup_run")
        declared = Read(context(**given, storage_encrypted={"1": True})).one("backup_run")
    database.configure({"archive_command": repository.archive_command})
    assert (row.cipher, row.encrypted) == ("none", False)
    assert (declared.cipher, declared.encrypted) == ("none", True)


def test_without_the_group_nothing_is_an_empty_answer(context: Make, repository: PgBackRestRepository) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to ask as another account")
    read = Read(context(in_group=False))
    assert {kind: str(gap.cause) for kind, gap in read.gaps.items()} == dict.fromkeys(OF_THE_REPOSITORY, "denied")
    # the configuration alone: pgbackrest itself ends with 0 here
    repository.config.chmod(0o644)
    try:
        read = Read(context(in_group=False))
    finally:
        repository.config.chmod(0o640)
    assert {kind: str(gap.cause) for kind, gap in read.gaps.items()} == dict.fromkeys(OF_THE_REPOSITORY, "denied")


def test_a_part_of_the_archive_that_may_not_be_read(context: Make, repository: PgBackRestRepository) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to ask as another account")
    repository.archive.chmod(0o700)
    try:
        read = Read(context())
    finally:
        repository.archive.chmod(0o750)
    assert {kind: str(gap.cause) for kind, gap in read.gaps.items()} == dict.fromkeys(OF_THE_REPOSITORY, "denied")


@pytest.mark.parametrize("stanzas", [["main"], []], ids=["named", "found"])
def test_a_repository_that_is_gone_is_no_empty_one(
    context: Make, repository: PgBackRestRepository, stanzas: list[str]
) -> None:
    with moved(repository.folder):
        read = Read(context(stanzas=stanzas))
    assert {kind: str(gap.cause) for kind, gap in read.gaps.items()} == dict.fromkeys(OF_THE_REPOSITORY, "absent")


def test_a_second_repository_that_holds_nothing_is_a_gap(context: Make, repository: PgBackRestRepository) -> None:
    repository.configure(f"repo2-path={repository.folder}-two\nrepo2-cipher-type=none\n")
    try:
        read = Read(context())
    finally:
        repository.configure()
    assert {kind: str(gap.cause) for kind, gap in read.gaps.items()} == dict.fromkeys(OF_THE_REPOSITORY, "absent")
    assert "repository 2" in read.gaps["backup_run"].message


def test_a_wrong_pass_phrase_shows_nothing_of_the_file(context: Make, repository: PgBackRestRepository) -> None:
    repository.configure(cipher="aes-256-cbc\nrepo1-cipher-pass=another")
    try:
        gap = Read(context("backup_run")).gaps["backup_run"]
    finally:
        repository.configure()
    assert gap.cause == "unreachable"
    assert gap.message == "stanza main, repository 1 cannot be read [FormatError]"


def test_pgbackrest_is_not_there(context: Make) -> None:
    read = Read(context(command=["/nonexistent/pgbackrest"]))
    assert {read.gaps[kind].cause for kind in OF_THE_REPOSITORY} == {"absent"}


def test_a_stopped_server_changes_nothing_of_what_is_stored(
    context: Make, repository: PgBackRestRepository, database: PostgresServer
) -> None:
    before = Read(context()).rows("backup_run")
    database.stop()
    try:
        assert Read(context()).rows("backup_run") == before
    finally:
        database.start()


def test_check_tells_what_a_missing_right_costs(context: Make, repository: PgBackRestRepository) -> None:
    told = {access.kind: access for access in PgBackRest().check(context())}
    assert set(told) == ALL
    assert all(access.readable for access in told.values())
    assert isinstance(told["backup_run"], Access)
    missing = list(PgBackRest().collect(context("backup_run", stanzas=["other"])))
    assert [type(message) for message in missing] == [Gap]


def test_a_promotion_is_followed_to_the_new_timeline(
    context: Make, repository: PgBackRestRepository, database: PostgresServer
) -> None:
    """Last of this module: the server goes on with timeline 2, as after every fail-over."""
    repository.run("--type=full", "backup")  # segments went to another repository before it
    before = Read(context()).one("archive_chain")
    database.stop()
    (database.data / "standby.signal").touch()
    if os.geteuid() == 0:
        os.chown(database.data / "standby.signal", NOBODY, NOBODY)
    database.start()
    database.sql("SELECT pg_promote()")
    repository.write_log(2)

    row = Read(context()).one("archive_chain")

    assert (before.newest_segment[:8], row.newest_segment[:8]) == ("00000001", "00000002")
    assert row.backups == before.backups >= 1
    assert row.last_segment == row.newest_segment


def test_discovery_reads_the_usual_file(tmp_path: Path) -> None:
    file = tmp_path / "etc/pgbackrest.conf"
    file.parent.mkdir()
    file.write_text("[global]\nrepo1-path=/var/lib/pgbackrest\n#[main]\n")
    where = Discovery(root=tmp_path, folder=tmp_path)
    assert list(PgBackRest().discover(where)) == []
    file.write_text("[global]\nrepo1-path=/r\n[main]\npg1-path=/d\n[main:archive-push]\nprocess-max=2\n")
    (found,) = PgBackRest().discover(where)
    assert found.seen.endswith("sets up main")
