"""Commits of the default branch, oldest first, and what their signatures are worth.

The position between two collections is JSON: for each repository the commit that was the tip when all before it had
been recorded, and, inside a long history, how many commits towards a named new tip are already recorded. A commit
graph never changes below a tip, so the same walk gives the same order again.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from compliance.collectors.git.binary import Binary
from compliance.collectors.git.clone import Blobs, moment
from compliance.schemas.errors import Malformed

BATCH = 1000  # commits between two marks
SIGNATURES_FOR = timedelta(days=400)  # each check starts a program: older signatures stay unread (NULL)
_STATES = {
    "G": "good",
    "B": "bad",
    "U": "untrusted",
    "X": "expired",
    "Y": "expired",
    "R": "revoked",
    "E": "unknown_key",
}
_FIELDS = ("%H", "%ct", "%at", "%ae", "%an", "%ce", "%P")
_TRAILERS = "%(trailers:key=Reviewed-by,key=Approved-by,key=Acked-by,valueonly,unfold,separator=%x01)"
_ADDRESS = re.compile(r"<([^<>]*)>")


@dataclass(frozen=True, slots=True)
class Change:
    """One commit as read; `signature` is None when it could not or was not checked, "none" when there is none."""

    commit: str
    committed_at: datetime
    authored_at: datetime | None
    author_email: str
    author_name: str
    committer_email: str
    parents: int
    reviewers: tuple[str, ...]
    touches_iac: bool
    files: int
    signature: str | None = None

    @property
    def reviewed_by_other(self) -> bool:
        """A trailer names somebody who has neither the author's address nor the author's name."""
        author = {_plain(self.author_email), _plain(self.author_name)} - {""}
        return any(author.isdisjoint(_names(reviewer)) for reviewer in self.reviewers if _names(reviewer))


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where one repository's commits are recorded."""

    tip: str | None = None
    towards: str | None = None
    done: int = 0


