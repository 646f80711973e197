"""pgBackRest on this machine, seen without a credential."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from compliance.collectors.pgbackrest.configuration import USUAL
from compliance.schemas.messages import Found


def discover(root: Path) -> Iterator[Found]:
    """One Found where a configuration lies in its usual place and sets up a stanza.

    Debian's package brings a file with a comment and an example stanza `main`; who cannot read it is told of it too.
    """
    for path in USUAL:
        file = root / str(path).lstrip("/")
        try:
            lines = [line.strip() for line in file.read_text("utf-8", "replace").splitlines()]
        except PermissionError:
            yield Found("pgbackrest", {}, f"{path} is there, and may not be read")
            return
        except OSError:
            continue
        stanzas = [line[1:-1] for line in lines if line.startswith("[") and line.endswith("]") and ":" not in line]
        if any(stanza != "global" for stanza in stanzas) and any(line.startswith("repo") for line in lines):
            yield Found("pgbackrest", {}, f"{path} sets up {', '.join(s for s in stanzas if s != 'global')}")
        return
