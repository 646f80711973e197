"""Runs the real command in a folder of its own, as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "compliance")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout, which must be JSON and nothing else."""
        return json.loads(self.out)

    @property
    def words(self) -> str:
        """Both streams, for a search of what must appear nowhere."""
        return self.out + self.err


@dataclass(frozen=True)
class Place:
    """A folder with its own keys and lock store. `extra` are variables of its environment."""

    folder: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Where keys and lock store lie."""
        return self.folder.parent / f"{self.folder.name}-home"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command here."""
        kept = {
            name: os.environ[name]
            for name in ("PATH", "LANG", "TMPDIR", "COVERAGE_PROCESS_START")
            if name in os.environ
        }
        own = {f"XDG_{name}_HOME": str(self.home / name.lower()) for name in ("CONFIG", "STATE", "DATA", "CACHE")}
        return {**kept, "PYTHONPATH": str(ROOT), "HOME": str(self.home), **own, **self.extra}

    @property
    def ledger(self) -> Path:
        """The ledger that commands make here."""
        return self.folder / "compliance.duckdb"

    def run(self, *arguments: str, timeout: float = 120, **options: Any) -> Done:
        """Run `compliance` with these arguments until it ends."""
        done = subprocess.run(
            [*COMMAND, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=timeout, check=False, **options,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `compliance` and go on."""
        return subprocess.Popen(
            [*COMMAND, *arguments], cwd=self.folder, env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def configure(self, text: str) -> Place:
        """Write the configuration; gives the place."""
        (self.folder / "compliance.toml").write_text(text)
        return self

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement on the ledger file by hand, past the engine."""
        with duckdb.connect(str(self.ledger)) as connection:
            return connection.execute(statement).fetchall()

    def names(self) -> set[str]:
        """What lies in the folder."""
        return {entry.name for entry in self.folder.iterdir()}


def place_below(folder: Path, **extra: str) -> Place:
    """A new place below `folder`."""
    (folder / "work").mkdir(parents=True)
    return Place(folder / "work", extra)


def repository(folder: Path) -> Path:
    """A git clone with one commit and a secret in it."""
    folder.mkdir()
    (folder / "app.py").write_text('AWS = "AKIAIOSFODNN7EXAMPLQ"\n')
    author = ("-c", "user.name=Ana", "-c", "user.email=ana@example.com", "-c", "commit.gpgsign=false")
    for arguments in (("init", "-q", "-b", "main", "."), ("add", "."), (*author, "commit", "-q", "-m", "first")):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
    return folder


def code_source(clone: Path) -> str:
    """The configuration that reads a clone."""
    return f'[sources.code]\ncollector = "git"\npaths = ["{clone}"]\n'


def filled(folder: Path) -> Path:
    """A file that takes what space there is."""
    rest = folder / "rest"
    with rest.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass
    return rest
