"""Time stamps, against `openssl ts`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compliance.anchors import Place, Tsa, head
from compliance.schemas.errors import Denied, Malformed, SourceError, TimedOut, Unreachable
from tests.anchors.conftest import Notes
from tests.servers.authority import Authority


@pytest.fixture(scope="module")
def server() -> Iterator[Authority]:
    if shutil.which("openssl") is None:
        pytest.skip("OpenSSL is not installed: apt-get install openssl")
    with Authority() as authority:
        yield authority


@pytest.fixture
def authority(server: Authority) -> Authority:
    server.mode = "good"
    return server


def tsa(authority: Authority, place: Place, **settings: object) -> Tsa:
    values = {"url": authority.url, "ca": str(authority.ca), "timeout_s": 5, **settings}
    return Tsa.of(Tsa.Settings.model_validate(values), place)


def test_a_token_over_the_bytes_of_the_note(authority: Authority, place: Place, note: Notes) -> None:
    anchor = tsa(authority, place)
    assert anchor.notes().kept == ()

    anchor.put(note(4))
    anchor.put(note(4))

    held = anchor.notes()
    assert [kept.note for kept in held.kept] == [note(4)]
    assert held.kept[0].at is not None
    assert abs(held.kept[0].at - datetime.now(UTC)) < timedelta(minutes=5)
    names = sorted(entry.name for entry in anchor.folder.iterdir())
    assert names == [head(note(4)).name, head(note(4)).name + ".tsr"]


def test_openssl_agrees_with_what_is_kept(authority: Authority, place: Place, note: Notes) -> None:
    anchor = tsa(authority, place)
    anchor.put(note(4))
    kept, token = (str(anchor.folder / (head(note(4)).name + suffix)) for suffix in ("", ".tsr"))
    verify = ["openssl", "ts", "-verify", "-in", token, "-CAfile", str(authority.ca), "-data"]

    good = subprocess.run([*verify, kept], capture_output=True, text=True, check=False)
    other = subprocess.run([*verify, str(authority.ca)], capture_output=True, text=True, check=False)

    assert "Verification: OK" in good.stdout + good.stderr
    assert other.returncode != 0


@pytest.mark.parametrize(
    ("mode", "error", "says"),
    [
        ("wrong", Malformed, "Mismatch between messages"),
        ("expired", Malformed, "certificate has expired"),
        ("garbage", Malformed, "no time stamp"),
        ("refuses", Denied, "403"),
        ("rejects", Denied, "the authority refused"),
    ],
)
def test_what_is_no_proof_is_not_kept(
    authority: Authority, place: Place, note: Notes, mode: str, error: type[SourceError], says: str
) -> None:
    anchor = tsa(authority, place)
    authority.mode = mode

    with pytest.raises(error, match=says) as caught:
        anchor.put(note(1))

    assert caught.value.remedy
    assert anchor.notes().kept == ()
    assert list(anchor.folder.iterdir()) == []
    authority.mode = "good"
    anchor.put(note(1))
    assert len(anchor.notes().kept) == 1


def test_a_stopped_authority(authority: Authority, place: Place, note: Notes) -> None:
    anchor = tsa(authority, place)
    anchor.put(note(1))
    authority.stop()
    try:
        with pytest.raises(Unreachable, match="refused"):
            anchor.put(note(2))
        assert [kept.note for kept in anchor.notes().kept] == [note(1)], "tokens are checked without the authority"
    finally:
        authority.start()


def test_one_that_never_answers(place: Place, note: Notes, authority: Authority) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        anchor = tsa(authority, place, url=f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout_s=1)
        with pytest.raises(TimedOut, match="within 1 s"):
            anchor.put(note(1))


def test_the_chain_must_end_in_the_configured_file(
    authority: Authority, place: Place, note: Notes, tmp_path: Path
) -> None:
    anchor = tsa(authority, place)
    anchor.put(note(1))
    with Authority() as other:
        strange = tsa(authority, place, ca=str(other.ca))
        with pytest.raises(Malformed, match="does not hold"):
            strange.put(note(2))
        assert strange.notes().kept == ()
        assert [item.cause for item in strange.notes().unread] == ["malformed"]
    (tmp_path / "empty.pem").write_text("nothing\n")
    with pytest.raises(Malformed, match="no certificates"):
        tsa(authority, place, ca=str(tmp_path / "empty.pem")).notes()
    with pytest.raises(Unreachable):
        tsa(authority, place, ca=str(tmp_path / "absent.pem")).notes()


def test_what_was_changed_in_the_folder_vouches_for_nothing(authority: Authority, place: Place, note: Notes) -> None:
    anchor = tsa(authority, place)
    for size in (1, 2, 3, 4):
        anchor.put(note(size))
    copies = {size: anchor.folder / head(note(size)).name for size in (1, 2, 3, 4)}
    tokens = {size: path.with_name(path.name + ".tsr") for size, path in copies.items()}
    tokens[1].unlink()
    tokens[2].chmod(0o600)
    tokens[2].write_bytes(tokens[4].read_bytes())
    copies[3].unlink()

    held = anchor.notes()

    assert [kept.note for kept in held.kept] == [note(4)]
    assert len(held.unread) == 3


def test_a_crash_between_token_and_note(authority: Authority, place: Place, note: Notes) -> None:
    anchor = tsa(authority, place)
    anchor.put(note(1))
    copy = anchor.folder / head(note(1)).name
    token = copy.with_name(copy.name + ".tsr").read_bytes()
    copy.unlink()

    anchor.put(note(1))

    assert copy.read_text() == note(1)
    assert copy.with_name(copy.name + ".tsr").read_bytes() == token
    assert len(anchor.notes().kept) == 1


def test_where_it_lies(authority: Authority, place: Place, mount: Path) -> None:
    device = place.base.stat().st_dev
    (place.base / "tokens").mkdir()
    assert "same file system" in str(tsa(authority, place, folder=str(place.base / "tokens")).same_machine(device))
    assert tsa(authority, place, folder=str(mount)).same_machine(device) is None
