"""The parts of the stack: each starts one real server below a folder, says when it is ready, and stops it."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NOBODY = 65534
DAEMONS = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the parts listen, on loopback. The defaults are those of compliance.toml."""

    https: int = 18443
    http: int = 18480
    gunicorn: int = 18401
    gunicorn_second: int = 18402
    postgres: int = 18432
    pgbouncer: int = 18433
    redis: int = 18479

    @classmethod
    def free(cls) -> Ports:
        """Ports that were free a moment ago, all different."""
        probes = [socket.socket() for _ in cls.__slots__]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        found = [int(probe.getsockname()[1]) for probe in probes]
        for probe in probes:
            probe.close()
        return cls(*found)


@dataclass(slots=True)
class Place:
    """Where a stack lives: its folder, its ports, and the secrets it was given, each also a file of its own."""

    folder: Path
    ports: Ports
    known: dict[str, str] = field(default_factory=dict)

    def secret(self, name: str) -> str:
        """The secret of that name; made at first use, in secrets/NAME with mode 0600."""
        path = self.folder / "secrets" / name
        if name not in self.known:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.touch(0o600)
                path.write_text(secrets.token_urlsafe(24))
            self.known[name] = path.read_text()
        return self.known[name]

    def part(self, name: str) -> Path:
        """The folder of a part, which belongs to the account that its server runs as."""
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        give(path)
        return path


def give(*paths: Path) -> None:
    """Make files those of the unprivileged account, where root runs this."""
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, NOBODY, NOBODY)


def unprivileged() -> dict[str, Any]:
    """What subprocess needs to start a program without the rights of root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def substitute(path: Path, old: str, new: str) -> None:
    """Replace words in a file. Raises ValueError where they are not there."""
    text = path.read_text()
    if old not in text:
        raise ValueError(f"{path.name} has no {old!r}")
    path.write_text(text.replace(old, new))


def program(name: str, package: str) -> str:
    """The path of a program. Raises RuntimeError, naming the package, where it is not installed."""
    found = shutil.which(name, path=DAEMONS)
    if found is None:
        raise RuntimeError(f"{name} is not installed: apt-get install {package}")
    return found


def start(
    arguments: list[str], log: Path, env: Mapping[str, str] | None = None, **options: Any
) -> subprocess.Popen[bytes]:
    """Start a server whose words go to `log`."""
    with log.open("ab") as out:
        return subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", start_new_session=True, umask=0o077,
            env={"PATH": DAEMONS, "LC_ALL": "C.UTF-8", **(env or {})}, **options,
        )  # fmt: skip


def run(arguments: list[str], env: Mapping[str, str] | None = None, **options: Any) -> str:
    """The output of a program that must succeed; what it says goes to no inherited pipe."""
    done = subprocess.run(
        arguments, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/",
        env={"PATH": DAEMONS, "LC_ALL": "C.UTF-8", **(env or {})}, **options,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{arguments[0]} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    return str(done.stdout)


def wait(ready: Callable[[], bool], what: str, log: Path, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until it is ready. Raises RuntimeError with the end of its log when it ends or takes over a minute."""
    until = time.monotonic() + 60
    while time.monotonic() < until and (process is None or process.poll() is None):
        if ready():
            return
        time.sleep(0.05)
    words = log.read_text(errors="replace")[-2000:] if log.exists() else ""
    raise RuntimeError(f"{what} is not ready:\n{words}")


def settled(*files: Path) -> None:
    """Wait until files are older than a second: that is how exactly a process's start is known."""
    while time.time() - max(file.stat().st_ctime for file in files) < 1.1:
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def stop(process: subprocess.Popen[bytes] | None) -> None:
    """End a server and wait for it."""
    if process is not None and process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
