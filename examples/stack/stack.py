"""The whole stack, in the order in which its parts need each other."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from examples.stack.parts import Place, Ports
from examples.stack.parts.authority import Authority
from examples.stack.parts.backups import Backups
from examples.stack.parts.postgres import PgBouncer, Postgres
from examples.stack.parts.redis import Redis
from examples.stack.parts.school import School
from examples.stack.parts.standby import Standby
from examples.stack.parts.web import Gunicorn, Nginx

HERE = Path(__file__).parent


class Stack:
    """A running stack below `home/run`; `home/compliance.toml` audits it. A context manager."""

    def __init__(self, home: Path, ports: Ports | None = None) -> None:
        self.home, self.ports = home.resolve(), ports or Ports()
        folder = self.home / "run"
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        place = Place(folder, self.ports)
        self.authority = Authority(folder)
        self.postgres = Postgres(place, self.authority)
        self.backups = Backups(place, self.postgres)
        self.standby = Standby(self.postgres, self.authority)
        self.pgbouncer = PgBouncer(place, self.authority)
        self.redis = Redis(place, self.authority)
        self.school = School(place, self.authority, self.postgres)
        environment = self.school.environment
        self.gunicorn = Gunicorn(place, "gunicorn", self.ports.gunicorn, environment)
        self.second = Gunicorn(place, "gunicorn-second", self.ports.gunicorn_second, environment)
        self.nginx = Nginx(place, self.authority)
        self.place = place

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def parts(self) -> dict[str, Postgres | Standby | PgBouncer | Redis | Gunicorn | Nginx]:
        """What can be taken down, by name."""
        return {
            "postgres": self.postgres,
            "standby": self.standby,
            "pgbouncer": self.pgbouncer,
            "redis": self.redis,
            "gunicorn": self.gunicorn,
            "gunicorn-second": self.second,
            "nginx": self.nginx,
        }

    def start(self) -> None:
        """Start everything, and write compliance.toml where it is not ours already."""
        for name in ("reader", "replicator", "stats", "redis-reader"):
            self.place.secret(name)
        self.configure()
        for part in (self.postgres, self.pgbouncer, self.redis):
            part.start()
        self.school.prepare()
        self.backups.prepare()
        self.standby.start()
        for web in (self.gunicorn, self.second, self.nginx):
            web.start()

    def stop(self) -> None:
        """Stop everything, the last started first."""
        for part in reversed(self.parts.values()):
            part.stop()

    def configure(self) -> None:
        """Write compliance.toml for these ports."""
        text = (HERE / "compliance.toml").read_text()
        for name in Ports.__slots__:
            text = text.replace(str(getattr(Ports(), name)), str(getattr(self.ports, name)))
        if self.home != HERE:
            (self.home / "compliance.toml").write_text(text)
            (self.home / "roles.yaml").write_text((HERE / "roles.yaml").read_text())
