"""pgBackRest's configuration file: what of it may be shown, and what of it counts.

Only options of a list are kept: pass phrases, keys and tokens of repositories stand in the same file. An option of the
stanza comes before a global one, and one for a command before both (pgBackRest user guide, Configuration).
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compliance.collectors import files
from compliance.collectors.addresses import is_loopback
from compliance.collectors.files import FileRead
from compliance.schemas.errors import Absent, Malformed

USUAL = (Path("/etc/pgbackrest/pgbackrest.conf"), Path("/etc/pgbackrest.conf"))
INCLUDED = Path("/etc/pgbackrest/conf.d")
_SHOWN = re.compile(
    r"(repo\d+-(type|path|host|host-type|cipher-type|retention-(full|full-type|diff|archive|archive-type|history)"
    r"|s3-(bucket|endpoint|region|verify-tls)|storage-verify-tls|azure-container|gcs-bucket|bundle|block|hardlink)"
    r"|pg\d+-(path|host|port|host-type)"
    r"|archive-(async|timeout|check|copy|mode|push-queue-max)|backup-standby|checksum-page|compress-(type|level)"
    r"|delta|expire-auto|process-max|start-fast|stop-auto|resume|online|log-path|spool-path)\Z"
)
_REMOTE = frozenset({"s3", "azure", "gcs", "sftp"})
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "ceph", "glusterfs", "fuse.glusterfs", "9p"}
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The files that were read, and their options by section."""

    files: Sequence[FileRead]
    sections: Mapping[str, Mapping[str, str]]

    def option(self, stanza: str, name: str) -> str | None:
        """An option as it holds for a stanza; None when it is not set there."""
        for section in (stanza, "global"):
            if name in self.sections.get(section, {}):
                return self.sections[section][name]
        return None

    def shown(self) -> list[tuple[str, str, str]]:
        """Section, name and value of every option that may be shown."""
        return [
            (section, name, value)
            for section, options in sorted(self.sections.items())
            for name, value in sorted(options.items())
            if _SHOWN.match(name)
        ]


def read(config: Path | None) -> Configuration:
    """The configuration; raises Absent, Denied or Malformed naming the file.

    A file that is named is read alone, as pgbackrest does; else the usual one and those of conf.d beside it.
    """
    if config is not None:
        paths = [config]
    else:
        paths = [path for path in USUAL if path.exists()][:1] + sorted(INCLUDED.glob("*.conf"))
    if not paths:
        raise Absent(f"{USUAL[0]} does not exist", remedy="name the configuration of pgbackrest (config)")
    sections: dict[str, dict[str, str]] = {}
    found = []
    for path in paths:
        attributes, content = files.fetch_content(str(path))
        found.append(attributes)
        for section, options in _parsed(path, content).items():
            sections.setdefault(section, {}).update(options)
    return Configuration(found, sections)


def _parsed(path: Path, content: bytes) -> Mapping[str, Mapping[str, str]]:
    parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#",), strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # options are case-sensitive
    try:
        parser.read_string(content.decode("utf-8"))
    except (configparser.Error, UnicodeDecodeError):  # what they say quotes the line, which may hold a secret
        raise Malformed(f"{path} is no configuration of pgbackrest", remedy=f"mend {path}") from None
    return {section: dict(parser[section]) for section in parser.sections()}


def same_host(configuration: Configuration, stanza: str, repository: int, mounts: str) -> bool | None:
    """Whether the repository lies on the machine of the database; None when that is not to be seen.

    `mounts` is /proc/mounts of the machine that pgbackrest runs on.
    """

    def elsewhere(name: str) -> bool:
        host = configuration.option(stanza, name)
        return host is not None and not is_loopback(host)

    if configuration.option(stanza, f"repo{repository}-type") in _REMOTE:
        # an endpoint of one's own may run on the same machine
        own = f"repo{repository}-s3-endpoint", f"repo{repository}-azure-endpoint", f"repo{repository}-gcs-endpoint"
        here = [host for name in own if (host := configuration.option(stanza, name)) and _loopback(host)]
        return None if here else False
    if elsewhere(f"repo{repository}-host"):
        return False
    servers = {name for part in ("global", stanza) for name in configuration.sections.get(part, {})}
    if any(elsewhere(name) for name in servers if re.fullmatch(r"pg\d+-host", name)):
        return False
    path = configuration.option(stanza, f"repo{repository}-path") or "/var/lib/pgbackrest"
    system = _file_system(path, mounts)
    return None if system is None else system not in _NETWORK


def _loopback(endpoint: str) -> bool:
    return is_loopback(re.sub(r"^\w+://", "", endpoint).rsplit(":", 1)[0])


def _file_system(path: str, mounts: str) -> str | None:
    """The type of the file system that holds a path."""
    real = Path(path).resolve()
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) > 2 and real.is_relative_to(fields[1].replace("\\040", " ")):
            best = max(best or (0, ""), (len(fields[1]), fields[2]), key=lambda pair: pair[0])
    return best[1] if best else None
