"""Read the configured sources into the ledger."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from compliance.app import access, runner
from compliance.app.config import Config, SourceConfig, day
from compliance.app.recorder import LedgerRecorder
from compliance.app.workspace import Workspace
from compliance.ledger import CollectionFields
from compliance.schemas.errors import SecretMissing
from compliance.schemas.evidence import Event, Evidence
from compliance.schemas.kinds.engine import ENGINE, ProfileFlag, Source
from compliance.schemas.messages import Record


def run_id(moment: datetime) -> str:
    """A name for one run: its moment and eight random characters."""
    return f"{moment:%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"


def collect(
    workspace: Workspace, names: Sequence[str] = (), *, progress: Callable[..., None] | None = None
) -> runner.Summary:
    """Read the chosen sources (all enabled ones when none is named) and record every attempt.

    Secrets are resolved before anything is read, so that a missing one leaves nothing half done.

    Raises:
        SecretMissing: a secret reference of a chosen source points nowhere.
        ConfigError: a name that is not configured.
    """
    config = workspace.config
    sources = access.chosen(config, names)
    jobs = [_job(workspace, source) for source in sources]
    run = run_id(workspace.clock())
    declare(workspace, run)
    return runner.run(
        jobs,
        LedgerRecorder(workspace.ledger),
        run_id=run,
        clock=workspace.clock,
        parallel=config.collect.parallel,
        progress=progress,
    )


def secrets(config: Config, names: Sequence[str]) -> None:
    """Find every secret of the chosen sources (all enabled ones when none is named) before anything is begun.

    Raises:
        SecretMissing: a reference points nowhere.
        ConfigError: a name that is not configured.
    """
    for source in access.chosen(config, names):
        try:
            source.secrets()
        except SecretMissing as error:
            raise SecretMissing(f"[sources.{source.name}] {error.message}", remedy=error.remedy) from error


def declare(workspace: Workspace, run: str) -> None:
    """Record what the configuration says is so: the sources, and the declared facts about the organisation."""
    config = workspace.config
    _snapshot(workspace, run, Source, [_source(source) for source in config.sources])
    _snapshot(workspace, run, ProfileFlag, _flags(config))


def _snapshot(workspace: Workspace, run: str, kind: type[Evidence], rows: Sequence[Evidence]) -> None:
    fields = CollectionFields(
        run=run,
        of_source=ENGINE,
        of_kind=kind.kind,
        collector=ENGINE,
        attempt=1,
        started_at=workspace.clock(),
        outcome="complete",
        message=None,
        remedy=None,
        independent_count=len(rows),
        requests=[{"method": "file", "text": str(workspace.config.path or "(none)"), "digest": None}],
    )
    workspace.ledger.record_state(fields, [Record(row) for row in rows])


def _source(source: SourceConfig) -> Source:
    common = source.common
    return Source(
        name=source.name,
        collector=source.collector.name,
        kinds=[kind.kind for kind in source.kinds],
        enabled=common.enabled,
        environment=common.environment,
        owner=common.owner,
        data_class=common.data_class,
        in_pci_scope=common.in_pci_scope,
        settings_sha256=source.settings_sha256,
    )


def _flags(config: Config) -> list[ProfileFlag]:
    return [
        ProfileFlag(
            flag=flag,
            value=said.value,
            declared_by=said.declared_by,
            declared_at=day(said.declared_at),
            reason=said.reason,
        )
        for flag, said in config.profile.items()
    ]


def _job(workspace: Workspace, source: SourceConfig) -> runner.Job:
    common, defaults = source.common, workspace.config.collect
    cursors: dict[str, Any] = {}
    for kind in source.kinds:
        if issubclass(kind, Event):
            cursor = workspace.ledger.cursor(source.name, kind.kind)
            if cursor is not None:
                cursors[kind.kind] = cursor
    return runner.Job(
        source=source.name,
        collector=source.collector,
        settings=source.settings,
        timeout_s=float(common.timeout_s or defaults.timeout_s),
        request_timeout_s=float(common.request_timeout_s or defaults.request_timeout_s),
        rate_per_s=common.rate_per_s,
        attempts=common.attempts or defaults.attempts,
        cursors=cursors,
        secrets=source.secrets(),
    )
