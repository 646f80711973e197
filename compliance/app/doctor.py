"""Is this installation, its configuration, its keys and its ledger in order?"""

from __future__ import annotations

import importlib.util
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import compliance
from compliance.app import anchoring, archive, audit, outside, packs, workspace
from compliance.app import config as configuration
from compliance.app.config import Config
from compliance.controls import catalogue
from compliance.schemas.errors import ComplianceError
from compliance.schemas.results import AnchorView

LITTLE_SPACE = 256 * 2**20  # below this an audit may not find room for ledger and reports


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing looked at. `state` is ok, warning or broken."""

    what: str
    state: str
    message: str
    remedy: str = ""


def examine(config_path: Path | None) -> list[Checked]:
    """Everything, in the order a person would mend it."""
    found = [*_installation()]
    try:
        config = configuration.load(config_path)
    except ComplianceError as error:
        return [*found, Checked("configuration", "broken", error.message, error.remedy or "")]
    name = str(config.path) if config.path else "none here; a first audit writes one"
    found.append(Checked("configuration", "ok", f"{name}, {len(config.sources)} sources"))
    found.append(_guarded("names", "packs, parameters and facts exist", lambda: _names(config)))
    found += _secrets(config)
    found += _ledger(config)
    return found


def _installation() -> Iterator[Checked]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Checked("python", "ok", version)
    yield _owner_of_import_name()
    yield _guarded("pdf", "the text layout library loads", _load_weasyprint)
    yield _guarded("controls", "definitions load", lambda: str(len(catalogue.load().controls)) + " controls")


def _owner_of_import_name() -> Checked:
    """Another distribution installs an import package `compliance` too; whichever came last wins, silently."""
    here = Path(compliance.__file__ or "").resolve()
    if (here.parent.parent / "pyproject.toml").exists():
        return Checked("package", "ok", f"running from the checkout {here.parent.parent}")
    try:
        ours = {Path(str(item.locate())).resolve() for item in files("compliance-engine") or ()}
    except PackageNotFoundError:
        ours = set()
    if here in ours:
        return Checked("package", "ok", f"compliance-engine {compliance.__version__}")
    return Checked(
        "package",
        "broken",
        f"{here} belongs to another distribution that uses the name compliance",
        "install compliance-engine into an environment of its own",
    )


def _load_weasyprint() -> str:
    if importlib.util.find_spec("weasyprint") is None:
        raise OSError("WeasyPrint is not installed")
    import weasyprint

    return f"WeasyPrint {weasyprint.__version__}"


def _guarded(what: str, good: str, probe: Callable[[], str]) -> Checked:
    try:
        return Checked(what, "ok", f"{good} ({probe()})")
    except ComplianceError as error:
        return Checked(what, "broken", error.message, error.remedy or "")
    except OSError as error:
        return Checked(what, "broken", str(error), "apt-get install libpango-1.0-0 libpangoft2-1.0-0")


def _names(config: Config) -> str:
    audit.plan(config, audit.Wanted(collect=False), packs.load(config))
    return f"{len(config.parameters)} controls with parameters, {len(config.profile)} facts"


def _secrets(config: Config) -> Iterator[Checked]:
    for source in config.sources:
        try:
            count = len(source.secrets())
        except ComplianceError as error:
            yield Checked(f"secrets of {source.name}", "broken", error.message, error.remedy or "")
            continue
        if count:
            yield Checked(f"secrets of {source.name}", "ok", f"{count} found")


def _ledger(config: Config) -> Iterator[Checked]:
    places = workspace.places(config)
    folder = places.path.parent
    if folder.exists():
        free = shutil.disk_usage(folder).free
        state = "ok" if free >= LITTLE_SPACE else "warning"
        yield Checked("space", state, f"{free // 2**20} MiB free in {folder}", "" if state == "ok" else "free space")
    if not config.anchors:
        yield Checked("anchors", "warning", outside.ALONE, "add [anchors.NAME] to compliance.toml: docs/anchors.md")
    if not places.path.exists():
        yield Checked("ledger", "ok", f"none yet at {places.path}")
        return
    items = anchoring.configured(config, places)
    readings = outside.read(items)
    views: tuple[AnchorView, ...] = ()
    try:
        with workspace.opened(config, lambda text: None, must_exist=True) as opened:
            yield Checked("ledger", "ok", f"{opened.ledger.size} entries, lock store agrees")
            seen = outside.glance(readings, opened.ledger.size, opened.ledger.root_at)
            views = outside.views(readings, seen, opened.ledger.size, places.path)
            yield from _segments(config, archive.overview(config, places, opened.ledger, lambda text: None))
    except ComplianceError as error:
        yield Checked("ledger", "broken", error.message, error.remedy or "")
    yield from (_anchor(view, item.memory) for view, item in zip(views, items, strict=False))
    yield from _modes((places.path, places.keystore))
    if places.lock_store.exists() and places.lock_store.stat().st_dev == places.path.stat().st_dev:
        yield Checked(
            "lock store",
            "warning",
            f"{places.lock_store} lies on the same file system as the ledger",
            "put it elsewhere: [ledger] lock_store = …; one restored backup would roll back both",
        )


def _segments(config: Config, rows: list[dict[str, Any]]) -> Iterator[Checked]:
    """Closed months: how many are sealed and dropped, and how old the newest segment and its locked copy are. What
    lies in the bucket is not asked for: `ledger seal` and `drop` read it back."""
    if not rows:
        return
    by_state = {state: [row for row in rows if row["state"] == state] for state in ("sealed", "dropped", "lost")}
    open_months = [row["month"] for row in rows if row["state"] == "not sealed"]
    kept = [*by_state["dropped"], *by_state["sealed"]]
    sealed_at = max((row["sealed_at"] for row in kept if row["sealed_at"]), default=None)
    said = (
        f"{len(kept)} of {len(rows)} closed months sealed, {len(by_state['dropped'])} of them not in the file any more"
    )
    said += f"; newest sealed {_age(sealed_at)}" if sealed_at else ""
    if lost := [row["month"] for row in by_state["lost"]]:
        remedy = "bring them back, or seal them again: compliance ledger seal"
        yield Checked("segments", "warning", f"{said}; {', '.join(lost)} sealed and not there any more", remedy)
    elif kept and open_months:
        yield Checked("segments", "warning", f"{said}; not sealed: {', '.join(open_months)}", "compliance ledger seal")
    else:
        yield Checked("segments", "ok", said)
    if config.ledger.segments_bucket is not None:
        locked = [row for row in kept if row["locked"]]
        missing = [row["month"] for row in kept if not row["locked"]]
        at = max((row["sealed_at"] for row in locked if row["sealed_at"]), default=None)
        said = (
            f"{len(locked)} of {len(kept)} sealed months recorded as locked in {config.ledger.segments_bucket.bucket}"
        )
        said += f"; newest sealed {_age(at)}" if at else ""
        said += f"; without a locked copy: {', '.join(missing)}" if missing else ""
        yield Checked(
            "segments bucket", "warning" if missing else "ok", said, "compliance ledger seal" if missing else ""
        )


def _age(at: datetime) -> str:
    return f"{at:%Y-%m-%d}, {(workspace.now() - at).days} days ago"


def _anchor(view: AnchorView, memory: anchoring.Memory) -> Checked:
    """Age and state of one anchor. Its newest copies are compared; `verify` compares every one."""
    age = f", {(workspace.now() - view.at).total_seconds() / 3600:.1f} h old" if view.at else ""
    said = "; ".join((outside.words(view) + age, *view.remarks))
    remedy = view.remedy or ""
    if memory.attempts:
        said += f"; not written {memory.attempts} times, last: {memory.message}"
        remedy = remedy or memory.remedy
    if view.state in ("ahead", "differs"):
        state = "broken"
    else:
        state = "ok" if view.state == "ok" and view.shared is None and not memory.attempts else "warning"
    if not remedy and view.shared:
        remedy = "put it elsewhere: one restored backup would roll back both"
    return Checked(f"anchor {view.name}", state, said, remedy)


def _modes(paths: tuple[Path, ...]) -> Iterator[Checked]:
    for path in paths:
        if path.exists() and (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
            yield Checked("permissions", "warning", f"{path} has mode {mode:04o}", f"chmod 600 {path}")
