"""The requirements of frameworks, judged on the ledger: what decides each, what a person brings, its verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from compliance.app import audit, collect, integrity
from compliance.app.audit import Plan
from compliance.app.workspace import Say, Workspace
from compliance.reports import requirements, requirements_data
from compliance.reports.json_report import to_bytes
from compliance.reports.render import write_whole
from compliance.reports.requirements import RequirementsView
from compliance.reports.texts import Language
from compliance.schemas.errors import ReportError, StorageFull
from compliance.schemas.results import AuditResult


@dataclass(frozen=True, slots=True)
class Judged:
    """An evaluation that was recorded nowhere, and its requirements by framework."""

    result: AuditResult
    views: tuple[RequirementsView, ...]


def judge(workspace: Workspace, plan: Plan, say: Say) -> Judged:
    """Verify the ledger and evaluate what it holds. Nothing is collected, and no verdict is recorded: only the check of
    the ledger is, and which sources are configured, so that one nobody read shows as unread.

    Raises:
        IntegrityError: the ledger is not what was signed; nothing is evaluated on it.
        ConfigError: the ledger holds nothing from that moment.
    """
    say("verifying the ledger …")
    checked, anchors = integrity.check_ledger(workspace)
    if plan.wanted.as_of is None:
        collect.declare(workspace, collect.run_id(workspace.clock()))
    as_of = plan.wanted.as_of or workspace.clock()
    result = audit.evaluate_at(workspace, plan, as_of, checked, anchors, (), say)
    names = [item.framework.id for item in result.frameworks]
    return Judged(result, tuple(requirements.requirements_view(result, name) for name in names))


def as_json(judged: Judged, statuses: Sequence[str]) -> bytes:
    """The rows as JSON."""
    return to_bytes(requirements_data.document(judged.result, judged.views, statuses))


def as_csv(judged: Judged, statuses: Sequence[str], language: Language) -> bytes:
    """The rows as CSV."""
    return requirements_data.csv_table(judged.views, statuses, language)


def as_lines(judged: Judged, statuses: Sequence[str], language: Language) -> list[str]:
    """The rows as lines for a terminal."""
    return list(requirements_data.lines(judged.views, statuses, language))


def write(
    judged: Judged, statuses: Sequence[str], languages: Sequence[Language], folder: Path, tell: Callable[[str], None]
) -> list[Path]:
    """Write the requirements paper of each framework and, where controls are selected, its statement of applicability.

    Raises:
        StorageFull: the folder cannot be written.
    """
    from compliance.reports.requirements_paper import requirements_pdf, statement_pdf  # heavy

    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for language in languages:
            for view in judged.views:
                tell(f"writing {view.id} ({language}) …")
                written.append(folder / f"{view.id}-requirements-{language}.pdf")
                write_whole(written[-1], requirements_pdf(view, statuses, language))
                if view.selectable:
                    written.append(folder / f"{view.id}-applicability-{language}.pdf")
                    write_whole(written[-1], statement_pdf(view, language))
    except OSError as error:
        raise StorageFull(f"{folder} cannot be written: {error.strerror}", remedy="another folder with -o") from error
    except ReportError as error:
        if isinstance(error.__cause__, OSError):
            raise StorageFull(error.message, remedy=error.remedy) from error
        raise
    return written
