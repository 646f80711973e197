"""What a gunicorn was told, as far as it is certain: its command line, its environment, its file, its defaults.

gunicorn takes a setting from the command line, else from GUNICORN_CMD_ARGS, else from the file, else from its default
(gunicorn/app/base.py). One place that could not be read leaves everything below it open. Its own answer over the
control socket (since release 25.1) comes before all of them, because a reload reads the file again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compliance.collectors.files import changed_at
from compliance.collectors.gunicorn.configfile import UNKNOWN, rows_settings
from compliance.collectors.gunicorn.family import arguments
from compliance.collectors.gunicorn.options import rows_arguments, rows_line
from compliance.collectors.gunicorn.proc import Process
from compliance.collectors.started import started_at
from compliance.schemas.errors import Malformed, SourceError

_NAMES = ("GUNICORN_CMD_ARGS", "WEB_CONCURRENCY", "PORT", "PWD")
_DEFAULTS: Mapping[str, Any] = {
    "workers": 1,
    "worker_class": "sync",
    "threads": 1,
    "timeout": 30,
    "graceful_timeout": 30,
    "max_requests": 0,
    "bind": ["127.0.0.1:8000"],
    "accesslog": None,
    "statsd_host": None,
    "reload": False,
    "logger_class": "gunicorn.glogging.Logger",
    "logconfig": None,
    "logconfig_dict": {},
    "logconfig_json": None,
    "syslog": False,
    "chdir": None,
    "access_log_format": '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"',
}
Read = Callable[[str], str]


@dataclass(slots=True)
class Configuration:
    """Settings by the place they came from. `line`, `env` and `file` are None where that place is not known."""

    line: Mapping[str, Any] | None = None
    env: Mapping[str, Any] | None = None
    variables: Mapping[str, str] | None = None
    file: Mapping[str, Any] | None = None
    path: str | None = None  # '' when it was started without a file
    changed: bool | None = None  # the file changed after the master started
    master: Mapping[str, Any] = field(default_factory=dict)  # its own answer
    notes: list[str] = field(default_factory=list)

    def value(self, name: str) -> tuple[Any, str | None]:
        """The value in force, and from where: master, command line, environment, file or default. (None, None)
        where it is not certain."""
        if name in self.master:
            return self.master[name], "master"
        if self.line is None:
            return None, None
        if name in self.line:
            return self.line[name], "command line"
        if self.env is None:
            return None, None
        if name in self.env:
            return self.env[name], "environment"
        if self.file is None or self.changed is not False:
            return None, None
        if name in self.file:
            found = self.file[name]
            return (None, None) if found is UNKNOWN else (found, "file")
        variable = {"workers": "WEB_CONCURRENCY", "bind": "PORT"}.get(name)
        said = (self.variables or {}).get(variable or "")
        if said:
            return ([f"0.0.0.0:{said}"] if name == "bind" else said), "environment"
        if name not in _DEFAULTS or "paste" in self.line:  # a paste file comes before the defaults, and is not read
            return None, None
        return _DEFAULTS[name], "default"

    def number(self, name: str) -> int | None:
        """A whole number in force; None where it is not certain or none."""
        value, _ = self.value(name)
        if isinstance(value, bool) or not isinstance(value, int | str):
            return None
        text = str(value).strip()
        return int(text) if text.isdecimal() else None

    def text(self, name: str) -> str | None:
        """A text in force; None where it is not certain or not set."""
        value, _ = self.value(name)
        return value if isinstance(value, str) else None


def fetch_configuration(master: Process, named: str | None, read: Read, proc: Path = Path("/proc")) -> Configuration:
    """What the master was started with. `named` is the file that the source names; `read` gives a file's text.

    A file that cannot be read, or is no Python, leaves its settings open. Raises Malformed when the master was started
    with another file than the one named.
    """
    made = Configuration()
    words = arguments(master.command)
    made.line = None if words is None else rows_arguments(words)
    if made.line is None:
        made.notes.append("the command line does not tell the options: a title overwrote it, or it has unknown ones")
    made.variables = fetch_variables(master.pid, proc)
    if made.variables is None:
        made.notes.append("the environment was overwritten by a title")
    else:
        made.env = rows_line(made.variables.get("GUNICORN_CMD_ARGS", ""))
    made.path = _path(made, master.pid, named, proc)
    if made.path == "":
        made.file, made.changed = {}, False
    elif made.path is not None:
        try:
            _take(made, read(made.path), master, named)
        except SourceError as error:
            made.notes.append(error.message)
    return made


def _take(made: Configuration, text: str, master: Process, named: str | None) -> None:
    path = made.path or ""
    settings, open_ended = rows_settings(text, path)
    if "chdir" in settings and named is None and not os.path.isabs(_file_told(made) or "."):
        made.path = None
        made.notes.append("the file changes the folder that its own relative path starts from: name it with `config`")
        return
    if open_ended:
        made.notes.append(f"{path} may set more than its text shows")
    made.file = _Open(settings) if open_ended else settings
    made.changed = changed_at(path) >= started_at(master.ticks)
    if made.changed:
        made.notes.append(f"{path} changed after the master started: which settings it holds is not known")


def fetch_variables(pid: int, proc: Path = Path("/proc")) -> Mapping[str, str] | None:
    """The few variables gunicorn takes settings from; None when the environment was overwritten.

    setproctitle writes the title over the area that holds it: then what is left is empty or cut.
    """
    try:
        content = (proc / str(pid) / "environ").read_bytes()
    except OSError:
        return None
    pairs = [item.partition(b"=") for item in content.split(b"\0") if item]
    if not pairs or content.startswith(b"\0") or not all(separator for _, separator, _ in pairs):
        return None
    known = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, _, value in pairs}
    return {name: known[name] for name in _NAMES if name in known}


class _Open(dict[str, Any]):
    """Settings of a file that may set more than its text shows: what it does not bind is not known either."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        return UNKNOWN


