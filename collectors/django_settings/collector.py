"""The collector: one report of the project, one optional key set, and which kind rests on what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from compliance.collectors.django_settings import discovery, keys, rows
from compliance.collectors.django_settings.report import fetch_report
from compliance.collectors.django_settings.settings import DjangoProjectSettings
from compliance.collectors.django_settings.shape import Report
from compliance.schemas.errors import SourceError
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.host import Setting
from compliance.schemas.kinds.identity import AuthPolicy
from compliance.schemas.kinds.network import InternalLink
from compliance.schemas.kinds.signon import (
    ApplicationEndpoint,
    ApplicationTable,
    JwtConfig,
    SelfCheck,
    SessionPolicy,
    SigningKey,
    SigningKeySeen,
    SsoConfig,
)
from compliance.schemas.messages import (
    Access,
    Cause,
    Complete,
    Context,
    Discovery,
    Found,
    Gap,
    Message,
    Record,
    Request,
    Settings,
)

FromReport = Callable[[Report, DjangoProjectSettings], Sequence[Evidence]]
_FROM_REPORT: dict[str, FromReport] = {
    AuthPolicy.kind: rows.rows_auth_policy,
    SessionPolicy.kind: rows.rows_session_policy,
    SsoConfig.kind: rows.rows_sso_config,
    JwtConfig.kind: rows.rows_jwt_config,
    ApplicationEndpoint.kind: rows.rows_application_endpoint,
    ApplicationTable.kind: rows.rows_application_table,
    SelfCheck.kind: rows.rows_self_check,
    Setting.kind: rows.rows_setting,
    InternalLink.kind: rows.rows_internal_link,
}


@dataclass(frozen=True, slots=True)
class _Answer:
    rows: Sequence[Evidence]
    requests: tuple[Request, ...]
    cursor: str | None = None


class DjangoProject:
    """Reads what a Django project says of itself, and the key set of its tokens."""

    name: ClassVar[str] = "django_settings"
    title: ClassVar[str] = "Django project (running settings)"
    kinds: ClassVar[tuple[type[Evidence], ...]] = (
        AuthPolicy,
        SessionPolicy,
        SsoConfig,
        JwtConfig,
        SigningKey,
        SigningKeySeen,
        ApplicationEndpoint,
        ApplicationTable,
        SelfCheck,
        Setting,
        InternalLink,
    )
    Settings: ClassVar[type[Settings]] = DjangoProjectSettings

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        """Projects whose server runs here and that have the command."""
        return discovery.discover(ctx.root)

    def check(self, ctx: Context[DjangoProjectSettings]) -> Iterator[Access]:
        """Has the report made once and keeps nothing of it."""
        reading = _Reading(ctx)
        for kind in self.kinds:
            try:
                answer = reading.answer(kind.kind)
                yield Access(kind.kind, True, reading.note(kind.kind) or f"{len(answer.rows)} rows")
            except SourceError as error:
                yield Access(kind.kind, False, error.message, error.remedy or "see the README of this collector")

    def collect(self, ctx: Context[DjangoProjectSettings]) -> Iterator[Message]:
        """Each wanted kind's records and its Complete, or its Gap. The report is made once for all of them."""
        reading = _Reading(ctx)
        for kind in self.kinds:
            if kind.kind not in ctx.wanted:
                continue
            try:
                answer = reading.answer(kind.kind)
            except SourceError as error:
                remedy = error.remedy or "see the README of this collector"
                yield Gap(kind.kind, Cause(error.cause), error.message, remedy, tuple(reading.asked))
                continue
            for row in answer.rows:
                yield Record(row)
            yield Complete(kind.kind, answer.requests, cursor=answer.cursor)


@dataclass(slots=True)
class _Reading:
    """One run: report and key set are fetched when first needed, or fail once for all that need them."""

    ctx: Context[DjangoProjectSettings]
    asked: list[Request] = field(default_factory=list)
    _kept: dict[str, Any] = field(default_factory=dict)

    def answer(self, kind: str) -> _Answer:
        """Rows and requests of a kind. Raises SourceError."""
        report, request = self._once("report", lambda: fetch_report(self.ctx))
        if kind in _FROM_REPORT:
            return _Answer(_FROM_REPORT[kind](report, self.ctx.settings), (request,))
        found, requests = self._keys(report, request)
        if kind == SigningKey.kind:
            return _Answer(found, requests)
        origins = [keys.SETTINGS, *([self.ctx.settings.jwks_url] if self.ctx.settings.jwks_url else [])]
        events, cursor = keys.newly_seen(found, origins, self.ctx.cursors.get(kind), self.ctx.clock())
        return _Answer(events, requests, cursor)

    def note(self, kind: str) -> str:
        """What `check` adds to a kind that is readable."""
        if kind != ApplicationEndpoint.kind:
            return ""
        report, _ = self._once("report", lambda: fetch_report(self.ctx))
        gone = rows.not_in_the_map(report, self.ctx.settings)
        return f"public_endpoints names routes that the map does not have: {', '.join(gone)}" if gone else ""

    def _keys(self, report: Report, request: Request) -> tuple[list[SigningKey], tuple[Request, ...]]:
        settings = self.ctx.settings
        found = keys.rows_of_report(report, settings.name)
        if settings.jwks_url is None:
            return found, (request,)
        url = settings.jwks_url
        text, asked = self._once("keys", lambda: keys.fetch_key_set(self.ctx, url))
        return [*found, *keys.rows_of_set(text, settings.name, url)], (request, asked)

    def _once(self, what: str, fetch: Callable[[], tuple[Any, Request]]) -> tuple[Any, Request]:
        if what not in self._kept:
            try:
                self._kept[what] = fetch()
                self.asked.append(self._kept[what][1])
            except SourceError as error:
                self._kept[what] = error
        kept = self._kept[what]
        if isinstance(kept, SourceError):
            raise kept
        return kept[0], kept[1]
