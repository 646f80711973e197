"""Running the git program: without the user's configuration, hooks or prompts; no secret on its command line."""

from __future__ import annotations

import base64
import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from compliance.schemas.errors import Denied, Malformed, SourceError, TimedOut, Unreachable
from compliance.schemas.secrets import SecretRef

_DENIED = re.compile(
    r"rejected|denied|authentication failed|could not read (username|password)|permission|forbidden|403|401|declined|"
    r"read-only|insufficient",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(
    r"could not resolve|unable to access|could not read from remote|does not appear to be a git repository|not found|"
    r"connection (refused|reset|timed out)|does not exist|no such file",
    re.IGNORECASE,
)
_LOCAL_S = 60  # for work on the clone, which reaches nothing


class Runner:
    """Runs git on one bare repository."""

    def __init__(
        self, folder: Path, timeout_s: int, ssh_key: Path | None, user: str | None, token: SecretRef | None, url: str
    ) -> None:
        self._folder, self._timeout_s = folder, timeout_s
        self._ssh_key, self._user, self._token, self._url = ssh_key, user, token, url

    def run(
        self,
        *arguments: str,
        given: bytes = b"",
        extra: Mapping[str, str] | None = None,
        inside: bool = True,
        reach: bool = False,
    ) -> str:
        """The output of a command as text. Raises Denied, Unreachable, TimedOut or Malformed."""
        return self._run(arguments, given, extra or {}, inside, reach).stdout.decode("utf-8", "replace")

    def raw(self, *arguments: str) -> bytes:
        """The output of a command that reaches nothing, as it is."""
        return self._run(arguments, b"", {}, True, False).stdout

    def blobs(self, names: Iterable[str]) -> list[bytes]:
        """The contents of these blobs, in order, by one process. Raises Malformed for one that is missing."""
        wanted = list(names)
        if not wanted:
            return []
        out = self._run(
            ("cat-file", "--batch"), "".join(f"{name}\n" for name in wanted).encode(), {}, True, False
        ).stdout
        found, place = [], 0
        for name in wanted:
            end = out.index(b"\n", place)
            header = out[place:end].split(b" ")
            if header[1] != b"blob":
                raise Malformed(f"the clone has no blob {name}", remedy="move the clone in the state folder aside")
            size = int(header[2])
            found.append(out[end + 1 : end + 1 + size])
            place = end + 1 + size + 1
        return found

    def maybe(self, *arguments: str) -> str | None:
        """The output of a question, stripped; None when the answer is no (exit 1). Raises for every other exit."""
        done = self._start(arguments, b"", {}, True, False)
        if done.returncode not in (0, 1):
            raise _refusal(arguments, done.stderr)
        return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None

    def _run(
        self, arguments: tuple[str, ...], given: bytes, extra: Mapping[str, str], inside: bool, reach: bool
    ) -> subprocess.CompletedProcess[bytes]:
        done = self._start(arguments, given, extra, inside, reach)
        if done.returncode != 0:
            raise _refusal(arguments, done.stdout + done.stderr)
        return done

    def _start(
        self, arguments: tuple[str, ...], given: bytes, extra: Mapping[str, str], inside: bool, reach: bool
    ) -> subprocess.CompletedProcess[bytes]:
        command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "core.fsync=all"]
        place = ("--git-dir", str(self._folder)) if inside else ()
        limit = self._timeout_s if reach else _LOCAL_S
        environment = {**self._environment(), **extra, **(self._credentials() if reach else {})}
        try:
            return subprocess.run(  # noqa: S603 -- no shell; the address was checked when the settings were read
                [*command, *place, *arguments],
                input=given,
                env=environment,
                capture_output=True,
                timeout=limit,
                check=False,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise Unreachable("the git program is not installed", remedy="apt-get install git") from error
        except subprocess.TimeoutExpired as error:
            raise TimedOut(
                f"git {arguments[0]} did not end within {limit} s", remedy="raise timeout_s or find out why it is slow"
            ) from error

    def _environment(self) -> dict[str, str]:
        ssh = ["ssh", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={self._timeout_s}"]
        if self._ssh_key is not None:
            ssh += ["-o", "IdentitiesOnly=yes", "-i", str(self._ssh_key)]
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._folder.parent),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "file:https:ssh",
            "GIT_SSH_COMMAND": shlex.join(ssh),
            "GIT_AUTHOR_NAME": "compliance",
            "GIT_AUTHOR_EMAIL": "compliance@localhost",
            "GIT_COMMITTER_NAME": "compliance",
            "GIT_COMMITTER_EMAIL": "compliance@localhost",
        }

    def _credentials(self) -> dict[str, str]:
        """The token as a header, through the environment: a command line can be read by every account."""
        if self._token is None or not self._url.startswith("https://"):
            return {}
        pair = f"{self._user or 'x-access-token'}:{self._token.resolve()}".encode()
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{self._url}.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {base64.b64encode(pair).decode()}",
        }


def _refusal(arguments: tuple[str, ...], output: bytes) -> SourceError:
    """What git said, in its last telling line, as the error that names the remedy."""
    text = output.decode("utf-8", "replace")
    telling = [line.strip() for line in text.splitlines() if line.startswith(("fatal:", "error:", "!", "remote:"))]
    said = f"git {arguments[0]}: {(telling or text.strip().splitlines() or ['no reason given'])[0][:300]}"
    if "does not appear to be a git repository" not in text and _DENIED.search(text):
        return Denied(said, remedy="let the account push new commits to this branch; no right to force is needed")
    if _UNREACHABLE.search(text):
        return Unreachable(said, remedy="make the repository, mend its address, or open the way to it")
    return Malformed(said, remedy="run the command by hand on the clone in the state folder")
