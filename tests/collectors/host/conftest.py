"""A prepared tree with a scripted command runner, and collections in a process of their own: another user, another
network or mount namespace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from compliance.collectors.host.machine import Machine, Reply
from compliance.schemas.errors import Absent

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
Collect = Callable[..., dict[str, Any]]


@pytest.fixture
def replies() -> Path:
    """Recorded replies of real commands."""
    return HERE / "replies"


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Machine]:
    """Makes a machine from files below a folder of the test and from scripted replies; other commands are absent."""

    def make(files: Mapping[str, str], commands: Mapping[str, Reply] | None = None) -> Machine:
        root = tmp_path / "tree"
        root.mkdir(exist_ok=True)
        for path, text in files.items():
            place = root / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)

        def run(argv: tuple[str, ...], timeout_s: float) -> Reply:
            if (reply := (commands or {}).get(" ".join(argv))) is None:
                raise Absent(f"{argv[0]} is not installed", remedy="install it")
            return reply

        return Machine(root=root, timeout_s=5, runner=run)

    return make


@pytest.fixture
def collect() -> Collect:
    """Runs the collector in a process of its own and gives {kind: {rows, outcome, …}}.

    `before` is shell run first inside the new namespaces named by `unshare`; `nobody` gives up all rights after the
    imports, as far as the tests have any. `checkout` is where `before` made this repository readable for all.
    """

    def run(
        *kinds: str,
        before: str = "",
        unshare: str = "",
        nobody: bool = False,
        after: str = "",
        checkout: Path = REPOSITORY,
    ) -> dict[str, Any]:
        script = [sys.executable, str(HERE / "collecting.py"), "nobody" if nobody else "same", *kinds]
        script = [word.replace(f"{REPOSITORY}/", f"{checkout}/", 1) for word in script]
        argv = script
        if unshare:
            argv = ["unshare", *unshare.split(), "sh", "-ec", f'{before}\n"$@"\n{after}', "sh", *script]
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"  # nft and chronyd, for an ordinary user too
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(checkout)}
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run
