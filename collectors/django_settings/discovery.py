"""Django projects that run on this machine, seen without a credential and without running anything of theirs."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterator
from pathlib import Path

from compliance.schemas.messages import Found

_VARIABLE = "DJANGO_SETTINGS_MODULE"
_SERVERS = re.compile(r"(gunicorn|uvicorn|uwsgi|daphne|hypercorn|granian|waitress-serve|manage\.py|celery)\b")
_DEFAULT = re.compile(rb"""setdefault\(\s*["']DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']""")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\Z")


def discover(root: Path) -> Iterator[Found]:
    """One Found per project whose server runs, whose folder has a manage.py, and whose Python has our application
    beside it: without that there is nothing to ask. Other people's processes show only to root."""
    seen: set[tuple[str, str]] = set()
    for folder in sorted((root / "proc").glob("[0-9]*")):
        found = _project(folder, root)
        if (
            found is not None
            and (key := (str(found.settings["folder"]), str(found.settings["settings_module"]))) not in seen
        ):
            seen.add(key)
            yield found


def _project(process: Path, root: Path) -> Found | None:
    words = [word.decode("utf-8", "replace") for word in _read(process / "cmdline").split(b"\0") if word]
    if not words or not any(_SERVERS.search(word) for word in words[:3]):
        return None
    try:
        where = Path(os.readlink(process / "cwd"))
        owner = pwd.getpwuid(process.stat().st_uid).pw_name
    except (OSError, KeyError):
        return None
    manage = root / str(where / "manage.py").lstrip("/")
    module = _module(process, words, _read(manage))
    python = words[0] if words[0].startswith("/") and "python" in Path(words[0]).name else None
    if module is None or python is None or not _has_report(root, Path(python)):
        return None
    settings = {
        "settings_module": module,
        "folder": str(where),
        "command": [python, "manage.py", "compliance_report", "--json"],
    }
    if os.geteuid() == 0 and owner != "root":
        settings["user"] = owner
    name = re.sub(r"[^a-z0-9]+", "_", f"django_{module.partition('.')[0]}".lower()).strip("_")
    return Found(name, settings, f"a server of {module} runs in {where}")


def _module(process: Path, words: list[str], manage: bytes) -> str | None:
    told = [word.partition("=")[2] for word in words if word.startswith(("--settings=", f"{_VARIABLE}="))]
    for entry in _read(process / "environ").split(b"\0"):
        if entry.startswith(_VARIABLE.encode() + b"="):
            told.append(entry.partition(b"=")[2].decode("utf-8", "replace"))
    default = _DEFAULT.search(manage)
    if default and manage:
        told.append(default[1].decode())
    return next((name for name in told if _MODULE.match(name)), None) if manage else None


def _has_report(root: Path, python: Path) -> bool:
    prefix = root / str(python.parent.parent).lstrip("/")
    return any(prefix.glob("lib/python3*/site-packages/compliance_django/apps.py"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # somebody else's, or it has just ended
        return b""
