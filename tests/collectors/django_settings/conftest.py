"""One real Django project for all tests of a worker, and what to read it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from compliance.collectors.django_settings import DjangoProject
from compliance.schemas.messages import Complete, Context, Gap, Message, Record
from tests.servers.django import DjangoProject as Project
from tests.servers.django import own_account

Make = Callable[..., Context[Any]]


@pytest.fixture(scope="session")
def project() -> Iterator[Project]:
    """The project with its keys and metadata."""
    with Project() as made:
        yield made


@pytest.fixture
def settings(project: Project, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings that have the good state reported by the command."""
    for name, value in project.env.items():
        monkeypatch.setenv(name, value)
    return {
        "settings_module": "shop.good",
        "command": project.command("--json"),
        "folder": str(project.folder),
        "user": own_account(),
        "pass_environment": list(project.env),
        "public_endpoints": ["/health/", "/admin/login/", "/api/token/", "/api/token/refresh/"],
        "reuse_alert": "runbook 7",
    }


@pytest.fixture
def context(settings: dict[str, Any]) -> Make:
    """Makes a context; `changes` go into the settings, None takes one out."""

    def make(
        *kinds: str, cursors: dict[str, str] | None = None, now: datetime | None = None, **changes: Any
    ) -> Context[Any]:
        given = {name: value for name, value in {**settings, **changes}.items() if value is not None}
        return Context(
            source="shop",
            settings=DjangoProject.Settings.model_validate(given),
            clock=lambda: now or datetime.now(UTC),
            wanted=frozenset(kinds or [kind.kind for kind in DjangoProject.kinds]),
            timeout_s=10,
            cursors=cursors or {},
        )

    return make


class Read:
    """What one run of the collector said."""

    def __init__(self, ctx: Context[Any]) -> None:
        self.messages: list[Message] = list(DjangoProject().collect(ctx))
        self.gaps = {m.kind: m for m in self.messages if isinstance(m, Gap)}
        self.complete = {m.kind: m for m in self.messages if isinstance(m, Complete)}

    def rows(self, kind: str) -> list[Any]:
        """The rows of a kind that was read."""
        assert kind in self.complete, self.gaps.get(kind)
        return [m.evidence for m in self.messages if isinstance(m, Record) and m.evidence.kind == kind]

    def one(self, kind: str, **where: Any) -> Any:
        """The one row with these values."""
        found = [r for r in self.rows(kind) if all(getattr(r, n) == v for n, v in where.items())]
        assert len(found) == 1, f"{kind} {where}: {len(found)} rows"
        return found[0]
