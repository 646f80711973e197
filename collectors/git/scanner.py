"""Looks for secrets with detect-secrets, in a process of its own. Run as a script; imports nothing of the project.

A process of its own because detect-secrets keeps global settings, logs values at INFO level, and may take very long
on some lines: here it can be ended from outside and its log lines go nowhere.

Protocol: for each file one JSON line `{"name": …, "size": n}` and n bytes come in; one JSON line goes out, either
`{"found": [[line, type, allowlisted], …]}` or `{"skipped": reason}`. Values never leave this process.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_file
from detect_secrets.filters import heuristic
from detect_secrets.filters.allowlist import is_line_allowlisted
from detect_secrets.settings import transient_settings
from detect_secrets.util.code_snippet import get_code_snippet

# The default filters without two: the allow list (its lines are reported and flagged), and verification, which would
# send what was found to the service it belongs to.
_FILTERS = (
    "is_sequential_string",
    "is_potential_uuid",
    "is_likely_id_string",
    "is_templated_secret",
    "is_prefixed_with_dollar_sign",
    "is_indirect_reference",
    "is_not_alphanumeric_string",
)


def look(folder: str, name: str, content: bytes) -> dict[str, object]:
    """The answer for one file."""
    if b"\0" in content[:8192]:
        return {"skipped": "binary"}
    if heuristic.is_lock_file(name) or heuristic.is_non_text_file(name):
        return {"skipped": "lock file or a type that holds no text"}
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # detect-secrets would leave the file out without a word
    path = os.path.join(folder, os.path.basename(name) or "file")
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    try:
        lines = text.splitlines()
        found = {(_place(lines, secret.line_number, secret.secret_value), secret.type) for secret in scan_file(path)}
    finally:
        os.unlink(path)
    return {"found": sorted((line, kind, _allowed(path, lines, line)) for line, kind in found)}


def _place(lines: list[str], number: int, value: str | None) -> int:
    """The line a finding is on. For YAML and ini files detect-secrets counts lines of a rewritten text: a line that
    does not hold the value is not the one."""
    if 1 <= number <= len(lines) and (not value or value in lines[number - 1]):
        return number
    holding = (n for n, line in enumerate(lines, 1) if value and value in line)
    return next(holding, min(max(number, 1), max(len(lines), 1)))


def _allowed(path: str, lines: list[str], number: int) -> bool:
    if not 1 <= number <= len(lines):
        return False
    return bool(is_line_allowlisted(path, lines[number - 1], get_code_snippet(lines, number)))


def main() -> None:
    """Answers until the input ends."""
    logging.disable(logging.CRITICAL)
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    detectors: list[type] = list(get_mapping_from_secret_type_to_class().values())
    config = {
        "plugins_used": [{"name": cls.__name__} for cls in detectors],
        "filters_used": [{"path": f"detect_secrets.filters.heuristic.{name}"} for name in _FILTERS],
    }
    with tempfile.TemporaryDirectory(dir=sys.argv[1]) as folder, transient_settings(config):
        while line := asked.readline():
            head = json.loads(line)
            answer = look(folder, head["name"], asked.read(head["size"]))
            answers.write(json.dumps(answer).encode() + b"\n")
            answers.flush()


if __name__ == "__main__":
    main()
