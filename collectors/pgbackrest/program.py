"""pgbackrest itself, asked. It looks only: `info`, `repo-ls` and `repo-get`, without a log file.

Its exit status says little: an `info` that may not open the repository ends with 0, names a stanza `[invalid]` and
hides the reason in a status, and one that finds nothing in its place prints `[]`. What it complains of may quote a line
of its configuration or of a decrypted file: only its number, and whether a right was missing, are repeated.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from compliance.collectors import programs
from compliance.collectors.pgbackrest.settings import PgBackRestSettings
from compliance.schemas.errors import Absent, Denied, Malformed, SourceError, TimedOut, Unreachable
from compliance.schemas.messages import Context, Request

_QUIET = ("--log-level-file=off", "--log-level-console=off", "--log-level-stderr=error")
_KEPT = ("PATH", "TZ")
_NUMBER = re.compile(r"ERROR: \[(\d{3})\]")
_REFUSED = re.compile(r"\[13\] Permission denied|\[1\] Operation not permitted|a password is required")
_GRANT = "give the reading account the rights of the collector's README"
_MISSING = 55  # FileMissingError
# status codes of `info` (src/command/info/info.c of pgBackRest): what they mean for who reads
_NO_STANZA, _NO_DATA, _OTHER = 1, 3, 99


class Session:
    """One collection: each question is put once, and its answer kept."""

    def __init__(self, ctx: Context[PgBackRestSettings]) -> None:
        self._ctx, self._settings = ctx, ctx.settings
        self._answers: dict[tuple[str, ...], bytes | SourceError] = {}
        self.asked: list[Request] = []
        self.notes: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def begin_kind(self) -> None:
        """Forget which questions were asked; their answers are kept."""
        self.asked = []
        self.notes = []

    def stanzas(self) -> list[Mapping[str, Any]]:
        """What `info` says of each stanza. Raises SourceError as soon as one repository of one could not be read."""
        found = self._json(("info", "--output=json"), list)
        for stanza in found:
            _whole(stanza)
        lacking = sorted(set(self._settings.stanzas) - {stanza["name"] for stanza in found})
        if lacking or not found:
            what = ", ".join(lacking) or "any stanza"
            raise Absent(
                f"pgbackrest does not know {what}: no backup was ever set up there, or another place was looked at",
                remedy="create the stanza, or name the configuration that leads to it (config)",
            )
        wanted = self._settings.stanzas or [stanza["name"] for stanza in found]
        return [stanza for stanza in found if stanza["name"] in wanted]

    def listing(self, repository: int, path: str, *, below: bool) -> Mapping[str, Mapping[str, Any]]:
        """Entries of a folder of a repository by name; with `below`, of everything below it."""
        deep = ("--recurse",) if below else ()
        found: dict[str, Any] = self._json(("repo-ls", f"--repo={repository}", *deep, "--output=json", path), dict)
        return found

    def content(self, repository: int, path: str) -> str:
        """A small text file of a repository."""
        return self._ask(("repo-get", f"--repo={repository}", path)).decode("utf-8", "replace")

    def _json(self, question: tuple[str, ...], shape: type[Any]) -> Any:
        answer = self._ask(question)
        try:
            # the words of a status may quote bytes of a file that was decrypted with the wrong pass phrase
            found = json.loads(answer.decode("utf-8", "replace"), strict=False)
        except ValueError:
            found = None
        if not isinstance(found, shape):
            raise Malformed(
                f"pgbackrest {question[0]} printed no JSON {'list' if shape is list else 'object'}",
                remedy="report it with the version of pgbackrest",
            )
        return found

    def _ask(self, question: tuple[str, ...]) -> bytes:
        answer = self._answers.get(question)
        if answer is None:
            try:
                answer = self._run(question)
            except SourceError as error:
                answer = error
            self._answers[question] = answer
        digest = None if isinstance(answer, SourceError) else hashlib.sha256(answer).hexdigest()
        request = Request("command", " ".join(self._arguments(question)), digest)
        if request not in self.asked:
            self.asked.append(request)
        if isinstance(answer, SourceError):
            raise answer
        return answer

    def _arguments(self, question: tuple[str, ...]) -> list[str]:
        where = (f"--config={self._settings.config}",) if self._settings.config else ()
        return [*self._settings.command, *where, *_QUIET, *question]

    def _run(self, question: tuple[str, ...]) -> bytes:
        if self._ctx.stop.is_set():
            raise TimedOut("the run was cancelled", remedy="run it again")
        self._ctx.throttle()
        try:
            ended = programs.run(
                self._arguments(question),
                environment={name: os.environ[name] for name in _KEPT if name in os.environ} | {"LC_ALL": "C"},
                time_limit_s=self._ctx.timeout_s,
                limit_bytes=self._settings.max_list_mib << 20,
                stop=self._ctx.stop,
            )
        except programs.NotStarted as error:
            raise Denied(f"{self._settings.command[0]} may not be run: {error}", remedy=_GRANT) from error
        if ended.status == 0:
            return ended.out
        words = ended.err.decode("utf-8", "replace")
        found = _NUMBER.search(words)
        number = int(found[1]) if found else ended.status
        what = f"pgbackrest {question[0]} ended with error {number:03d}"
        if _REFUSED.search(words):
            raise Denied(f"{what}: permission denied", remedy=_GRANT)
        if number == _MISSING:
            raise Absent(f"{what}: a file is missing", remedy="name its configuration (config), or mend the repository")
        raise Unreachable(what, remedy="run it as that account: its words may hold settings, and are not repeated here")


def _whole(stanza: Any) -> None:
    """Raises SourceError unless every repository of a stanza was read."""
    try:
        name, repositories = stanza["name"], stanza["repo"]
        states = [(repo["key"], repo["status"]["code"], str(repo["status"]["message"])) for repo in repositories]
        if not states or not all(isinstance(stanza[part], list) for part in ("archive", "backup", "db")):
            raise KeyError("repo")
    except (KeyError, TypeError) as error:
        raise Malformed(
            f"pgbackrest info lacks {error} of a stanza", remedy="report it with the version of pgbackrest"
        ) from error
    for key, code, message in states:
        where = f"stanza {name}, repository {key}"
        if code in (_NO_STANZA, _NO_DATA):
            raise Absent(
                f"{where}: nothing was set up there", remedy="create the stanza, or mount what should lie there"
            )
        if code == _OTHER:
            if _REFUSED.search(message):
                raise Denied(f"{where}: permission denied", remedy=_GRANT)
            reason = re.match(r"\[\w+\]", message)
            raise Unreachable(
                f"{where} cannot be read {reason[0] if reason else ''}".rstrip(),
                remedy="run `pgbackrest info` as that account: it says why",
            )
