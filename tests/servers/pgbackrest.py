"""A real pgBackRest over a real PostgreSQL, with an encrypted repository in a temporary folder.

`with PgBackRestRepository(server) as repository:` sets the stanza `main` up and makes a full backup. Everything belongs
to the account of the server, and its group may read: `reader` are the words that make a command one of another account
of that group, with no other right.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.postgres import ADMIN_PASSWORD, NOBODY, PostgresServer

CIPHER = "planted-cipher-5c0a17"
STANZA = "main"
_STRANGER = NOBODY - 1


def available() -> bool:
    """Whether the program is installed."""
    return shutil.which("pgbackrest") is not None


class PgBackRestRepository:
    """A stanza with a repository. `config` is its configuration, `folder` the repository."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._base = Path(tempfile.mkdtemp(prefix="pgb-", dir="/tmp"))
        self.folder, self.config = self._base / "repository", self._base / "pgbackrest.conf"

    @property
    def archive(self) -> Path:
        """Where the segments lie."""
        return next((self.folder / "archive" / STANZA).glob("*-1")) / "0000000100000000"

    @property
    def backups(self) -> Path:
        """Where the backups lie."""
        return self.folder / "backup" / STANZA

    def __enter__(self) -> Self:
        try:
            self._base.chmod(0o755)
            for path in (self.folder, self._base / "lock", self._base / "home"):
                path.mkdir(mode=0o750)
                self._own(path)
            self.configure()
            password = self._base / "home/.pgpass"
            password.touch(0o600)
            password.write_text(f"*:*:*:{self.server.admin}:{ADMIN_PASSWORD}\n")
            self._own(password)
            self.run("stanza-create")
            self.server.configure({"archive_command": self.archive_command})
            self.run("--type=full", "backup")
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    @property
    def archive_command(self) -> str:
        """What PostgreSQL must run for each segment."""
        return f"pgbackrest --config={self.config} --stanza={STANZA} --log-level-file=off archive-push %p"

    def configure(self, more: str = "", cipher: str = f"aes-256-cbc\nrepo1-cipher-pass={CIPHER}") -> None:
        """Write the configuration; `more` are further global lines."""
        self.config.write_text(
            f"[global]\nrepo1-path={self.folder}\nrepo1-cipher-type={cipher}\nrepo1-retention-full=4\n"
            f"lock-path={self._base}/lock\nstart-fast=y\ncompress-type=gz\ncompress-level=1\n{more}"
            f"[{STANZA}]\npg1-path={self.server.data}\npg1-port={self.server.port}\n"
            f"pg1-socket-path={self.server.data}\npg1-user={self.server.admin}\n"
        )
        self.config.chmod(0o640)
        if os.geteuid() == 0:
            os.chown(self.config, NOBODY, NOBODY)

    def run(self, *arguments: str) -> str:
        """The output of a command of pgbackrest, as the account of the server."""
        done = subprocess.run(
            ["pgbackrest", f"--config={self.config}", f"--stanza={STANZA}", "--log-level-file=off", *arguments],
            check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(self._base / "home")},
            **({"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}),
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"pgbackrest {arguments} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def write_log(self, segments: int = 1) -> None:
        """Make PostgreSQL finish segments, and wait until they are archived."""
        for _ in range(segments):
            self.server.sql("SELECT pg_logical_emit_message(true, 'test', 'x')", "SELECT pg_switch_wal()")
        self.settle()

    def settle(self) -> None:
        """Wait until nothing waits to be archived."""
        waiting = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
        until = time.monotonic() + 60
        with self.server.session() as session:
            while session.execute(waiting).fetchone() != (0,):
                if time.monotonic() > until:
                    raise RuntimeError(f"not archived within a minute:\n{self.server.words()}")
                time.sleep(0.05)

    def segments(self) -> list[Path]:
        """The segments in the archive, oldest first."""
        return sorted(path for path in self.archive.iterdir() if "-" in path.name)

    def reader(self, *, in_group: bool = True) -> list[str]:
        """Words before a command that make it one of an account which is at most in the group of the repository."""
        if os.geteuid() != 0:
            return []
        groups = ["--groups", str(NOBODY)] if in_group else ["--clear-groups"]
        return ["setpriv", "--reuid", str(_STRANGER), "--regid", str(_STRANGER), *groups, "--"]

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)

    def _remove(self) -> None:
        shutil.rmtree(self._base, ignore_errors=True)