def read_cursor(cursor: str | None) -> dict[str, Position]:
    """Positions by repository. Raises Malformed for text that is no cursor of ours."""
    if not cursor:
        return {}
    try:
        return {name: Position(**fields) for name, fields in json.loads(cursor).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise Malformed("the stored position of the commits cannot be read", remedy="report it") from error


def write_cursor(positions: dict[str, Position]) -> str:
    """The inverse of `read_cursor`."""
    plain = {
        name: {k: v for k, v in (("tip", p.tip), ("towards", p.towards), ("done", p.done)) if v}
        for name, p in sorted(positions.items())
    }
    return json.dumps(plain, separators=(",", ":"), sort_keys=True)


class History:
    """The walk over one repository's default branch."""

    def __init__(self, git: Binary, is_iac: Callable[[str], bool]) -> None:
        self._git = git
        self._is_iac = is_iac

    def count(self, span: Sequence[str]) -> int:
        """Commits in a span, counted by git itself."""
        return int(self._git.text("rev-list", "--count", *span, "--"))

    def span(self, tip: str, position: Position) -> tuple[list[str], int, bool]:
        """What to walk for what is new, how much of it is done already, and whether history was rewritten.

        When the former tip is no ancestor any more but still in the clone, what it reaches is left out as before;
        when it is gone, everything is read again.
        """
        target = position.towards or tip
        rewritten = False
        if position.towards and not self._has(position.towards):
            position, target, rewritten = Position(position.tip), tip, True
        span = [target]
        if position.tip is not None:
            known = self._has(position.tip)
            ancestor = known and self._is_ancestor(position.tip, target)
            rewritten = rewritten or not ancestor
            if known:
                span.append(f"^{position.tip}")
        return span, position.done if position.towards else 0, rewritten

    def changes(self, span: Sequence[str], skip: int) -> Iterator[Change]:
        """Commits of a span, parents before children, the first `skip` left out; signatures not yet looked at."""
        arguments = (
            "log",
            "--reverse",
            "--topo-order",
            "--name-only",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--no-show-signature",
            "--diff-merges=first-parent",
            "--encoding=UTF-8",
            "--format=%x00" + "%x00".join((*_FIELDS, _TRAILERS)),
            *span,
            "--",
        )
        change: Change | None = None
        with self._git.stream(*arguments) as pipe:
            while (line := pipe.until(b"\n")) is not None:
                text = line.decode("utf-8", "replace")
                if text.startswith("\0"):
                    if change is not None and (skip := skip - 1) < 0:
                        yield change
                    change = _change(text)
                elif text and change is not None:
                    iac = change.touches_iac or self._is_iac(text.strip('"'))
                    change = replace(change, files=change.files + 1, touches_iac=iac)
        if change is not None and skip - 1 < 0:
            yield change

    def with_signatures(self, changes: Sequence[Change], since: datetime) -> list[Change]:
        """The same commits with what git says of their signatures; those before `since` are not checked (None)."""
        with Blobs(self._git) as blobs:
            signed = {c.commit for c in changes if _is_signed(blobs.read(c.commit))}
        to_check = [c.commit for c in changes if c.commit in signed and c.committed_at >= since]
        states = self._states(to_check)
        return [replace(c, signature=states.get(c.commit) if c.commit in signed else "none") for c in changes]

    def signed_permille(self, tip: str, since: datetime) -> int | None:
        """Commits since then with a good signature, per thousand.

        None without commits, and when no signature is good while some could not be judged for want of keys.
        """
        arguments = ("rev-list", f"--since={int(since.timestamp())}", tip, "--")
        recent = self._git.text(*arguments).split()
        if not recent:
            return None
        with Blobs(self._git) as blobs:
            signed = [commit for commit in recent if _is_signed(blobs.read(commit))]
        states = self._states(signed)
        good = sum(1 for commit in signed if states.get(commit) == "good")
        unjudged = [commit for commit in signed if states.get(commit) in (None, "unknown_key", "untrusted")]
        if good == 0 and unjudged:
            return None
        return good * 1000 // len(recent)

    def _states(self, commits: Iterable[str]) -> dict[str, str]:
        """Signature states of signed commits; those that no checker is installed for are left out."""
        found: dict[str, str] = {}
        waiting = list(commits)
        for start in range(0, len(waiting), 100):
            given = "\n".join(waiting[start : start + 100]).encode()
            with self._git.stream("log", "--no-walk=unsorted", "--format=%H %G?", "--stdin", give=given) as pipe:
                for line in pipe.rest().decode().splitlines():
                    commit, _, letter = line.partition(" ")
                    if letter in _STATES:  # N on a signed commit: git could not start the checker
                        found[commit] = _STATES[letter]
        return found

    def _has(self, commit: str) -> bool:
        said = self._git.text("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}", ok=(0, 1, 128))
        return bool(said)

    def _is_ancestor(self, old: str, new: str) -> bool:
        return self._git.text("rev-list", "--max-count=1", old, f"^{new}", "--") == ""


def checkers_missing() -> list[str]:
    """Programs that check signatures and are not installed."""
    return [name for name in ("gpg", "ssh-keygen") if shutil.which(name) is None]


def _change(text: str) -> Change:
    parts = text[1:].split("\0")
    commit, committed, authored, author_email, author_name, committer_email, parents, trailers = parts
    at = moment(committed)
    if at is None:
        raise Malformed(f"commit {commit} has no readable time", remedy="run `git fsck` on the clone")
    return Change(
        commit=commit,
        committed_at=at,
        authored_at=moment(authored),
        author_email=author_email,
        author_name=author_name,
        committer_email=committer_email,
        parents=len(parents.split()),
        reviewers=tuple(trailer.strip() for trailer in trailers.split("\x01") if trailer.strip()),
        touches_iac=False,
        files=0,
    )


def _names(trailer: str) -> set[str]:
    """What `Name <address>` calls a person, as two spellings of it compare."""
    address = _ADDRESS.search(trailer)
    return {_plain(_ADDRESS.sub("", trailer)), _plain(address[1] if address else "")} - {""}


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _is_signed(raw: bytes) -> bool:
    """The commit object has a signature header (SHA-1 or SHA-256 repositories)."""
    head = raw.partition(b"\n\n")[0]
    return any(line.startswith((b"gpgsig ", b"gpgsig-sha256 ")) for line in head.split(b"\n"))
