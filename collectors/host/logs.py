"""Where logs lie and how long they are kept: the journal, and the files below /var/log with their rotation rules."""

from __future__ import annotations

import fnmatch
import re
import shlex
import stat
import struct
from dataclasses import dataclass
from datetime import UTC, datetime

from compliance.collectors.host.disks import rows_mount
from compliance.collectors.host.machine import Machine
from compliance.schemas.errors import Absent, Malformed
from compliance.schemas.kinds.host import LogStore

LOGS = "/var/log"
AUDIT_LOG = f"{LOGS}/audit/audit.log"
_PERIOD_DAYS = {"daily": 1, "weekly": 7, "monthly": 28, "yearly": 365}  # the shortest month: never more than kept
_ROTATED = re.compile(r"(?:[.-]\d+|-\d{8}(?:-\d+)?|\.old)?(?:\.(?:gz|xz|bz2|zst|lz4))?\Z")
_CLASSES = (
    ("audit", re.compile(r"/audit/|audit\.log|_audit\.json")),
    ("security", re.compile(r"/(auth\.log|secure|btmp|wtmp|lastlog|faillog|fail2ban\.log|sudo)")),
    ("access", re.compile(r"(nginx|apache2|httpd|haproxy|caddy).*|access\.log")),
    ("system", re.compile(r"/(syslog|messages|kern\.log|dpkg\.log|daemon\.log|boot\.log|apt/|alternatives\.log|cron)")),
)
_TIMES = (
    (re.compile(rb"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,]\d+)?(Z|[+-]\d\d:?\d\d)"), "%Y-%m-%d %H:%M:%S %z"),
    (re.compile(rb"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d) ([+-]\d{4})\]"), "%d/%b/%Y:%H:%M:%S %z"),
    (re.compile(rb"(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d)()"), "%Y-%m-%d %H:%M:%S"),
)
_JOURNAL_HEADER = struct.Struct("<8s176x2Q")  # signature; first and last entry's time at offset 184
_SPAN = {"us": 0, "ms": 0, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "day": 86400, "days": 86400, "w": 604800}
_SPAN |= {"week": 604800, "weeks": 604800, "month": 2629800, "months": 2629800, "y": 31557600, "year": 31557600, "": 1}


@dataclass(frozen=True, slots=True)
class Rotation:
    """One logrotate rule: the patterns it covers, days kept (None when only size decides), and its own words."""

    patterns: tuple[str, ...]
    days: int | None
    text: str


def rows_rotation(text: str, inherited: tuple[str, ...] = ()) -> tuple[tuple[str, ...], list[Rotation]]:
    """Global directives of a logrotate file, and its rules; each rule starts from the globals above it."""
    rules = []
    outside: list[str] = list(inherited)
    body: list[str] | None = None
    heads: list[str] = []
    script = False
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if script:
            script = line != "endscript"
        elif body is not None:
            if line.startswith("}"):
                rules.append(_rotation(heads, [*outside, *body]))
                body, heads = None, []
            elif line.split()[0] in ("postrotate", "prerotate", "firstaction", "lastaction", "preremove"):
                script = True
            else:
                body.append(line)
        elif line.endswith("{"):
            heads += _patterns(line[:-1])
            body = []
        elif line[0] in "/\"'":
            heads += _patterns(line)
        else:
            outside.append(line)
    if body is not None:
        raise Malformed("a logrotate rule has no end", remedy="run `logrotate -d` on the configuration")
    return tuple(outside), rules


