"""A second PostgreSQL that follows the first: it streams over TLS and keeps a slot there."""

from __future__ import annotations

from examples.stack import parts
from examples.stack.parts.authority import Authority
from examples.stack.parts.postgres import Postgres

SLOT = "second"


class Standby:
    """A running standby. It listens on a socket in its own folder only."""

    def __init__(self, primary: Postgres, authority: Authority) -> None:
        self.primary, self.place, self.authority = primary, primary.place, authority
        self.folder = self.place.part("standby")
        self.data = self.folder / "data"
        self.log = self.folder / "log"

    def start(self) -> None:
        """Start it, as a copy of the first the first time, and wait until it follows."""
        if not self.data.exists():
            self._create()
        # its own folder for sockets keeps the two apart on one port
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c wal_retrieve_retry_interval=200ms"
        self.primary.run("pg_ctl", "-w", "-t", "60", "-D", str(self.data), "-l", str(self.log), "-o", options, "start")
        parts.wait(self.in_step, "the standby", self.log)

    def stop(self) -> None:
        """Stop it at once; nothing happens when it does not run."""
        if (self.data / "postmaster.pid").exists():
            self.primary.run("pg_ctl", "-w", "-m", "immediate", "-D", str(self.data), "stop")

    def sql(self, *statements: str) -> None:
        """Run statements as administrator, on the standby."""
        with self.primary.session(folder=self.folder) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def in_step(self) -> bool:
        """Whether it has applied all that the first has written."""
        with self.primary.session() as connection:
            row = connection.execute(
                "SELECT state = 'streaming' AND replay_lsn >= pg_current_wal_lsn() FROM pg_stat_replication"
            ).fetchone()
        return row == (True,)

    def _create(self) -> None:
        passwords = self.folder / "passwords"
        passwords.touch(0o600)
        passwords.write_text(f"*:*:*:replicator:{self.place.secret('replicator')}\n")
        parts.give(passwords)
        where = (
            f"host=127.0.0.1 port={self.place.ports.postgres} user=replicator passfile={passwords}"
            f" sslmode=verify-full sslrootcert={self.authority.file} application_name=second"
        )
        self.primary.run(
            "pg_basebackup", "-d", where, "-D", str(self.data), "-c", "fast", "-R", "-C", "-S", SLOT, "-X", "stream"
        )
