"""The summary for a terminal, as data and as plain lines; colour and tables are the command line's business."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compliance.reports.characters import spell_invisible
from compliance.reports.gate import GateResult
from compliance.reports.model import (
    CONTROL_STATUSES,
    Counts,
    control_status,
    count,
    coverage_views,
    framework_view,
)
from compliance.reports.texts import Language, text, word
from compliance.schemas.results import AuditResult


@dataclass(frozen=True, slots=True)
class Line:
    """Counts of one table with its name."""

    name: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Summary:
    """What a terminal shows after an audit."""

    audit: str
    frameworks: tuple[tuple[str, Line, Line], ...]  # id, requirements, controls
    controls: Counts  # of the whole run
    collections: int
    incomplete: tuple[tuple[str, str, str, str], ...]  # source, kind, outcome, message
    waivers: dict[str, int]  # by state
    verified: bool
    notes: tuple[str, ...]


def summary(result: AuditResult, language: Language = "en") -> Summary:
    """The numbers of a run, all from the same views as the documents."""
    frameworks = []
    for judged in result.frameworks:
        view = framework_view(result, judged.framework.id)
        requirements = Line(text("requirements", language), view.requirement_counts)
        frameworks.append((view.id, requirements, Line(text("controls", language), view.control_counts)))
    coverage = coverage_views(result, result.controls)
    states = [w.state for w in result.waivers]
    return Summary(
        audit=result.audit,
        frameworks=tuple(frameworks),
        controls=count((control_status(c) for c in result.controls.values()), CONTROL_STATUSES),
        collections=len(coverage),
        incomplete=tuple(
            (v.row.source, v.row.kind, v.row.outcome, v.row.message or "") for v in coverage if not v.complete
        ),
        waivers={state: states.count(state) for state in sorted(set(states))},
        verified=result.ledger.verified,
        notes=result.notes,
    )


def summary_lines(result: AuditResult, language: Language = "en") -> list[str]:
    """The summary as lines. Every status is named, zeros and waived ones too, each with its total."""
    made = summary(result, language)
    lines = [f"{made.audit}: {result.organisation}, {result.as_of:%Y-%m-%d %H:%M} UTC"]
    if not made.verified:
        lines.append(text("t_unverified", language))
    done = made.collections - len(made.incomplete)
    lines.append(f"{text('t_coverage', language)}: {text('n_of', language, n=done, total=made.collections)}")
    lines += [
        f"  {text('t_not_read', language)}: {source}: {kind}: {word('outcome', outcome, language)}: {message}"
        for source, kind, outcome, message in made.incomplete
    ]
    for name, requirements, controls in made.frameworks:
        lines.append(name)
        lines += [f"  {line.name}: {counts_text(line.counts, language)}" for line in (requirements, controls)]
    states = ", ".join(f"{n} {text(f'state_{state}', language)}" for state, n in made.waivers.items())
    lines.append(f"{text('t_waivers', language)}: {states or '0'}")
    lines += [*made.notes, text("disclaimer", language)]
    return [_one_line(line) for line in lines]


def gate_lines(judged: GateResult, language: Language = "en") -> list[str]:
    """What a gate found, line by line, the exit code last. Names cannot carry terminal control codes."""
    return [_one_line(line) for line in _gate_lines(judged, language)]


def _gate_lines(judged: GateResult, language: Language) -> Iterator[str]:
    groups = (
        (f"{text('t_violations', language)} {word('severity', judged.fail_on, language)}", judged.violations),
        (text("t_known", language), judged.known),
        (text("t_accepted", language), judged.accepted),
        (text("t_below", language), judged.below),
    )
    for title, items in groups:
        yield f"{title}: {len(items)}"
        for v in items:
            where = "" if v.finding is None else f" {v.finding.source or ''} {v.finding.resource}"
            yield f"  {word('severity', v.severity, language)} {v.name}{where}: {v.reason or v.code}"
    yield f"{text('t_undecided', language)}: {len(judged.undecided)}"
    for u in judged.undecided:
        yield f"  {u.name}: {u.cause}: {u.reason}"
    waiting = text("n_of", language, n=len(judged.not_evaluated), total=judged.controls.total)
    yield f"{text('t_not_evaluated', language)}: {waiting}"
    if judged.baseline_state == "expired":
        yield text("t_baseline_expired", language)
    if judged.undecided and judged.allow_unknown:
        yield text("t_allowed", language)
    yield f"{text('t_exit', language)}: {judged.exit_code}"


def _one_line(value: str) -> str:
    """A name with a line feed must not look like a line of ours."""
    return spell_invisible(value).replace("\n", "⟨U+000A⟩")


def counts_text(counts: Counts, language: Language = "en") -> str:
    """`3 fail; 0 unknown; … (of 61)`: every status by its word, and their total."""
    parts = "; ".join(f"{n} {word('status', status, language).lower()}" for status, n in counts.by.items())
    return f"{parts} ({text('t_of', language)} {counts.total})"
