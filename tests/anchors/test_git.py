"""A git repository, against the git program."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from pydantic import ValidationError

from compliance.anchors import Git, Place, head
from compliance.schemas.errors import Denied, Malformed, NotKept, Unreachable
from tests.anchors.conftest import Notes


def git(*arguments: str, at: Path) -> str:
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(at), "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org",
    }  # fmt: skip
    done = subprocess.run(
        ["git", *arguments],
        cwd=at,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    path = tmp_path / "remote.git"
    path.mkdir()
    git("init", "-q", "--bare", "-b", "main", ".", at=path)
    return path


def anchor_at(remote: Path, place: Place, **settings: str) -> Git:
    return Git.of(Git.Settings.model_validate({"url": str(remote), **settings}), place)


def commits(remote: Path) -> list[str]:
    return git("log", "--format=%s", "main", at=remote).splitlines()


def test_one_commit_per_checkpoint(remote: Path, place: Place, note: Notes) -> None:
    anchor = anchor_at(remote, place)
    assert anchor.notes().kept == ()

    anchor.put(note(3))
    anchor.put(note(10))
    anchor.put(note(10))

    assert commits(remote) == ["10 entries of example.org/evidence/test", "3 entries of example.org/evidence/test"]
    assert git("show", f"main:{head(note(3)).name}", at=remote) == note(3)
    held = anchor.notes()
    assert [kept.note for kept in held.kept] == [note(3), note(10)]
    assert (held.unread, held.remarks) == ((), ())
    assert all(kept.at is not None for kept in held.kept)
    assert git("fsck", "--strict", at=remote) == ""


def test_a_folder_inside_a_repository_with_other_things(
    remote: Path, place: Place, note: Notes, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    git("clone", "-q", str(remote), str(work), at=tmp_path)
    (work / "README").write_text("ours\n")
    git("add", ".", at=work)
    git("commit", "-q", "-m", "first", at=work)
    git("push", "-q", "origin", "HEAD:main", at=work)
    anchor = anchor_at(remote, place, folder="anchors/prod")

    anchor.put(note(3))

    assert git("ls-tree", "-r", "--name-only", "main", at=remote).split() == [
        "README",
        f"anchors/prod/{head(note(3)).name}",
    ]
    assert [kept.note for kept in anchor.notes().kept] == [note(3)]
    assert anchor_at(remote, Place(tmp_path / "other", tmp_path)).notes().kept == (), "another folder's notes"


def test_somebody_else_committed_meanwhile(remote: Path, place: Place, note: Notes, tmp_path: Path) -> None:
    anchor_at(remote, place).put(note(1))
    anchor_at(remote, Place(tmp_path / "second", tmp_path)).put(note(2))

    anchor_at(remote, place).put(note(3))

    assert len(commits(remote)) == 3


def test_a_refused_push(remote: Path, place: Place, note: Notes) -> None:
    anchor = anchor_at(remote, place)
    anchor.put(note(1))
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'protected: ask the auditors' >&2\nexit 1\n")
    hook.chmod(0o755)

    with pytest.raises(Denied, match="push") as caught:
        anchor.put(note(2))

    assert "no right to force" in str(caught.value.remedy)
    assert len(commits(remote)) == 1
    hook.unlink()
    anchor.put(note(2))
    assert len(commits(remote)) == 2


def test_a_note_that_a_later_commit_removed_is_still_read(
    remote: Path, place: Place, note: Notes, tmp_path: Path
) -> None:
    anchor = anchor_at(remote, place)
    for size in (1, 2):
        anchor.put(note(size))
    work = tmp_path / "work"
    git("clone", "-q", "-b", "main", str(remote), str(work), at=tmp_path)
    git("rm", "-q", head(note(1)).name, at=work)
    (work / head(note(2)).name).write_text(note(1))
    git("commit", "-q", "-a", "-m", "tidy", at=work)
    git("push", "-q", "origin", "HEAD:main", at=work)

    held = anchor.notes()

    assert [kept.note for kept in held.kept] == [note(1), note(2)]
    assert len(held.remarks) == 1
    assert head(note(1)).name in held.remarks[0]
    assert [item.cause for item in held.unread] == [Malformed.cause], "the changed copy is named, the old one counts"


@pytest.mark.parametrize("to", ["earlier", "unrelated", "deleted"])
def test_a_history_rewritten_by_force(remote: Path, place: Place, note: Notes, tmp_path: Path, to: str) -> None:
    anchor = anchor_at(remote, place)
    for size in (1, 2):
        anchor.put(note(size))
    if to == "deleted":
        git("update-ref", "-d", "refs/heads/main", at=remote)
    elif to == "earlier":
        git("update-ref", "refs/heads/main", "main~1", at=remote)
    else:
        tree = git("mktree", at=remote).strip()
        git("update-ref", "refs/heads/main", git("commit-tree", tree, "-m", "new", at=remote).strip(), at=remote)

    with pytest.raises(NotKept, match="rewritten by force"):
        anchor.put(note(3))
    held = anchor.notes()

    assert {kept.note for kept in held.kept} == {note(1), note(2)}, "the clone remembers"
    assert [item.cause for item in held.unread] == ["not_kept"]
    with pytest.raises(NotKept):
        anchor.put(note(4))  # looking does not make it right
    fresh = anchor_at(remote, Place(tmp_path / "elsewhere", tmp_path)).notes()
    assert {kept.note for kept in fresh.kept} == ({note(1)} if to == "earlier" else set())


def test_where_it_cannot_be(tmp_path: Path, place: Place, note: Notes) -> None:
    with pytest.raises(Unreachable, match="git repository") as caught:
        anchor_at(tmp_path / "absent.git", place).put(note(1))
    assert caught.value.remedy
    with pytest.raises(Unreachable):
        anchor_at(Path("ssh://anchor@127.0.0.1:1/x.git"), place, branch="main").notes()
    with pytest.raises(Unreachable):
        Git.of(Git.Settings.model_validate({"url": "https://127.0.0.1:1/x.git"}), place).notes()


def test_nothing_of_the_users_configuration_counts(
    remote: Path, place: Place, note: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text(
        f'[core]\nhooksPath = {tmp_path}/hooks\n[commit]\ngpgsign = true\n[url "x:"]\n'
    )
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-push").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
    (hooks / "pre-push").chmod(0o755)
    planted = {
        "HOME": str(tmp_path),
        "GIT_DIR": "/nowhere",
        "GIT_AUTHOR_NAME": "Mallory",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.bare",
        "GIT_CONFIG_VALUE_0": "no",
    }
    for name, value in planted.items():
        monkeypatch.setenv(name, value)

    anchor_at(remote, place).put(note(1))

    assert not (tmp_path / "ran").exists()
    monkeypatch.undo()
    assert git("log", "--format=%an", "main", at=remote).split() == ["compliance"]


@pytest.mark.parametrize(
    "url",
    [
        "--upload-pack=x",
        "ext::sh -c x",
        "http://example.org/x",
        "git://example.org/x",
        "https://u:secret@example.org/x",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Git.Settings.model_validate({"url": url})
    assert "secret" not in caught.value.errors(include_input=False, include_url=False)[0]["msg"]


def test_where_it_lies(remote: Path, place: Place, mount: Path) -> None:
    device = remote.stat().st_dev
    assert "same file system" in str(anchor_at(remote, place).same_machine(device))
    assert anchor_at(mount, place).same_machine(device) is None
    for url, same in (
        ("https://localhost/x.git", True), ("ssh://git@127.0.0.1/x.git", True), ("ssh://git@[::1]/x.git", True),
        ("https://git.example.org/x.git", False), ("git@git.example.org:x.git", False), ("file:///srv/x.git", True),
    ):  # fmt: skip
        assert bool(Git.of(Git.Settings.model_validate({"url": url}), place).same_machine(device)) is same, url
