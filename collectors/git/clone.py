"""One clone: what it is, its tree, its files, and when they were last changed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from compliance.collectors.git.binary import Binary, Pipe
from compliance.collectors.git.redact import without_passwords
from compliance.schemas.errors import Absent, Denied, Malformed

_UNBORN = (0, 1, 128)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree; `name` is its path as text, undecodable bytes as escapes."""

    path: bytes
    blob: str
    size: int

    @property
    def name(self) -> str:
        return self.path.decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a clone says of itself. `tip` is the commit of the default branch, `head` the one checked out."""

    remote: str
    remotes: tuple[str, ...]
    default_branch: str | None
    tip: str | None
    head: str | None
    tip_at: datetime | None
    is_shallow: bool
    is_bare: bool
    filters: bool  # content filters are configured or used: a status would run foreign programs or be wrong


def clones(paths: Iterable[Path]) -> list[Path]:
    """The repositories that the settings name: each path, or the repositories directly below it.

    Raises:
        SourceError: a path is missing, cannot be read, or holds no repository.
    """
    found: list[Path] = []
    for path in paths:
        path = path.resolve()
        if is_repository(path):
            found.append(path)
            continue
        below = [child for child in folders(path) if is_repository(child)]
        if not below:
            raise Malformed(f"{path} is not a git repository and has none directly below it", remedy="correct paths")
        found += below
    return list(dict.fromkeys(found))


def is_repository(path: Path) -> bool:
    """`path` is the top of a work tree or a bare repository. Raises Absent or Denied when that cannot be told."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISDIR(mode):
            return False
        os.listdir(path)
        if (path / ".git").exists():
            inner = path / ".git"
            if inner.is_dir():
                for part in (inner, inner / "objects", inner / "refs"):
                    os.listdir(part)
                (inner / "HEAD").read_bytes()
            return True
        return all((path / part).exists() for part in ("HEAD", "objects", "refs"))
    except FileNotFoundError as error:
        raise Absent(f"{error.filename or path} does not exist", remedy="correct paths, or clone it there") from error
    except PermissionError as error:
        raise Denied(f"{error.filename or path} cannot be read", remedy="let the collecting account read it") from error


def folders(path: Path) -> list[Path]:
    """Folders directly below `path`, sorted, links left out."""
    try:
        with os.scandir(path) as entries:
            return sorted(Path(e.path) for e in entries if e.is_dir(follow_symlinks=False))
    except NotADirectoryError:
        return []


