"""`manage.py compliance_report`: prints the report, or puts it in a file."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from compliance_django import report


class Command(BaseCommand):
    """The management command."""

    help = "Reports this project's security settings as JSON, for compliance-engine. Reads only; prints no secret."
    requires_system_checks = ()  # a project that fails its checks must be reported too

    def add_arguments(self, parser: Any) -> None:
        """The options."""
        parser.add_argument("--json", action="store_true", help="print JSON (the only format)")
        parser.add_argument("--output", metavar="FILE", help="write to FILE, whole or not at all, instead of printing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs it."""
        text = report.text_of(report.report()) + "\n"
        if options["output"]:
            _write(os.path.abspath(options["output"]), text)
        else:
            self.stdout.write(text, ending="")


def _write(path: str, text: str) -> None:
    """Beside the place, then renamed: a reader never sees half a report. The group may read it, others may not."""
    try:
        handle, name = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".compliance-report-")
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(text)
                os.fchmod(file.fileno(), 0o640)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise CommandError(f"the report could not be written to {path}: {error.strerror}") from error