def _told(made: Configuration, name: str) -> str | None:
    for place in (made.line, made.env):
        if place and name in place:
            return str(place[name])
    return None


def _file_told(made: Configuration) -> str | None:
    told = _told(made, "config")
    return None if told is None else told.removeprefix("file:")


def _path(made: Configuration, pid: int, named: str | None, proc: Path) -> str | None:
    """The file as this account finds it; '' for none; None where that cannot be told.

    Raises Malformed when it is certain that the master was started with another file than the source names.
    """
    told = _file_told(made)
    if told is not None and told.startswith("python:"):
        made.notes.append("the configuration is a Python module, which is not read")
        return None
    certain = made.line is not None and made.env is not None
    elsewhere = _other_files(pid, proc)
    if elsewhere or not certain or (told and not os.path.isabs(told) and _told(made, "chdir") is not None):
        if named is None:
            made.notes.append("which file it was started with cannot be told: name it with `config`")
        elif told is not None and os.path.basename(told) != os.path.basename(named):
            raise _other(told, named)
        return named
    path = told
    if told is None or not os.path.isabs(told):
        try:
            path = os.path.join(os.readlink(proc / str(pid) / "cwd"), told or "gunicorn.conf.py")
        except OSError:
            return named
    if named is not None:
        if os.path.realpath(path or "") != os.path.realpath(named):
            raise _other(told or "no file", named)
        return named
    return "" if told is None and not os.path.lexists(path or "") else path


def _other(told: str, named: str) -> Malformed:
    return Malformed(
        f"gunicorn was started with {told}, and the source names {named}",
        remedy="name the file that gunicorn was started with",
    )


def _other_files(pid: int, proc: Path) -> bool:
    """The process sees other file systems than this one does (a container): its paths do not hold here."""
    try:
        own, its = (os.readlink(proc / name / "ns/mnt") for name in ("self", str(pid)))
    except OSError:
        return True
    return own != its
