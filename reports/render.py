"""All files of one audit: working papers in several processes, and the machine formats."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from compliance.reports.csv_report import audit_tables, framework_tables
from compliance.reports.json_report import audit_document, framework_document, to_bytes
from compliance.reports.model import framework_view
from compliance.reports.texts import Language
from compliance.schemas.errors import ReportError
from compliance.schemas.results import AuditResult


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written. `framework` and `language` are None where the file is about all or in none."""

    path: Path
    framework: str | None
    language: str | None
    seconds: float


def render_all(
    result: AuditResult,
    frameworks: Sequence[str],
    out_dir: Path,
    languages: Sequence[Language] = ("en",),
    progress: Callable[[Written], None] | None = None,
    processes: int = 2,
) -> list[Written]:
    """Write the working paper of each framework in each language to `out_dir`, in the order asked for.

    `progress` hears of each file as it is done. Files appear whole or not at all.

    Raises:
        ReportError: the audit did not judge one of the frameworks, or a file could not be written.
    """
    for name in frameworks:
        framework_view(result, name)  # a wrong name is told before any work
    _make(out_dir)
    tell = progress or (lambda _: None)
    jobs = [(name, language) for language in languages for name in frameworks]
    # The longest papers first, so that no process ends with one of them alone.
    sizes = {f.framework.id: len(f.requirements) for f in result.frameworks}
    order = sorted(jobs, key=lambda job: -sizes[job[0]])
    done: dict[tuple[str, str], Written] = {}
    if processes < 2 or len(jobs) < 2:
        for name, language in order:
            done[name, language] = _write_paper(result, name, language, out_dir)
            tell(done[name, language])
    else:
        # spawn: a forked copy would inherit the database's threads and locks
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(processes, len(jobs)), context, _receive, (result, out_dir)) as pool:
            running = {pool.submit(_work, name, language): (name, language) for name, language in order}
            for future in as_completed(running):
                done[running[future]] = future.result()
                tell(done[running[future]])
    return [done[job] for job in jobs]


def write_data(result: AuditResult, out_dir: Path, formats: Iterable[str] = ("json", "csv")) -> list[Written]:
    """Write the machine formats to `out_dir`: of the whole audit, and of each framework it judged."""
    _make(out_dir)
    wanted = set(formats)
    started = time.monotonic()
    files: list[tuple[str, str | None, bytes]] = []
    if "json" in wanted:
        files.append(("audit.json", None, to_bytes(audit_document(result))))
    if "csv" in wanted:
        files += [(name, None, data) for name, data in audit_tables(result).items()]
    for judged in result.frameworks:
        view = framework_view(result, judged.framework.id)
        if "json" in wanted:
            files.append((f"{view.id}.json", view.id, to_bytes(framework_document(view))))
        if "csv" in wanted:
            files += [(name, view.id, data) for name, data in framework_tables(view).items()]
    for name, _, data in files:
        write_whole(out_dir / name, data)
    each = (time.monotonic() - started) / max(len(files), 1)
    return [Written(out_dir / name, framework, None, each) for name, framework, _ in files]


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` in `path` in one step: a reader sees the old file or the new one, never a part.

    Raises:
        ReportError: the disk is full, or the folder may not be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ReportError(
            f"{path} could not be written: {error.strerror}", remedy="free space, or name another folder with -o"
        ) from error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(
            f"folder {folder} could not be made: {error.strerror}", remedy="name another folder with -o"
        ) from error


def _write_paper(result: AuditResult, framework: str, language: Language, out_dir: Path) -> Written:
    from compliance.reports.pdf import pdf_name, render_pdf  # heavy: only who renders pays for it

    started = time.monotonic()
    path = out_dir / pdf_name(framework, language)
    write_whole(path, render_pdf(result, framework, language))
    return Written(path, framework, language, time.monotonic() - started)


_received: list[tuple[AuditResult, Path]] = []  # in a worker: what it was started with


def _receive(result: AuditResult, out_dir: Path) -> None:
    _received.append((result, out_dir))


def _work(framework: str, language: Language) -> Written:
    result, out_dir = _received[0]
    return _write_paper(result, framework, language, out_dir)
