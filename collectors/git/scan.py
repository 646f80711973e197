"""The near side of the secret scanner: hands files over, ends the scanner when it takes too long."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

from compliance.collectors.git.binary import Binary, Pipe
from compliance.schemas.errors import Denied, Malformed

SCANNER = f"detect-secrets {version('detect-secrets')}"
MAX_BYTES = 1 << 20  # a larger file is generated or data; it is counted as skipped


class Scanner:
    """detect-secrets in a process of its own, without network and without a trace of values."""

    def __init__(self, git: Binary) -> None:
        self._git = git
        self._folder = tempfile.TemporaryDirectory(prefix="scan-")
        environment = {"PATH": os.defpath, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", "no_proxy": "*"}
        paths = os.pathsep.join(path for path in sys.path if path)  # where this program finds detect-secrets
        try:
            process = subprocess.Popen(  # noqa: S603 -- our own script with our own interpreter
                [sys.executable, "-P", str(Path(__file__).with_name("scanner.py")), self._folder.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a traceback there could repeat a line of the file
                env={**environment, "PYTHONPATH": paths},
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            self._folder.cleanup()
            raise Denied(
                f"the secret scanner cannot be started: {error}",
                remedy="let the collecting account run the Python interpreter that runs this program",
            ) from error
        self._pipe = Pipe(process, git, "the secret scanner")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pipe.close()
        self._folder.cleanup()

    def look(self, name: str, content: bytes) -> list[tuple[int, str, bool]] | None:
        """Line, type and allow-list flag of what looks like a secret; None when the file was not looked at.

        Raises:
            TimedOut: the scanner took longer than the time-out on this file.
            Malformed: the scanner ended.
        """
        self._pipe.tell(json.dumps({"name": name, "size": len(content)}).encode() + b"\n" + content)
        line = self._pipe.until(b"\n")
        if line is None:
            raise Malformed(
                f"the secret scanner ended while it looked at {name} in {self._git.path}",
                remedy="install detect-secrets with this program; if it is there, report the file's type",
            )
        answer = json.loads(line)
        if "skipped" in answer:
            return None
        return [(int(number), str(kind), bool(allowed)) for number, kind, allowed in answer["found"]]
