"""The report of `manage.py compliance_report`, read strictly: whole, ours, of this project, and of now.

The digest shows damage, not forgery. A section that the project could not read comes as an error and is one here.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError

from compliance.collectors.django_settings import command
from compliance.collectors.django_settings.settings import DjangoProjectSettings
from compliance.collectors.django_settings.shape import Report, Section
from compliance.schemas.errors import Absent, Denied, Malformed, Truncated
from compliance.schemas.messages import Context, Request

SKEW = timedelta(minutes=5)  # between the clock of whoever made the report and ours
_REPORT = "report it with the versions of both sides"
T = TypeVar("T")


def value_of(section: Section[T], name: str) -> T:
    """What the section holds. Raises Malformed with the class of the error that the project met."""
    if section.error is not None or section.value is None:
        raise Malformed(
            f"the project could not report its {name}: {section.error or 'nothing was said'}",
            remedy="run `manage.py shell` as that account and load what the section is about",
        )
    return section.value


def fetch_report(ctx: Context[DjangoProjectSettings]) -> tuple[Report, Request]:
    """The report by the configured way, and what was asked for it. Raises SourceError."""
    settings, began = ctx.settings, ctx.clock()
    ctx.throttle()
    if settings.report is not None:
        text = _file(settings.report, settings.max_report_mib << 20)
        report = parse(text, settings)
        _check_time(report, began - timedelta(hours=settings.max_age_h), ctx.clock(), str(settings.report))
        made = f"{settings.report} (made {report.generated_at.isoformat()} on {report.host[:100]})"
        return report, Request("file", made, hashlib.sha256(text).hexdigest())
    missing = [name for name in settings.pass_environment if name not in os.environ]
    if missing:
        raise Absent(f"{', '.join(missing)}: not in the engine's environment", remedy="set it, or take it out")
    handed = {name: os.environ[name] for name in settings.pass_environment}
    said = command.run(
        settings.command,
        folder=settings.folder,
        user=settings.user,
        environment={**handed, "DJANGO_SETTINGS_MODULE": settings.settings_module},
        time_limit_s=settings.time_limit_s,
        limit_bytes=settings.max_report_mib << 20,
        stop=ctx.stop,
    )
    text = said.rstrip(b"\r\n").rpartition(b"\n")[2]  # a project may print words of its own before
    report = parse(text, settings)
    _check_time(report, began - SKEW, ctx.clock(), "the command")
    return report, Request("command", " ".join(settings.command), hashlib.sha256(text).hexdigest())


def parse(text: bytes, settings: DjangoProjectSettings) -> Report:
    """The report in `text`. Raises Malformed or Truncated; no word of the text is repeated."""
    raw = _json(text)
    if not isinstance(raw, Mapping) or raw.get("format") != "compliance-django-report":
        raise Malformed("what was read is no report of compliance_report", remedy="correct command or report")
    if type(raw.get("version")) is not int or raw["version"] != 1:  # True equals 1
        raise Malformed(
            "the report has another version than this engine reads (1)",
            remedy="bring compliance-engine and compliance-engine-django to matching versions",
        )
    bare = {key: value for key, value in raw.items() if key != "digest"}
    canonical = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")
    if raw.get("digest") != "sha256:" + hashlib.sha256(canonical).hexdigest():
        raise Malformed("the report's digest does not fit its content", remedy="make the report again; it was changed")
    try:
        report = Report.model_validate(raw)
    except ValidationError as error:
        places = sorted({".".join(str(part) for part in e["loc"][:3]) for e in error.errors()})[:5]
        raise Malformed(f"the report has another shape than expected at {', '.join(places)}", remedy=_REPORT) from None
    if report.settings_module != settings.settings_module:
        raise Malformed(
            f"the report is about {report.settings_module[:100] or 'no module'}, not {settings.settings_module}",
            remedy="correct settings_module, or the place the report is read from",
        )
    if settings.host is not None and report.host != settings.host:
        raise Malformed(
            f"the report was made on {report.host[:100]}, not on {settings.host}", remedy="correct host, or the place"
        )
    return report


def _check_time(report: Report, oldest: datetime, now: datetime, where: str) -> None:
    made = report.generated_at
    if made > now + SKEW:
        raise Malformed(
            f"{where}: the report is of {made.isoformat()}, which is yet to come", remedy="set the clocks right"
        )
    if made < oldest - timedelta(seconds=1):  # the report counts whole seconds
        raise Malformed(
            f"{where}: the report is of {made.isoformat()}, too old to be told",
            remedy="have it made again, and regularly",
        )


def _file(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            text = file.read(limit + 1)
    except FileNotFoundError as error:
        raise Absent(f"{path} does not exist", remedy="have `manage.py compliance_report --output` write it") from error
    except PermissionError as error:
        raise Denied(
            f"{path} may not be read by this account", remedy=f"give this account read access to {path}"
        ) from error
    except OSError as error:
        raise Malformed(f"{path} cannot be read: {error.strerror}", remedy="name a regular file") from error
    if not stat.S_ISREG(found.st_mode) or found.st_mode & stat.S_IWOTH:
        raise Malformed(f"{path} can be written by anybody, so it says nothing", remedy=f"chmod o-w {path}")
    if len(text) > limit:
        raise Truncated(f"{path} is longer than {limit} bytes", remedy="raise max_report_mib")
    return text


def _json(text: bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise ValueError("a name occurs twice")
        return dict(pairs)

    def no_number(name: str) -> NoReturn:
        raise ValueError(name)

    if not text.strip():
        raise Truncated("the report is empty", remedy="have it made again")
    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise Malformed(
            "the report is no whole JSON object: it was cut, or something else was read", remedy="have it made again"
        ) from error
