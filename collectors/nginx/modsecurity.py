"""ModSecurity rule files: what they switch on, how many rules they hold, and what they take out again.

Read as libmodsecurity 3 does: logical lines joined by a backslash, `Include` relative to the including file, the last
`SecRuleEngine` wins. A file that cannot be read is an error, never a shorter rule set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from compliance.collectors.files import FileRead, fetch_file, os_error
from compliance.collectors.nginx.config import fetch_matches
from compliance.schemas.errors import Absent, Malformed

_REMOVALS = re.compile(r"sec(ruleremoveby\w+|ruleupdatetargetby\w+|ruleupdateactionby\w+)\Z")
_CTL = re.compile(
    r"ctl\s*:\s*(ruleremove\w+|requestbodyaccess\s*=\s*off|ruleengine\s*=\s*(?:off|detectiononly))", re.IGNORECASE
)
_ID = re.compile(r"\bid\s*:\s*'?(\d+)")
_CHAIN = re.compile(r"""[\s",']chain\s*[",]""")
_MANAGED = re.compile(r"ver\s*:\s*'?OWASP_CRS/([\w.\-]+)")
_PACKAGE = re.compile(r"setvar\s*:\s*'?tx\.(crs_exclusions_\w+)=1")
_THRESHOLD = re.compile(r"setvar\s*:\s*'?tx\.inbound_anomaly_score_threshold=(\d+)")
# Numbers reserved for the OWASP rule set and its exclusion packages, which sleep until a setvar wakes them. Those of
# its plugins (from 9 500 000 on) are awake as soon as they are installed, and count.
_CRS_IDS = (range(900_000, 1_000_000), range(9_000_000, 9_500_000))
_CRS_DEFAULTS = range(901_000, 902_000)  # these rules run only where a variable has no value yet
_CRS_DETECTIONS = range(911000, 945000)
_CRS_REFUSAL = 949110  # refuses a request whose score the other rules brought above the threshold
_MAX_DEPTH = 32
_MODES = {"on": "block", "detectiononly": "detect", "off": "off"}


@dataclass(slots=True)
class Rules:
    """What a sequence of rule files and inline rules amounts to."""

    mode: str | None = None  # block, detect or off; None while no SecRuleEngine was seen
    count: int = 0
    exclusions: list[str] = field(default_factory=list)  # where, and which directive
    version: str | None = None
    updated_at: datetime | None = None
    files: list[FileRead] = field(default_factory=list)
    threshold: int | None = None  # inbound anomaly score, as the configuration sets it
    threshold_default: int | None = None  # that of the managed set, which holds where nothing else sets one
    remote: bool = False
    detections: int = 0  # rules of the managed set that look for attacks
    refuses: bool = False  # its rule that refuses what others found is loaded
    bodies: bool = True  # libmodsecurity looks at bodies until SecRequestBodyAccess switches that off
    _chained: bool = False  # the next rule is a link of the chain before it
    _managed: bool = False  # the rule at hand belongs to the managed set
    _defaults: bool = False  # … and sets what the configuration left open

    @property
    def refuses_from(self) -> int | None:
        """The inbound anomaly score from which a request is refused; None where no rule read sets one."""
        return self.threshold_default if self.threshold is None else self.threshold


def fetch_rules(path: str, rules: Rules, depth: int = 0) -> None:
    """Read one rule file and all that it includes into `rules`. Raises SourceError naming the file."""
    if depth > _MAX_DEPTH:
        raise Malformed(f"{path}: includes are nested deeper than {_MAX_DEPTH}", remedy="break the circle of includes")
    read = fetch_file(path)
    rules.files.append(read)
    try:
        text = Path(path).read_text("utf-8", "replace")
    except OSError as error:
        raise os_error(path, error) from error

    detections = rules.detections
    versions = rows_rules(text, path, rules, including(path, rules, depth))
    if versions:
        rules.version = versions[-1]
    if versions and rules.detections > detections:  # the set-up beside the rules is the organisation's own
        rules.updated_at = max(filter(None, (rules.updated_at, read.modified_at)))


def including(path: str, rules: Rules, depth: int = 0) -> Callable[[str, bool], None]:
    """What reads the includes of the file `path` into `rules`: takes the pattern, and whether it may match nothing."""

    def include(pattern: str, optional: bool) -> None:
        found = fetch_matches(str(Path(path).parent / pattern))
        if not found and not optional:
            raise Absent(f"{path}: Include {pattern} matches no file", remedy="correct the Include")
        for name in found:
            fetch_rules(name, rules, depth + 1)

    return include


def rows_rules(text: str, where: str, rules: Rules, include: Callable[[str, bool], None]) -> list[str]:
    """Take the directives of `text` into `rules`; the versions of the managed rule set that its rules name."""
    versions: list[str] = []
    managed_file = bool(_MANAGED.search(text))
    for line in logical_lines(text):
        name, _, rest = line.partition(" ")
        word = name.lower()
        if word in ("include", "includeoptional"):
            include(rest.strip().strip('"'), word == "includeoptional")
        elif word == "secruleengine":
            value = rest.strip().strip('"').lower()
            if value not in _MODES:
                raise Malformed(f"{where}: SecRuleEngine {value} is not On, DetectionOnly or Off", remedy="correct it")
            rules.mode = _MODES[value]
        elif word == "secrequestbodyaccess":
            rules.bodies = rest.strip().strip('"').lower() != "off"
        elif word in ("secrule", "secaction", "secrulescript"):
            _rule(rest, where, rules, managed_file)
            versions += _MANAGED.findall(rest)
        elif word == "secremoterules":
            rules.remote = True
        elif _REMOVALS.match(word):
            rules.exclusions.append(f"{where}: {name}")
    return versions


def logical_lines(text: str) -> Iterator[str]:
    """Directives without comments, continuation lines joined."""
    kept = ""
    for raw in text.splitlines():
        line = raw.strip()
        if not kept and (not line or line.startswith("#")):
            continue
        if line.endswith("\\"):
            kept += line[:-1] + " "
            continue
        yield re.sub(r"\s+", " ", kept + line, count=1).strip()
        kept = ""
    if kept.strip():
        yield kept.strip()


def _rule(rest: str, where: str, rules: Rules, managed_file: bool) -> None:
    if not rules._chained:  # the links of a chain are one rule, and only its head has a number
        rules.count += 1
        number = _ID.search(rest)
        rules._managed = managed_file and number is not None and any(int(number[1]) in ids for ids in _CRS_IDS)
        if rules._managed and number is not None:
            rules.detections += int(number[1]) in _CRS_DETECTIONS
            rules.refuses = rules.refuses or int(number[1]) == _CRS_REFUSAL
        rules._defaults = rules._managed and number is not None and int(number[1]) in _CRS_DEFAULTS
    rules._chained = bool(_CHAIN.search(rest))
    if not rules._managed:
        rules.exclusions += [f"{where}: {what}" for what in _CTL.findall(rest)]
    rules.exclusions += [f"{where}: {package}" for package in _PACKAGE.findall(rest)]
    for value in _THRESHOLD.findall(rest):
        if rules._defaults:
            rules.threshold_default = int(value)
        else:
            rules.threshold = max(int(value), rules.threshold or 0)  # whichever rule runs: none refuses later
