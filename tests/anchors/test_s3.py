"""An S3 bucket with Object Lock, against a server that enforces it, with exactly the rights in docs/anchors.md."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError

from compliance.anchors import S3, Place, head
from compliance.schemas.errors import Absent, Denied, Malformed, NotKept, SecretMissing, TimedOut, Unreachable
from tests.anchors.conftest import Notes
from tests.servers.seaweedfs import WRITER, SeaweedFs

pytestmark = pytest.mark.xdist_group("seaweedfs")


@pytest.fixture(scope="module")
def server() -> Iterator[SeaweedFs]:
    with SeaweedFs() as running:
        yield running


@dataclass
class Bucket:
    """A bucket, its administrator, and the anchor in it."""

    server: SeaweedFs
    name: str
    place: Place

    @property
    def admin(self) -> Any:
        return self.server.client()

    def anchor(self, **settings: Any) -> S3:
        values = {
            "bucket": self.name, "endpoint": self.server.endpoint, "access_key_id": "env:ANCHOR_KEY",
            "secret_access_key": "env:ANCHOR_SECRET", "timeout_s": 5, "retain_days": 5, **settings,
        }  # fmt: skip
        return S3.of(S3.Settings.model_validate(values), self.place)

    def versions(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.admin.list_object_versions(Bucket=self.name, Prefix=name).get("Versions", [])
        return found


def made(server: SeaweedFs, place: Place, monkeypatch: pytest.MonkeyPatch, *, locked: bool) -> Bucket:
    monkeypatch.setenv("ANCHOR_KEY", WRITER[0])
    monkeypatch.setenv("ANCHOR_SECRET", WRITER[1])
    name = f"b-{secrets.token_hex(6)}"
    server.bucket(name, locked=locked)
    return Bucket(server, name, place)


@pytest.fixture
def bucket(server: SeaweedFs, place: Place, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    return made(server, place, monkeypatch, locked=True)


def test_what_is_put_is_locked_and_read_back(bucket: Bucket, note: Notes) -> None:
    anchor = bucket.anchor(prefix="prod/")
    assert anchor.notes().kept == ()

    anchor.put(note(3))
    anchor.put(note(10))
    anchor.put(note(10))

    held = anchor.notes()
    assert [kept.note for kept in held.kept] == [note(3), note(10)]
    assert (held.unread, held.remarks) == ((), ())
    assert all(kept.at and abs(kept.at - datetime.now(UTC)) < timedelta(minutes=5) for kept in held.kept)
    (version,) = bucket.versions(f"prod/{head(note(10)).name}")
    found = bucket.admin.get_object_retention(Bucket=bucket.name, Key=version["Key"], VersionId=version["VersionId"])
    assert found["Retention"]["Mode"] == "COMPLIANCE"
    left = found["Retention"]["RetainUntilDate"] - datetime.now(UTC)
    assert timedelta(days=4.9) < left <= timedelta(days=5)


def test_nobody_takes_a_locked_copy_away(bucket: Bucket, note: Notes) -> None:
    bucket.anchor().put(note(3))
    (version,) = bucket.versions("")
    place = {"Bucket": bucket.name, "Key": version["Key"], "VersionId": version["VersionId"]}
    shorter = {"Mode": "COMPLIANCE", "RetainUntilDate": datetime.now(UTC) + timedelta(seconds=1)}

    for attempt in (
        lambda: bucket.admin.delete_object(**place),
        lambda: bucket.admin.delete_object(**place, BypassGovernanceRetention=True),
        lambda: bucket.admin.put_object_retention(**place, Retention=shorter),
        lambda: bucket.admin.put_object_retention(**place, Retention={**shorter, "Mode": "GOVERNANCE"}),
        lambda: bucket.server.client(WRITER).delete_object(**place),
        lambda: bucket.server.client(WRITER).delete_object(Bucket=bucket.name, Key=version["Key"]),
    ):
        with pytest.raises(ClientError, match=r"AccessDenied|InvalidRequest"):
            attempt()

    assert [kept.note for kept in bucket.anchor().notes().kept] == [note(3)]


def test_a_delete_marker_hides_nothing(bucket: Bucket, note: Notes) -> None:
    anchor = bucket.anchor()
    anchor.put(note(3))
    bucket.admin.delete_object(Bucket=bucket.name, Key=head(note(3)).name)
    assert "Contents" not in bucket.admin.list_objects_v2(Bucket=bucket.name), "plain reading sees nothing"

    held = anchor.notes()

    assert [kept.note for kept in held.kept] == [note(3)]
    assert held.unread == ()
    assert "delete marker" in held.remarks[0]


def test_a_newer_version_hides_nothing(bucket: Bucket, note: Notes) -> None:
    anchor = bucket.anchor()
    anchor.put(note(3))
    anchor.put(note(4))
    for size, body in ((3, note(3)), (4, note(5))):
        bucket.admin.put_object(Bucket=bucket.name, Key=head(note(size)).name, Body=body.encode())

    held = anchor.notes()

    assert [kept.note for kept in held.kept] == [note(3), note(4)]
    assert len(held.remarks) == 1, "one without a lock that says the same"
    assert [item.cause for item in held.unread] == ["malformed"], "one that says something else"


def test_a_copy_without_a_lock_vouches_for_nothing(bucket: Bucket, note: Notes) -> None:
    bucket.admin.put_object(Bucket=bucket.name, Key=head(note(3)).name, Body=note(3).encode())
    anchor = bucket.anchor()

    held = anchor.notes()

    assert held.kept == ()
    assert [item.cause for item in held.unread] == ["not_kept"]
    with pytest.raises(NotKept, match="not locked"):
        anchor.put(note(3))


def test_a_locked_copy_that_says_something_else(bucket: Bucket, note: Notes) -> None:
    bucket.admin.put_object(
        Bucket=bucket.name, Key=head(note(3)).name, Body=note(4).encode(), ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=datetime.now(UTC) + timedelta(days=1),
    )  # fmt: skip
    with pytest.raises(Malformed, match="is there already"):
        bucket.anchor().put(note(3))
    assert [item.cause for item in bucket.anchor().notes().unread] == ["malformed"]


@pytest.mark.parametrize("versioned", [False, True])
def test_a_bucket_without_object_lock_is_no_anchor(
    server: SeaweedFs, place: Place, monkeypatch: pytest.MonkeyPatch, note: Notes, versioned: bool
) -> None:
    bucket = made(server, place, monkeypatch, locked=False)
    if versioned:
        bucket.admin.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})

    with pytest.raises(NotKept, match="does not keep") as caught:
        bucket.anchor().put(note(3))

    assert "Object Lock" in str(caught.value.remedy)
    assert bucket.anchor().notes().kept == ()


def test_wrong_keys(bucket: Bucket, note: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, secret in ((WRITER[0], "planted-wrong"), ("planted-nobody", "x")):
        monkeypatch.setenv("ANCHOR_KEY", key)
        monkeypatch.setenv("ANCHOR_SECRET", secret)
        for act in (lambda: bucket.anchor().put(note(3)), lambda: bucket.anchor().notes()):
            with pytest.raises(Denied) as caught:
                act()
            assert "planted" not in caught.value.message + str(caught.value.remedy)
    monkeypatch.delenv("ANCHOR_SECRET")
    with pytest.raises(SecretMissing, match="ANCHOR_SECRET"):
        bucket.anchor().put(note(3))


def test_without_the_right_to_see_the_lock(bucket: Bucket, note: Notes) -> None:
    text = bucket.admin.get_bucket_policy(Bucket=bucket.name)["Policy"]
    bucket.admin.put_bucket_policy(Bucket=bucket.name, Policy=text.replace("s3:ListBucketVersions", "s3:ListBucket"))
    with pytest.raises(Denied):
        bucket.anchor().notes()


def test_a_bucket_that_is_not_there(bucket: Bucket, note: Notes) -> None:
    with pytest.raises((Absent, Denied)) as caught:
        bucket.anchor(bucket="no-such-bucket").put(note(3))
    assert caught.value.remedy
    with pytest.raises((Absent, Denied)):
        bucket.anchor(bucket="no-such-bucket").notes()


def test_more_than_one_page_of_versions(bucket: Bucket, note: Notes) -> None:
    """The server gives at most so many at once; a hidden copy on a later page counts as well."""
    anchor = bucket.anchor()
    for size in range(1, 13):
        anchor.put(note(size))
    paginate = anchor._bucket.client.get_paginator("list_object_versions").paginate
    pages = list(paginate(Bucket=bucket.name, PaginationConfig={"PageSize": 5}))
    assert len(pages) >= 3

    assert [kept.note for kept in anchor.notes().kept] == [note(size) for size in range(1, 13)]


def test_a_stopped_server(place: Place, note: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    with SeaweedFs() as server:
        bucket = made(server, place, monkeypatch, locked=True)
        bucket.anchor().put(note(3))
        server.stop()
        for act in (lambda: bucket.anchor().put(note(4)), lambda: bucket.anchor().notes()):
            with pytest.raises(Unreachable) as caught:
                act()
            assert caught.value.remedy


@pytest.mark.parametrize(
    ("version", "lock", "says"),
    [
        (None, {}, "keeps no versions"),
        ("v1", {}, "has no lock"),
        ("v1", {"mode": "GOVERNANCE", "retain-until-date": "2099-01-01T00:00:00Z"}, "lock mode GOVERNANCE"),
        ("v1", {"mode": "COMPLIANCE", "retain-until-date": "2026-01-01T00:00:00Z"}, "locked until 2026"),
    ],
)
def test_a_server_that_only_says_yes(
    place: Place, note: Notes, monkeypatch: pytest.MonkeyPatch, version: str | None, lock: dict[str, str], says: str
) -> None:
    """A stub: no server at hand accepts a lock and drops it, but such servers exist."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer({"x-amz-version-id": version} if version else {})

        def do_HEAD(self) -> None:
            self.answer({f"x-amz-object-lock-{name}": value for name, value in lock.items()})

        def answer(self, headers: dict[str, str]) -> None:
            self.send_response(200)
            for name, value in {**headers, "Content-Length": "0", "ETag": '"x"'}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    monkeypatch.setenv("ANCHOR_KEY", "x")
    monkeypatch.setenv("ANCHOR_SECRET", "x")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as yes:
        Thread(target=yes.serve_forever, daemon=True).start()
        settings = {
            "bucket": "yes", "endpoint": f"http://127.0.0.1:{yes.server_port}", "timeout_s": 5,
            "access_key_id": "env:ANCHOR_KEY", "secret_access_key": "env:ANCHOR_SECRET",
        }  # fmt: skip
        try:
            with pytest.raises(NotKept, match=says) as caught:
                S3.of(S3.Settings.model_validate(settings), place).put(note(3))
            assert "Object Lock" in str(caught.value.remedy)
        finally:
            yes.shutdown()


def test_a_server_that_is_no_s3(bucket: Bucket, note: Notes) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        try:
            with pytest.raises((Malformed, Unreachable)):
                bucket.anchor(endpoint=f"http://127.0.0.1:{other.server_port}").notes()
        finally:
            other.shutdown()


def test_a_server_that_never_answers(bucket: Bucket, note: Notes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TimedOut, match="within 1 s"):
            bucket.anchor(endpoint=address, timeout_s=1).notes()


def test_where_it_lies(bucket: Bucket) -> None:
    assert bucket.anchor().same_machine(1)
    assert bucket.anchor(endpoint=None).same_machine(1) is None
    assert bucket.anchor(endpoint="https://s3.example.org").same_machine(1) is None
