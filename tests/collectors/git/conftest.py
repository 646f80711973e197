"""Real repositories, built by git itself in the test's own folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from compliance.collectors.git import Git, GitSettings
from compliance.schemas.messages import Complete, Context, Gap, Record

ROBIN = "Robin Roe <robin@example.org>"


@dataclass
class Repo:
    """A repository under construction."""

    path: Path
    signing_key: Path | None = None

    def git(self, *arguments: str, **environment: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            capture_output=True,
            text=True,
            check=True,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.path.parent),
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_NOSYSTEM": "1",
                **environment,
            },
        )
        return done.stdout.strip()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(
        self, files: Mapping[str, str | bytes], message: str = "change", author: str = ROBIN, **when: str
    ) -> str:
        """Commits these files and gives the commit's id; `when` is an ISO date for author and committer."""
        self.write(files)
        name, _, email = author.rstrip(">").partition(" <")
        self.git("add", "-A")
        date = when.get("when", "2026-11-01T12:00:00+00:00")
        sign = ["-S"] if when.get("sign") else ["--no-gpg-sign"]
        self.git(
            "-c",
            f"user.name={name}",
            "-c",
            f"user.email={email}",
            "commit",
            "--allow-empty",
            "-q",
            "-m",
            message,
            *sign,
            GIT_AUTHOR_DATE=date,
            GIT_COMMITTER_DATE=date,
        )
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Repo]:
    """Makes a repository called `name`."""
    if shutil.which("git") is None:
        pytest.fail("git is not installed")

    def build(name: str = "shop", *options: str) -> Repo:
        path = tmp_path / name
        path.mkdir(parents=True)
        repo = Repo(path)
        repo.git("init", "-q", "-b", "main", *options)
        return repo

    return build


@dataclass
class Seen:
    """What one collection said."""

    messages: list[Any]

    def rows(self, kind: str) -> list[Any]:
        return [m.evidence for m in self.messages if isinstance(m, Record) and m.evidence.kind == kind]

    def ending(self, kind: str) -> Complete | Gap:
        (found,) = [m for m in self.messages if isinstance(m, Complete | Gap) and m.kind == kind]
        return found

    def causes(self) -> set[str]:
        return {m.cause.value for m in self.messages if isinstance(m, Gap)}


def look(
    *paths: Path, kinds: set[str] | None = None, cursor: str | None = None, now: str = "2026-11-20", **settings: Any
) -> Seen:
    """Runs the collector on these paths."""
    context = Context(
        source="code",
        settings=GitSettings(paths=list(paths), **settings),
        clock=lambda: datetime.fromisoformat(now).replace(tzinfo=UTC),
        wanted=frozenset(kinds or {kind.kind for kind in Git.kinds}),
        timeout_s=60.0,
        cursors={"commit": cursor} if cursor else {},
    )
    return Seen(list(Git().collect(context)))
