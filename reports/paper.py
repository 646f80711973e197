"""The HTML of a working paper: templates, and what they may call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from compliance.reports import arrangement
from compliance.reports.characters import visible
from compliance.reports.chart import bar, timeline
from compliance.reports.model import REQUIREMENT_STATUSES, ControlView, FindingView, FrameworkView, Status
from compliance.reports.texts import GLOSSARY, LANGUAGES, UNKNOWN, Language, text, word
from compliance.schemas.catalogue import PROFILE_FLAGS, Bound, Text
from compliance.schemas.period import Stretch
from compliance.schemas.results import Coverage, FlagView

FOLDER = Path(__file__).parent
OPEN_ROWS = 300  # failing, accepted and unknown resources of one control on paper; more are in the attached CSV
OTHER_ROWS = 60  # passing and not applicable ones
REQUEST_ROWS = 12  # requests of one collection on paper
REQUEST_TEXT = 600  # characters of one request on paper; the attached CSV has them all

SECTIONS = (
    "verify",
    "coverage",
    "summary",
    "profile",
    "waivers",
    "attestations",
    "detail",
    "controls",
    "evidence",
    "planned",
    "method",
    "glossary",
)


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file attached to the PDF, as the verification page lists it."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FlagRow:
    """A profile flag and what it switches in this framework. `view` is None when nobody declared it."""

    flag: str
    title: Text | None
    view: FlagView | None
    requirements: int
    controls: int


def paper_html(view: FrameworkView, language: Language, attached: Mapping[str, AttachedFile], pdf_name: str) -> str:
    """The HTML of one framework's working paper. Everything from outside is escaped and made visible."""
    audit = view.audit
    systems = arrangement.by_system(view.planned)

    def say(key: str, **values: object) -> str:
        return text(key, language, **values)

    def rest_note(control: ControlView, shown: list[FindingView]) -> str:
        left = _without(control.findings, shown)
        file = attached["findings"]
        return say(
            "rest_attached",
            shown=len(shown),
            total=control.counts.total,
            left=len(left),
            fail=sum(s in (Status.FAIL, Status.WAIVED) for s in left),
            unknown=sum(s is Status.UNKNOWN for s in left),
            file=file.name,
            sha=file.sha256,
        )

    def requests_note(row: Coverage) -> str:
        file = attached["evidence"]
        return say("requests_attached", shown=REQUEST_ROWS, total=len(row.requests), file=file.name, sha=file.sha256)

    template = environment().get_template("paper.html.j2")
    return template.render(
        view=view,
        audit=audit,
        fw=view.result.framework,
        language=language,
        attached=list(attached.values()),
        pdf_name=pdf_name,
        sections=arrangement.sections(view),
        sources=arrangement.by_source(view.coverage),
        waiting=arrangement.waiting(view.planned),
        systems=[(names, items) for names, items in systems if len(items) > 1],
        alone=[(names, items[0]) for names, items in systems if len(items) == 1],
        run_notes=arrangement.run_notes(view, language),
        same_requests=arrangement.repeated(view.coverage),
        reference=arrangement.reference,
        anchor_says=lambda anchor: arrangement.anchor_says(anchor, language),
        checkpoint_size=arrangement.checkpoint_size(audit.ledger.checkpoint),
        flags=flag_rows(view),
        chapters=[(name, say(name)) for name in SECTIONS],
        statuses=[s.value for s in REQUIREMENT_STATUSES],
        unknown_reasons=list(UNKNOWN),
        glossary=[tuple(pair[LANGUAGES.index(language)] for pair in item) for item in GLOSSARY],
        request_rows=REQUEST_ROWS,
        request_text=lambda value: request_text(value, attached["evidence"].name, language),
        _=say,
        word=lambda table, key: word(table, key, language),
        waiver_state=lambda state: _waiver_state(state, say),
        basis=lambda requirement: arrangement.basis(requirement, language),
        drawn=drawn,
        evidence_of=lambda control: [c.row for c in view.coverage if control.id in c.row.controls],
        printed=printed,
        finding_text=lambda control, finding: finding_text(control, finding, language),
        rest_note=rest_note,
        requests_note=requests_note,
    )


def drawn(stretches: Sequence[Stretch]) -> Markup:
    """The verdicts of a control over the period as a band; nothing when there was only one."""
    if len(stretches) < 2:
        return Markup()
    return timeline([(Status(one.verdict.value), (one.end - one.start).total_seconds()) for one in stretches])


