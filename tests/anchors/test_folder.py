"""A directory of notes."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from compliance.anchors import Folder, Place, head
from compliance.schemas.errors import Denied, Malformed, Unreachable
from tests.anchors.conftest import Notes

ROOT = Path(__file__).resolve().parents[2]


def folder(path: Path, place: Place) -> Folder:
    return Folder.of(Folder.Settings.model_validate({"path": str(path)}), place)


def test_what_is_put_is_there(mount: Path, place: Place, note: Notes) -> None:
    anchor = folder(mount, place)
    assert anchor.notes().kept == ()

    for size in (7, 3, 1200):
        anchor.put(note(size))

    held = anchor.notes()
    assert [kept.note for kept in held.kept] == [note(3), note(7), note(1200)]
    assert held.unread == ()
    names = {entry.name for entry in mount.iterdir()}
    assert f"{1200:020d}-{(1200).to_bytes(32, 'big').hex()}" in names
    assert all(stat.S_IMODE(entry.stat().st_mode) == 0o444 for entry in mount.iterdir())


def test_the_same_again_changes_nothing_and_another_is_refused(mount: Path, place: Place, note: Notes) -> None:
    anchor = folder(mount, place)
    anchor.put(note(5))
    before = next(mount.iterdir()).stat()

    anchor.put(note(5))

    assert next(mount.iterdir()).stat() == before
    path = mount / head(note(6)).name
    path.write_text(note(5))
    with pytest.raises(Malformed, match="is there already"):
        anchor.put(note(6))
    assert path.read_text() == note(5), "never replaced"


def test_a_missing_mount_is_not_made(tmp_path: Path, place: Place, note: Notes) -> None:
    anchor = folder(tmp_path / "mnt" / "office", place)

    for act in (lambda: anchor.put(note(1)), anchor.notes):
        with pytest.raises(Unreachable, match="No such file") as caught:
            act()
        assert caught.value.remedy
    assert not (tmp_path / "mnt").exists()


READ_ONLY = """
import subprocess, sys
from pathlib import Path
from compliance.anchors import Folder
from compliance.schemas.errors import Denied
folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
anchor = Folder(folder)
anchor.put(sys.argv[2])
subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
assert len(anchor.notes().kept) == 1
try:
    anchor.put(sys.argv[3])
except Denied as error:
    print("denied:", error.message, "/", error.remedy)
"""


def test_a_read_only_mount(tmp_path: Path, note: Notes) -> None:
    """In a mount namespace of its own: nothing of this machine's mounts changes."""
    done = subprocess.run(
        ["unshare", "-rm", sys.executable, "-c", READ_ONLY, str(tmp_path), note(1), note(2)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("denied:")
    assert "Read-only file system / mount it for writing" in done.stdout


def test_what_is_no_copy_is_named_and_never_counts(mount: Path, place: Place, note: Notes) -> None:
    anchor = folder(mount, place)
    for size in (1, 2, 3, 4, 5, 6):
        anchor.put(note(size))
    paths = [mount / head(note(size)).name for size in (1, 2, 3, 4, 5)]
    for path in paths:
        path.chmod(0o600)
    paths[0].write_text(note(1)[:20])
    paths[1].write_text(note(3))
    paths[2].write_bytes(b"\xff")
    paths[3].unlink()
    paths[3].symlink_to(mount / head(note(6)).name)
    paths[4].write_text(note(5) * 500)
    (mount / "readme.txt").write_text("not a copy, and no business of ours")

    held = anchor.notes()

    assert [kept.note for kept in held.kept] == [note(6)]
    assert [item.where for item in held.unread] == [str(path) for path in paths]
    assert all(item.remedy and item.cause for item in held.unread)


def test_where_it_lies(mount: Path, tmp_path: Path, place: Place) -> None:
    device = tmp_path.stat().st_dev
    assert folder(mount, place).same_machine(device) is None
    assert "same file system" in str(folder(tmp_path, place).same_machine(device))
    assert folder(mount, place).same_machine(None)
    assert folder(tmp_path / "absent", place).same_machine(device)
    assert folder(Path("relative"), place).where == str(tmp_path / "relative")


def test_a_folder_that_may_not_be_written(tmp_path: Path, note: Notes) -> None:
    """Without root's rights: root may write everywhere."""
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom compliance.anchors import Folder\n"
        "from compliance.schemas.errors import Denied\n"
        "if os.geteuid() == 0:\n    os.setgroups([])\n    os.setgid(65534)\n    os.setuid(65534)\n"
        "try:\n    Folder(Path(sys.argv[1])).put(sys.argv[2])\nexcept Denied as error:\n    print(error.message)"
    )
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o555)
    for parent in (tmp_path, *tmp_path.parents[:-2]):
        parent.chmod(parent.stat().st_mode | 0o055)
    done = subprocess.run(
        [sys.executable, "-c", code, str(shut), note(1)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "Permission denied" in done.stdout, done.stderr
    assert Denied.cause == "denied"