class Clone:
    """Reads one repository."""

    def __init__(self, git: Binary) -> None:
        self.git = git
        self.path = git.path

    def facts(self) -> Facts:
        """Remotes, branches, and what kind of clone it is."""
        git = self.git
        flags = git.text("rev-parse", "--is-bare-repository", "--is-shallow-repository").split()
        remotes = self._remotes()
        head = git.text("rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=_UNBORN) or None
        branch = self._default_branch()
        tip = head
        if branch is not None:
            for ref in (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}"):
                tip = git.text("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", ok=_UNBORN) or None
                if tip:
                    break
        at = git.text("log", "-1", "--no-show-signature", "--format=%ct", tip, "--") if tip else ""
        main = remotes.get("origin") or next(iter(remotes.values()), "")
        return Facts(
            remote=main,
            remotes=tuple(sorted(set(remotes.values()))),
            default_branch=branch,
            tip=tip,
            head=head,
            tip_at=moment(at),
            is_bare=flags[0] == "true",
            is_shallow=flags[1] == "true",
            filters=bool(git.text("config", "--get-regexp", r"^filter\.", ok=(0, 1))),
        )

    def uncommitted(self, facts: Facts) -> int | None:
        """Tracked files changed and not committed; None where a status cannot tell without running filters."""
        if facts.is_bare or facts.filters:
            return None
        arguments = (
            "status",
            "--porcelain=v1",
            "-z",
            "--no-renames",
            "--untracked-files=no",
            "--ignore-submodules=dirty",
        )
        return len([part for part in self.git.text(*arguments).split("\0") if part])

    def entries(self, commit: str) -> Iterator[Entry]:
        """Every file of a commit's tree. Links and submodules are no files."""
        with self.git.stream("ls-tree", "-r", "-z", "-l", "--full-tree", commit) as pipe:
            while (line := pipe.until(b"\0")) is not None:
                head, _, path = line.partition(b"\t")
                mode, kind, blob, size = head.split()
                if kind == b"blob" and mode != b"120000":
                    yield Entry(path, blob.decode(), int(size) if size.isdigit() else 0)

    def last_changed(self, commit: str, paths: Iterable[bytes]) -> dict[bytes, datetime]:
        """For each path the time of the last commit that touched it, in one walk that ends when all are found.

        In a shallow clone what the cut hides is left out: the oldest commit there seems to add everything.
        """
        wanted, found, cut = set(paths), dict[bytes, datetime](), self.boundary()
        if not wanted:
            return found
        arguments = ("log", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--name-only", "--diff-merges=off")
        at, hidden = None, False
        with self.git.stream(*arguments, "--format=%x01%H %ct", commit, "--") as pipe:
            while wanted and (piece := pipe.until(b"\0")) is not None:
                piece = piece.lstrip(b"\n")
                if piece.startswith(b"\x01"):
                    identity, _, seconds = piece[1:].decode().strip().partition(" ")
                    at, hidden = moment(seconds), identity in cut
                elif piece in wanted:
                    wanted.remove(piece)
                    if at is not None and not hidden:
                        found[piece] = at
        return found

    def boundary(self) -> frozenset[str]:
        """Commits whose parents a shallow clone lacks."""
        place = self.path / self.git.text("rev-parse", "--git-path", "shallow")
        try:
            return frozenset(place.read_text("ascii").split())
        except FileNotFoundError:
            return frozenset()
        except PermissionError as error:
            raise Denied(f"{place} cannot be read", remedy="let the collecting account read it") from error

    def line_times(self, commit: str, path: bytes, lines: Iterable[int]) -> dict[int, datetime]:
        """When each of these lines was committed, as far as the clone's history shows it."""
        ranges = [part for line in sorted(set(lines)) for part in ("-L", f"{line},{line}")]
        times: dict[int, datetime] = {}
        commits: dict[str, datetime] = {}
        cut = self.boundary()
        said = self.git.text(
            "blame", "--no-textconv", "--porcelain", *ranges, commit, "--", os.fsdecode(path), ok=(0, 128)
        )
        current, line = "", 0
        for row in said.splitlines():
            start = re.match(r"([0-9a-f]{40,64}) \d+ (\d+)", row)
            if start:
                current, line = start[1], int(start[2])
            elif row.startswith("committer-time "):
                commits[current] = datetime.fromtimestamp(int(row.split()[1]), UTC)
            elif row.startswith("\t") and current in commits and current not in cut:
                times[line] = commits[current]
        return times

    def _remotes(self) -> dict[str, str]:
        said = self.git.text("config", "--get-regexp", r"^remote\..*\.url$", ok=(0, 1))
        pairs = (line.partition(" ") for line in said.splitlines())
        return {key[len("remote.") : -len(".url")]: without_passwords(url) for key, _, url in pairs}

    def _default_branch(self) -> str | None:
        """What the main remote calls its default; else main or master; else the branch checked out."""
        git = self.git
        said = git.text("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD", ok=_UNBORN)
        if said:
            return said.removeprefix("origin/")
        for name in ("main", "master"):
            if git.text("rev-parse", "--verify", "--quiet", f"refs/heads/{name}", ok=_UNBORN):
                return name
        return git.text("symbolic-ref", "--quiet", "--short", "HEAD", ok=_UNBORN) or None


class Blobs:
    """Contents of files by their object id, through one git process."""

    def __init__(self, git: Binary) -> None:
        self._git = git
        self._pipe: Pipe | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pipe is not None:
            self._pipe.close()

    def read(self, identity: str) -> bytes:
        """The object's content. Raises Absent when a partial clone does not hold it."""
        if self._pipe is None:
            self._pipe = self._git.interactive("cat-file", "--batch")
        self._pipe.tell(identity.encode() + b"\n")
        head = (self._pipe.until(b"\n") or b"").split()
        if len(head) != 3:
            raise self._git.failure(f"object {identity} is missing: missing blob", 0)
        content = self._pipe.exactly(int(head[2]))
        self._pipe.exactly(1)
        return content


def moment(seconds: str) -> datetime | None:
    """Seconds since 1970 as a time; None for '' and for what no calendar holds."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None