def printed(control: ControlView) -> list[FindingView]:
    """The findings of a control that go on paper: open ones first, and never a silent cut."""
    closed = (Status.PASS, Status.NOT_APPLICABLE)
    open_rows = [f for f in control.findings if f.status not in closed]
    others = [f for f in control.findings if f.status in closed]
    return [*open_rows[:OPEN_ROWS], *others[:OTHER_ROWS]]


def finding_text(control: ControlView, finding: FindingView, language: Language) -> str:
    """Why a resource got its verdict: the recorded reason, and in Spanish the code's general words before it."""
    recorded = finding.result.reason or finding.result.code
    definition = control.result.control
    general = definition.reasons.get(finding.result.code) if definition else None
    if language == "en" or general is None or not general.es:
        return recorded
    return f"{general.es} ({text('recorded_reason', language)}: {recorded})"


def request_text(value: Any, file: str, language: Language) -> str:
    """A request as it was put; a very long one with its beginning and where the whole of it is."""
    if value is None:
        return "–"
    whole = value if isinstance(value, str) else repr(value)
    if len(whole) <= REQUEST_TEXT:
        return whole
    rest = text("text_attached", language, shown=REQUEST_TEXT, total=len(whole), file=file)
    return f"{whole[:REQUEST_TEXT]} {rest}"


def flag_rows(view: FrameworkView) -> list[FlagRow]:
    """Every flag that is declared or that something in this framework hangs on."""
    requirements = [r.requirement.condition for r in view.requirements if r.requirement.condition]
    controls = [flag for c in view.controls if (flag := _applies_if(c))]
    declared = {f.flag: f for f in view.audit.profile}
    framework = view.result.framework
    asked = {one.flag: one.title for one in framework.questionnaires}
    titles = {**PROFILE_FLAGS, **framework.conditions, **asked}
    names = dict.fromkeys([*declared, *PROFILE_FLAGS, *sorted({*requirements, *controls})])
    return [
        FlagRow(n, titles.get(n), declared.get(n), requirements.count(n), controls.count(n))
        for n in names
        if n in declared or n in requirements or n in controls
    ]


@cache
def environment() -> Environment:
    """The templates with escaping on; a name that is missing raises instead of printing nothing."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        moment=lambda t: t.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        minute=lambda t: t.astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
        day=lambda t: t.astimezone(UTC).strftime("%Y-%m-%d"),
        iso=lambda t: t.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        dash=lambda value: "–" if value is None else value,
        age=age,
        listed=_listed,
        bound=_bound,
        capital=lambda value: f"{value[:1].upper()}{value[1:]}",
        sentence=lambda value: f"{value[:1].upper()}{value[1:]}.",
        stop=lambda value: value if value.endswith((".", "!", "?")) else f"{value}.",
        by_severity=lambda items: sorted(items, key=lambda c: (c.result.severity.rank, c.id)),
    )
    made.globals["bar"] = lambda status, n, total: bar(Status(status), n, total)
    return made


def age(value: timedelta | None) -> str:
    """A duration in its two largest units: `3 d 4 h`, `5 h 10 min`, `12 min`."""
    if value is None:
        return "–"
    minutes = int(value.total_seconds() // 60)
    if minutes < 0:
        return f"−{-minutes} min"
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min"


def _finalize(value: Any) -> Any:
    # exact type: Markup is our own and passes as it is
    return visible(value) if type(value) is str else value


def _applies_if(control: ControlView) -> str | None:
    result = control.result
    return result.control.applies_if if result.control else result.planned.applies_if if result.planned else None


def _without(findings: Iterable[FindingView], shown: list[FindingView]) -> list[Status]:
    numbers = {id(f) for f in shown}
    return [f.status for f in findings if id(f) not in numbers]


def _waiver_state(state: str, say: Callable[..., str]) -> str:
    known = ("in_force", "expired", "refused", "requested", "revoked")
    return say(f"state_{state}") if state in known else state


def _listed(value: Any) -> str:
    return ", ".join(str(v) for v in value) if isinstance(value, list | tuple) else str(value)


def _bound(value: Bound | None) -> str:
    if value is None:
        return "–"
    parts = []
    if value.min is not None:
        parts.append(f"≥ {value.min}")
    if value.max is not None:
        parts.append(f"≤ {value.max}")
    if value.must_include:
        parts.append(f"∋ {', '.join(value.must_include)}")
    if value.must_not_include:
        parts.append(f"∌ {', '.join(value.must_not_include)}")
    return f"{'; '.join(parts)} ({value.clause})"
