"""pgBackRest over the PostgreSQL of the stack: an encrypted repository with one full backup."""

from __future__ import annotations

from pathlib import Path

from examples.stack import parts
from examples.stack.parts import Place
from examples.stack.parts.postgres import Postgres

STANZA = "school"


class Backups:
    """A repository and what fills it. It is no server: it is read where it lies."""

    def __init__(self, place: Place, postgres: Postgres) -> None:
        self.place, self.postgres = place, postgres
        self.folder = place.part("backups")
        self.repository = self.folder / "repository"
        self.configuration = self.folder / "pgbackrest.conf"
        place.secret("backup-cipher")

    @property
    def archive(self) -> Path:
        """Where the segments lie."""
        return next((self.repository / "archive" / STANZA).glob("*-1")) / "0000000100000000"

    def prepare(self) -> None:
        """Set the stanza up and make the first backup, once."""
        if self.configuration.exists():
            return
        for name in ("repository", "lock"):
            self.place.part(f"backups/{name}").chmod(0o750)
        password = self.folder / ".pgpass"
        password.touch(0o600)
        password.write_text(f"*:*:*:postgres:{self.place.secret('postgres')}\n")
        self.configuration.touch(0o640)
        self.configuration.write_text(f"""\
[global]
repo1-path={self.repository}
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass={self.place.secret("backup-cipher")}
repo1-retention-full=2
lock-path={self.folder}/lock
start-fast=y
compress-type=gz
compress-level=1

[{STANZA}]
pg1-path={self.postgres.data}
pg1-port={self.place.ports.postgres}
pg1-socket-path={self.postgres.folder}
pg1-user=postgres
""")
        parts.give(password, self.configuration)
        self.run("stanza-create")
        self.backup()

    def backup(self) -> None:
        """A full backup."""
        self.run("--type=full", "backup")

    def run(self, *arguments: str) -> str:
        """The output of a command of pgbackrest."""
        return parts.run(
            [parts.program("pgbackrest", "pgbackrest"), f"--config={self.configuration}", f"--stanza={STANZA}",
             "--log-level-file=off", *arguments],
            {"HOME": str(self.folder)}, **parts.unprivileged(),
        )  # fmt: skip