def _patterns(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Malformed("a logrotate rule has open quotes", remedy="run `logrotate -d`") from error


def _rotation(patterns: list[str], lines: list[str]) -> Rotation:
    period, keep, age, sized, capped = 7, 0, None, False, False  # logrotate(8): weekly unless told otherwise, rotate 0
    for line in lines:
        words = line.replace("=", " ").split()
        if words[0] in _PERIOD_DAYS:
            period, sized = _PERIOD_DAYS[words[0]], False
        elif words[0] == "hourly":
            period, sized = 0, False
        elif words[0] == "size":
            sized = True
        elif words[0] == "maxsize":
            capped = True  # rotates before its period is over: how many days that keeps, nobody can say
        elif words[0] == "rotate" and len(words) > 1:
            keep = int(words[1])
        elif words[0] == "maxage" and len(words) > 1:
            age = int(words[1])
    days: int | None
    if keep < 0:
        days = age or 0
    elif sized or capped:
        days = None
    else:
        days = keep * period if period else keep // 24
        if period == _PERIOD_DAYS["monthly"]:
            days = keep // 12 * 365 + keep % 12 * period  # twelve months in a row are a year, whatever their lengths
        days = min(days, age) if age is not None else days
    own = [
        line for line in lines if line.split()[0] in ("rotate", "maxage", "size", "maxsize", "hourly", *_PERIOD_DAYS)
    ]
    return Rotation(tuple(patterns), days, "; ".join(own))


def fetch_rotation(machine: Machine) -> list[Rotation]:
    """The rules logrotate applies; none when it is not installed or has no configuration, whatever files lie about."""
    main = machine.read_optional("/etc/logrotate.conf")
    if main is None or not machine.has("logrotate"):
        return []
    outside, rules = rows_rotation(main)
    for include in re.findall(r"^\s*include\s+(\S+)", main, re.MULTILINE):
        for path in machine.files(include) or [include]:
            text = machine.read_optional(path)
            if text is not None:
                rules += rows_rotation(text, outside)[1]
    return rules


def first_time(head: bytes) -> datetime | None:
    """Time of a log's first line, in the forms that carry a year; local time where no zone is given."""
    line = head.split(b"\n", 1)[0]
    for pattern, form in _TIMES:
        if match := pattern.search(line):
            text = match[1].decode().replace("T", " ")
            text = text if "%b" in form else text.replace("/", "-")
            zone = match[2].decode().replace("Z", "+0000")
            try:
                at = datetime.strptime(f"{text} {zone}".strip(), form)  # noqa: DTZ007 -- a zone follows in the next line
            except ValueError:
                return None
            return at.astimezone(UTC)
    return None


def walk(machine: Machine, folder: str, depth: int = 0) -> list[str]:
    """Every regular file below a folder. Raises Denied when a part of it may not be listed: half a set is not one."""
    found = []
    for name in machine.names(folder):
        path = f"{folder}/{name}"
        if machine.link(path) is not None:
            continue
        info = machine.status(path)
        if info is None:
            continue
        if stat.S_ISDIR(info.st_mode) and depth < 8 and path != f"{LOGS}/journal":
            found += walk(machine, path, depth + 1)
        elif stat.S_ISREG(info.st_mode):
            found.append(path)
    return found


def families(paths: list[str]) -> dict[str, list[str]]:
    """Live log → itself and its rotated generations."""
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(_ROTATED.sub("", path) or path, []).append(path)
    return found


def log_class(path: str) -> str:
    """security, system, access or audit by the usual places; application otherwise."""
    return next((name for name, pattern in _CLASSES if pattern.search(path)), "application")


def row_log(machine: Machine, asset: str, log: str, paths: list[str], rules: list[Rotation], lasting: bool) -> LogStore:
    """One log with its generations, which may be none yet. Raises Denied when one of them may not be read."""
    rule = next((r for r in rules if any(fnmatch.fnmatchcase(log, pattern) for pattern in r.patterns)), None)
    infos = [(path, info) for path in paths if (info := machine.status(path)) is not None]
    if paths and not infos:
        raise Absent(f"{log} disappeared while it was read", remedy="collect again")
    older = [info.st_mtime for path, info in infos if path != log and info.st_size]
    filled = sorted((item for item in infos if item[1].st_size), key=lambda item: item[1].st_mtime)
    oldest = None
    if filled and not filled[0][0].endswith((".gz", ".xz", ".bz2", ".zst", ".lz4")):
        oldest = first_time(machine.read_bytes(filled[0][0], 4096))
    if oldest is None and len(filled) > 1:  # the last record of the oldest generation: the first is not younger
        oldest = datetime.fromtimestamp(filled[0][1].st_mtime, UTC)
    if rule is not None:
        days = rule.days
    elif log == AUDIT_LOG:
        days = _auditd_days(machine)
    else:  # no rule that was read is not a promise to keep it: its program may rotate it, by rules of its own
        days = None
    return LogStore(
        asset=asset,
        log=log,
        log_class=log_class(log),
        retention_days=days,
        oldest_record_at=oldest,
        newest_record_at=datetime.fromtimestamp(filled[-1][1].st_mtime, UTC) if filled else None,
        rotated=rule is not None,
        last_rotated_at=datetime.fromtimestamp(max(older), UTC) if older else None,
        persistent=lasting,
        world_readable=any(info.st_mode & stat.S_IROTH for _, info in infos) if infos else None,
        detail={"rule": rule.text if rule else None, "files": len(infos)},
    )


def _auditd_days(machine: Machine) -> int | None:
    """0 when auditd itself never deletes, None when it does: it counts sizes and files, not days (auditd.conf(5))."""
    text = machine.read_optional("/etc/audit/auditd.conf")
    said = re.findall(r"^\s*max_log_file_action\s*=\s*(\w+)", text or "", re.MULTILINE)
    return 0 if said and said[-1].lower() in ("keep_logs", "ignore") else None


def rows_journal(header: bytes) -> tuple[datetime, datetime] | None:
    """Times of the first and last entry of a journal file (systemd's JOURNAL_FILE_FORMAT), None for an empty one."""
    if len(header) < _JOURNAL_HEADER.size:
        raise Malformed("a journal file is too short", remedy="run `journalctl --verify`")
    signature, first, last = _JOURNAL_HEADER.unpack_from(header)
    if signature != b"LPKSHHRH":
        raise Malformed("a journal file does not start as one", remedy="run `journalctl --verify`")
    if not first:
        return None
    return datetime.fromtimestamp(first / 1_000_000, UTC), datetime.fromtimestamp(last / 1_000_000, UTC)


def span_days(text: str) -> int:
    """A systemd time span (`31day`, `1month 2w`) in whole days."""
    parts = re.findall(r"(\d+)\s*([a-z]*)", text)
    if not parts or any(unit not in _SPAN for _, unit in parts):
        raise Malformed("journald.conf has a time span of another form", remedy="systemd.time(7) has the forms")
    return sum(int(number) * _SPAN[unit] for number, unit in parts) // 86400


def _journal(machine: Machine, asset: str) -> LogStore | None:
    """The journal, None where there is none. Raises Denied when its files may not be read.

    Where no other program writes sign-ins to a file, the journal is the security log.
    """
    folders = [f"{base}/{name}" for base in (f"{LOGS}/journal", "/run/log/journal") for name in machine.names(base)]
    files = [path for folder in folders for path in machine.files(folder, ".journal")]
    if not files and not machine.exists("/run/systemd/journal/socket"):
        return None
    conf: dict[str, str] = {}
    for path in ("/etc/systemd/journald.conf", *machine.files("/etc/systemd/journald.conf.d", ".conf")):
        text = machine.read_optional(path) or ""
        conf.update(
            re.findall(r"^\s*(Storage|MaxRetentionSec|SystemMaxUse|RuntimeMaxUse)\s*=\s*(\S+)", text, re.MULTILINE)
        )
    spans = [times for path in files if (times := rows_journal(machine.read_bytes(path, 256))) is not None]
    stored = conf.get("Storage", "auto")
    lasting = stored == "persistent" or (stored == "auto" and machine.exists(f"{LOGS}/journal"))
    limit = conf.get("MaxRetentionSec", "0")
    alone = not any(machine.exists(f"{LOGS}/{name}") for name in ("auth.log", "secure"))
    infos = [info for path in files if (info := machine.status(path)) is not None]
    return LogStore(
        asset=asset,
        log="journal",
        log_class="security" if alone else "system",
        # journald deletes by size too, always: a time limit says how long at most, which is no promise of days
        retention_days=None if alone else span_days(limit) or None,
        oldest_record_at=min((first for first, _ in spans), default=None),
        newest_record_at=max((last for _, last in spans), default=None),
        rotated=True,
        persistent=lasting,
        world_readable=any(info.st_mode & stat.S_IROTH for info in infos) if infos else None,
        detail={"settings": conf, "files": len(files)},
    )


def read_log_store(machine: Machine, asset: str) -> list[LogStore]:
    """The journal and every log file below /var/log."""
    rules = fetch_rotation(machine)
    mounts = {mount.mount_point: mount.filesystem for mount in rows_mount(machine.read("/proc/self/mountinfo"))}
    below = next((mounts[point] for point in (LOGS, "/var", "/") if point in mounts), "")
    journal = _journal(machine, asset)
    found = families(walk(machine, LOGS))
    rows = [
        row_log(machine, asset, log, paths, rules, below not in ("tmpfs", "ramfs"))
        for log, paths in sorted(found.items())
    ]
    return [journal, *rows] if journal else rows
