"""A git repository: one commit per checkpoint on one branch, pushed and never forced.

A clone in the state folder remembers how far the branch had come. A branch that no longer contains that commit was
rewritten by force: nothing is pushed to it until a person has looked, and the copies in the clone still count.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, field_validator

from compliance.anchors import files, remote
from compliance.anchors.gitrun import Runner
from compliance.anchors.interface import Anchor, AnchorSettings, Held, Kept, Place, Unread
from compliance.anchors.note import NAME, head, named, same
from compliance.schemas.errors import NotKept, SourceError
from compliance.schemas.secrets import SecretRef

_SEEN = "refs/anchor/seen"  # the newest commit of the branch that we saw there or pushed
_NOW = "refs/anchor/now"


class GitSettings(AnchorSettings):
    """A repository, by the path of a bare one or by address (https or ssh)."""

    url: str = Field(min_length=1, description="Path of a bare repository, https://… or ssh address.")
    branch: str = Field(default="main", pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$")
    folder: str = Field(default="", pattern=r"^([A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*)?$", description="Inside it.")
    user: str | None = Field(default=None, description="For https.")
    token: SecretRef | None = Field(default=None, description="For https.")
    ssh_key: Path | None = Field(default=None, description="Private key file for ssh; best a deploy key.")

    @field_validator("url")
    @classmethod
    def _no_secret_in_it(cls, url: str) -> str:
        if url.startswith(("-", "http://", "git://")) or re.match(r"[A-Za-z0-9+.-]+::", url):
            raise ValueError("give a path, https://… or an ssh address")
        if url.startswith("https://") and "@" in url.split("/")[2]:
            raise ValueError("no user or password in the address; use user and token")
        return url


class Git(Anchor):
    """A branch of a repository."""

    name: ClassVar[str] = "git"
    Settings: ClassVar[type[AnchorSettings]] = GitSettings

    def __init__(self, settings: GitSettings, place: Place) -> None:
        self._settings = settings
        self._local = None if remote.is_address(settings.url) else place.path(Path(settings.url))
        self._url = str(self._local or settings.url)
        key = place.path(settings.ssh_key) if settings.ssh_key else None
        self.clone = place.state / "clone.git"
        self._git = Runner(self.clone, settings.timeout_s, key, settings.user, settings.token, self._url)

    @classmethod
    def of(cls, settings: AnchorSettings, place: Place) -> Self:
        """The branch named in the settings."""
        assert isinstance(settings, GitSettings)
        return cls(settings, place)

    @property
    def where(self) -> str:
        """Address and branch."""
        return f"{self._url} ({self._settings.branch})"

    def put(self, note: str) -> None:
        """Commit the note on top of what the branch holds and push; a copy that is there must say the same."""
        seen, now = self._fetch()
        self._refuse_rewritten(seen, now)
        wanted = head(note)
        path = "/".join(filter(None, (self._settings.folder, wanted.name)))
        if now is not None and (old := self._blob(now, path)) is not None:
            same(old, note, f"{path} in {self.where}")
        else:
            now = self._commit(now, path, note, f"{wanted.size} entries of {wanted.origin}")
            self._git.run("push", "--porcelain", self._url, f"{now}:refs/heads/{self._settings.branch}", reach=True)
        self._git.run("update-ref", _SEEN, now)

    def notes(self) -> Held:
        """Every note that any commit of the branch ever held: one that a later commit removed is still in the history.

        After a forced rewrite also those of the commits that the clone remembers.
        """
        seen, now = self._fetch()
        rewritten = self._rewritten(seen, now)
        listed: dict[tuple[str, str], datetime] = {}
        for commit in filter(None, (seen if rewritten else None, now)):
            for path, blob, at in self._additions(commit):
                listed.setdefault((path, blob), at)
        kept: list[Kept] = []
        bad: list[Unread] = []
        contents = self._git.blobs(blob for _, blob in listed)
        for ((path, _), at), content in zip(listed.items(), contents, strict=True):
            where = f"{path} in {self.where}"
            try:
                kept.append(Kept(where, named(content, path.rpartition("/")[2]), at))
            except SourceError as error:
                bad.append(files.unread(where, error))
        if rewritten:
            bad.append(Unread(self.where, NotKept.cause, *_words(self.where, seen, self.clone)))
        elif now is not None:
            self._git.run("update-ref", _SEEN, now)
        current = self._paths(now) if now is not None and not rewritten else None
        gone = [] if current is None else sorted({path for path, _ in listed} - current)
        remarks = tuple(f"{path} was removed by a later commit; the history of {self.where} has it" for path in gone)
        return Held(tuple(kept), tuple(bad), remarks)

    def same_machine(self, device: int | None) -> str | None:
        """A path on the ledger's file system, or an address that is this machine, shares the ledger's fate."""
        if self._local is not None:
            return files.shared(self._local, device, str(self._local))
        return remote.loopback(self._url)

    # -- the repository ------------------------------------------------------------------------------------------------

    def _fetch(self) -> tuple[str | None, str | None]:
        """The commit seen last, and the branch's commit now; None for a branch that does not exist."""
        if not (self.clone / "HEAD").exists():
            self.clone.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._git.run("init", "--bare", "--quiet", "--initial-branch=none", str(self.clone), inside=False)
        branch = f"refs/heads/{self._settings.branch}"
        there = self._git.run("ls-remote", self._url, branch, reach=True).split()
        if there:
            self._git.run("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self._url,
                          f"+{branch}:{_NOW}", reach=True)  # fmt: skip
            now: str | None = self._git.run("rev-parse", _NOW).strip()
        else:
            now = None
        return self._git.maybe("rev-parse", "--verify", "--quiet", _SEEN), now

    def _rewritten(self, seen: str | None, now: str | None) -> bool:
        if seen is None:
            return False
        return now is None or self._git.maybe("merge-base", "--is-ancestor", seen, now) is None

    def _refuse_rewritten(self, seen: str | None, now: str | None) -> None:
        if self._rewritten(seen, now):
            message, remedy = _words(self.where, seen, self.clone)
            raise NotKept(message, remedy=remedy)

    def _commit(self, parent: str | None, path: str, note: str, message: str) -> str:
        blob = self._git.run("hash-object", "-w", "--stdin", given=note.encode()).strip()
        index = self.clone / f"index.{os.getpid()}"
        index.unlink(missing_ok=True)
        extra = {"GIT_INDEX_FILE": str(index)}
        try:
            if parent is not None:
                self._git.run("read-tree", parent, extra=extra)
            self._git.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", extra=extra)
            tree = self._git.run("write-tree", extra=extra).strip()
        finally:
            index.unlink(missing_ok=True)
        before = ("-p", parent) if parent is not None else ()
        return self._git.run("commit-tree", tree, *before, "-m", message).strip()

    def _blob(self, commit: str, path: str) -> bytes | None:
        listed = self._git.run("ls-tree", "-z", commit, "--", path)
        return self._git.raw("cat-file", "blob", listed.split()[2]) if listed else None

    def _paths(self, commit: str) -> set[str]:
        return set(self._git.run("ls-tree", "-r", "-z", "--name-only", commit).split("\0"))

    def _additions(self, commit: str) -> list[tuple[str, str, datetime]]:
        """(path, blob, commit time) of every copy that a commit added or changed, oldest first."""
        how = ("--reverse", "-m", "--first-parent", "--root", "--raw", "--no-abbrev", "--no-renames", "-z")
        listed = self._git.run("log", *how, "--format=tformat:@%ct", "--diff-filter=AMT", commit)
        found: list[tuple[str, str, datetime]] = []
        at = datetime.fromtimestamp(0, UTC)
        fields = iter(field.lstrip("\n") for field in listed.split("\0"))
        for field in fields:
            if field.startswith("@"):
                at = datetime.fromtimestamp(int(field[1:]), UTC)
            elif field.startswith(":"):
                path = next(fields)
                inside, _, name = path.rpartition("/")
                if inside == self._settings.folder and NAME.fullmatch(name):
                    found.append((path, field.split(" ")[3], at))
        return found


def _words(where: str, seen: str | None, clone: Path) -> tuple[str, str]:
    return (
        f"the history of {where} was rewritten by force: it no longer contains commit {seen}",
        f"keep {clone}, find out who did it, forbid forced pushes; then move that folder aside to go on from there",
    )
