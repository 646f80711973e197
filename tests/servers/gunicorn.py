"""A real gunicorn in a temporary folder: on a random loopback port, as an account without rights where the tests have
any to give up.

gunicorn and the one library it needs are copied to that folder, and a Python that everybody may run is taken, because
an interpreter in somebody's home cannot be run by another account.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

NOBODY = 65534
SECRET = "planted-secret-7d41ae"
APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
GOOD = """
workers = 3
bind = "127.0.0.1:@PORT@"
control_socket = "@D@/ctl"
timeout = 30
max_requests = 1000
accesslog = "@D@/access.log"
raw_env = ["TOKEN=@SECRET@"]
"""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def python() -> str:
    """An interpreter that an account without rights may run; skips, saying so, where there is none."""
    for name in (sys.executable, "/usr/bin/python3"):
        path = Path(name).resolve()
        if path.exists() and (os.geteuid() != 0 or all(p.stat().st_mode & 0o001 for p in (path, *path.parents))):
            version = subprocess.run(
                [path, "-c", "import sys; print(sys.version_info >= (3, 10))"], capture_output=True, check=False
            )
            if version.stdout.strip() == b"True":
                return str(path)
    pytest.skip("no Python 3.10 or newer that every account may run (apt: python3)")


class GunicornServer:
    """A running server. `config` is its file (None: without one), `arguments` come before the application's name."""

    def __init__(
        self,
        config: str | None = GOOD,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        workers: int = 3,
        as_root: bool = False,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gunicorn-", dir="/tmp"))  # a socket path has 107 bytes at most
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.path = self.folder / "conf.py"
        self.workers = workers
        self._config = config
        self._arguments = arguments
        self._environment = dict(environment or {})
        self._as_root = as_root
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start it and wait until all its workers are there."""
        drop = os.geteuid() == 0 and not self._as_root
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [python(), "-m", "gunicorn", *map(self.fill, self._arguments), "app:app"],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(self.folder / "lib"), "HOME": str(self.folder)}
                | {name: self.fill(value) for name, value in self._environment.items()},
                **({"user": NOBODY, "group": NOBODY, "extra_groups": []} if drop else {}),
            )
        self.settle(self.workers)
        if "control_socket" in (self._config or ""):
            self.until(lambda: "Control socket listening" in self.log())

    def stop(self) -> None:
        """End it with its workers; nothing happens when it does not run."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    @property
    def pid(self) -> int:
        """The master."""
        assert self.process is not None
        return self.process.pid

    def children(self) -> list[int]:
        """What the master started, by the kernel's own list."""
        return [int(word) for word in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def settle(self, workers: int) -> None:
        """Wait until so many workers say that they booted and are alive."""
        self.until(lambda: sum(f"[{pid}] [INFO] Booting" in self.log() for pid in self.children()) == workers)

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that will come; an error with the server's log if it does not."""
        for _ in range(3000):
            assert self.process is not None
            if self.process.poll() is not None:
                break
            if holds():
                return
            time.sleep(0.01)
        raise RuntimeError(f"gunicorn did not come to it:\n{self.log()}")

    def log(self) -> str:
        """What it wrote so far."""
        return (self.folder / "log").read_text()

    def fill(self, text: str) -> str:
        """`text` with this server's port and folder."""
        for name, value in (("PORT", str(self.port)), ("D", str(self.folder)), ("SECRET", SECRET)):
            text = text.replace(f"@{name}@", value)
        return text

    def _prepare(self) -> None:
        lib = self.folder / "lib"
        for name in ("gunicorn", "packaging"):
            found = importlib.util.find_spec(name)
            assert found is not None
            assert found.submodule_search_locations is not None
            place = found.submodule_search_locations[0]
            shutil.copytree(place, lib / name, ignore=shutil.ignore_patterns("__pycache__"))
        (self.folder / "app.py").write_text(APP)
        if self._config is not None:
            self.path.write_text(self.fill(self._config))
            self._arguments = ("-c", str(self.path), *self._arguments)
        self.folder.chmod(0o755)
        if os.geteuid() == 0:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
