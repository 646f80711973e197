"""Rich `AuditResult` values for the report tests: every verdict, every reason, names that try to break a page."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import yaml

from compliance.schemas.catalogue import FRAMEWORKS, Control, Framework, PlannedControl, Requirement, Severity, Text
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import (
    AnchorView,
    AttestationView,
    AuditResult,
    Completeness,
    ControlResult,
    Coverage,
    FindingResult,
    FlagView,
    FrameworkResult,
    LedgerState,
    RequirementResult,
    UnknownReason,
    WaiverView,
)

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>"
LONG = "arn:aws:iam::123456789012:role/" + "very-long-unbroken-role-name-" * 8
BIDI = "\u0645\u0633\u062a\u062e\u062f\u0645\u202e/admin \U0001f680 \u6e2c\u8a66"  # with an override mark
FRAMEWORK_FILES = Path(__file__).parents[2] / "controls" / "frameworks"
SIZES = {"soc2": 61, "iso27001": 120, "pci_dss": 280, "ferpa": 75, "gdpr": 90, "lfpdppp": 110}


def anchors() -> tuple[AnchorView, ...]:
    """One that agrees, one on this machine, one that could not be asked."""
    return (
        AnchorView("vault", "s3", "s3://example-anchors/prod/", "ok", 1830, 1830, NOW - timedelta(minutes=4), 12,
                   remarks=("a delete marker lies over <one> copy",)),
        AnchorView("office", "folder", "/srv/anchors", "ok", 1842, 1842, NOW, 0,
                   shared="/srv/anchors lies on the same file system as the ledger"),
        AnchorView("clock", "tsa", "https://tsa.example.org/tsr", "unreachable", 0, 0, None, 1842,
                   message="unreachable: connection refused", remedy="open the way to it"),
    )  # fmt: skip


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def control(name: str, *, severity: Severity = Severity.HIGH, **changes: object) -> Control:
    """A definition with a threshold, limits and two reason codes."""
    fields: dict[str, object] = {
        "id": name,
        "version": 2,
        "title": {"en": f"Is {name} as it should be", "es": f"¿Está {name} como debe estar?"},
        "statement": {
            "en": "Every account that may change production proves itself with a second factor.",
            "es": "Toda cuenta que puede cambiar producción se acredita con un segundo factor.",
        },
        "severity": severity,
        "why": {
            "en": "A stolen password alone must not open production: most intrusions begin with one.",
            "es": "Una contraseña robada no debe bastar para abrir producción: casi toda intrusión empieza así.",
        },
        "remedy": {
            "en": "Enrol a second factor for each account listed, or take its production rights away.",
            "es": "Registre un segundo factor para cada cuenta de la lista o retírele los permisos de producción.",
        },
        "parameters": {
            "max_age_days": {
                "type": "int",
                "default": 90,
                "unit": "days",
                "title": {"en": "Oldest acceptable password", "es": "Contraseña más antigua aceptable"},
                "source": "PCI DSS 8.3.9",
                "bounds": {"pci_dss": {"max": 90, "clause": "8.3.9"}},
            },
            "roles": {
                "type": "list[str]",
                "default": ["admin", "operator"],
                "title": {"en": "Roles that count as privileged", "es": "Roles que cuentan como privilegiados"},
                "source": "our default",
            },
        },
        "fresh": "26h",
        "empty": {"reason": {"en": "No account was seen.", "es": "No se vio ninguna cuenta."}},
        "period": "config_daily",
        "reasons": {
            "mfa_off": {"en": "no second factor is enrolled", "es": "no hay un segundo factor registrado"},
            "mfa_on": {"en": "a second factor is enrolled", "es": "hay un segundo factor registrado"},
            "mfa_hidden": {"en": "the source does not show it", "es": "la fuente no lo muestra"},
        },
        "limits": {
            "en": "Does not see accounts that exist outside the configured sources.",
            "es": "No ve las cuentas que existen fuera de las fuentes configuradas.",
        },
    }
    return Control.model_validate({**fields, **changes})


def finding(name: str, number: int, verdict: Outcome, resource: str, **changes: object) -> FindingResult:
    code = {"pass": "mfa_on", "fail": "mfa_off", "unknown": "mfa_hidden", "not_applicable": "mfa_on"}[verdict.value]
    base = FindingResult(
        number=number,
        source="django-prod",
        resource=resource,
        verdict=verdict,
        code=code,
        reason=f"{resource}: {code.replace('_', ' ')}",
        entries=(1000 + number,),
        subject=f"person-{number % 7}",
        fingerprint=sha(f"{name}{resource}{code}"),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def findings(name: str, passing: int, failing: int, unknown: int) -> tuple[FindingResult, ...]:
    verdicts = [Outcome.FAIL] * failing + [Outcome.UNKNOWN] * unknown + [Outcome.PASS] * passing
    return tuple(finding(name, n, v, f"user-{n:04d}@example.org") for n, v in enumerate(verdicts, start=1))


def coverage(kind: str, outcome: str = "complete", source: str = "django-prod", **changes: object) -> Coverage:
    done = outcome == "complete"
    base = Coverage(
        source=source,
        collector="django 1",
        kind=kind,
        outcome=outcome,
        message=None if done else "permission denied for table auth_user",
        remedy=None if done else "GRANT SELECT ON auth_user TO evidence_reader;",
        attempted_at=NOW - timedelta(hours=1),
        completed_at=NOW - timedelta(hours=1) if done else NOW - timedelta(days=3),
        entry=900,
        complete_entry=900 if done else 411,
        base_entry=400,
        rows=412 if done else None,
        previous_rows=409,
        independent_count=412 if done else None,
        added=5 if done else None,
        removed=2 if done else None,
        attempts=1 if done else 3,
        requests=(
            {
                "method": "sql",
                "text": "SELECT id, username, is_active, is_superuser, last_login\nFROM auth_user ORDER BY id",
                "digest": sha(kind),
            },
        ),
        snapshot_sha256=sha(f"{kind}{source}") if done else None,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def result_of(
    name: str,
    verdict: Outcome,
    rows: tuple[FindingResult, ...] = (),
    *,
    severity: Severity = Severity.HIGH,
    unknown: UnknownReason | None = None,
    waived: bool = False,
    **changes: object,
) -> ControlResult:
    definition = control(name, severity=severity)
    whole = Completeness.PARTIAL if verdict is Outcome.UNKNOWN else Completeness.COMPLETE
    base = ControlResult(
        id=name,
        title=definition.title,
        severity=severity,
        verdict=verdict,
        unknown_reason=unknown,
        completeness=whole,
        reason=f"{sum(f.verdict is Outcome.FAIL for f in rows)} of {len(rows)} accounts fail",
        findings=rows,
        waived=waived,
        control=definition,
        sha256=sha(name),
        sql="SELECT 1",
        parameters={"max_age_days": 90, "roles": ["admin", "operator"]},
        kinds=("user_account", "mfa_enrolment"),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def planned(name: str) -> ControlResult:
    title = Text(en=f"Planned question {name}", es=f"Pregunta prevista {name}")
    item = PlannedControl.model_validate(
        {"id": name, "title": title, "severity": "medium", "needs": ["ticket"], "from": "the issue tracker"}
    )
    return ControlResult(
        id=name,
        title=title,
        severity=item.severity,
        verdict=Outcome.UNKNOWN,
        unknown_reason=UnknownReason.NO_COLLECTOR,
        completeness=Completeness.NONE,
        reason="no collector reads the issue tracker yet",
        planned=item,
    )


def controls() -> dict[str, ControlResult]:
    """One control of every sort, and hostile names among the findings."""
    hostile = (
        finding("access.hostile", 1, Outcome.FAIL, HOSTILE, reason=f'{HOSTILE} & "quotes"'),
        finding("access.hostile", 2, Outcome.FAIL, LONG),
        finding("access.hostile", 3, Outcome.UNKNOWN, BIDI),
        finding("access.hostile", 4, Outcome.PASS, '=HYPERLINK("http://x","y")'),
        finding("access.hostile", 5, Outcome.FAIL, "a\x00b\x1b[31m"),
    )
    accepted = (
        finding("access.waived", 1, Outcome.FAIL, "legacy-batch", waiver="W-1"),
        finding("access.waived", 2, Outcome.PASS, "batch-2"),
    )
    made = [
        result_of("access.mfa", Outcome.FAIL, findings("access.mfa", 40, 3, 2), severity=Severity.CRITICAL),
        result_of("access.hostile", Outcome.FAIL, hostile),
        result_of("access.waived", Outcome.FAIL, accepted, severity=Severity.MEDIUM, waived=True),
        result_of("backup.recent", Outcome.PASS, findings("backup.recent", 12, 0, 0)),
        result_of("crypto.tls", Outcome.PASS, findings("crypto.tls", 4, 0, 0), severity=Severity.MEDIUM),
        result_of(
            "host.patches",
            Outcome.UNKNOWN,
            unknown=UnknownReason.STALE,
            reason="newest complete collection of package from web-1 is 3 d old, 26 h are allowed",
            gaps=(coverage("package", "unreachable", "web-1"),),
        ),
        result_of("log.shipped", Outcome.UNKNOWN, findings("log.shipped", 3, 0, 1), unknown=UnknownReason.UNREADABLE),
        result_of("privacy.eu", Outcome.NOT_APPLICABLE, reason="declared off: eu_subjects", severity=Severity.LOW),
        planned("change.tickets"),
        planned("people.training"),
    ]
    return {c.id: c for c in made}


def small_framework(name: str, size: int) -> Framework:
    """A framework of `size` requirements in groups of seven, that name the factory's controls in turn."""
    names = list(controls())
    groups = []
    for start in range(0, size, 7):
        items = []
        for n in range(start, min(start + 7, size)):
            automation = ("full", "partial", "none")[n % 3]
            items.append(
                {
                    "id": f"{start // 7 + 1}.{n - start + 1}",
                    "title": {
                        "en": f"Requirement {n}: privileged access is limited, reviewed and proven",
                        "es": f"Requisito {n}: el acceso privilegiado se limita, se revisa y se prueba",
                    },
                    "kind": "procedural" if automation == "none" else "technical",
                    "automation": automation,
                    "manual": [] if automation == "full" else ["document", "attestation"],
                    "condition": "eu_subjects" if n % 11 == 5 else None,
                    "direct": []
                    if automation == "none"
                    else [{"control": names[n % len(names)], "why": "It names the same subject."}],
                    "supporting": [{"control": names[(n + 3) % len(names)], "why": "An auditor would want to see it."}],
                }
            )
        title = {"en": f"Section {start // 7 + 1}, access and operation", "es": f"Sección {start // 7 + 1}, acceso"}
        groups.append({"id": str(start // 7 + 1), "title": title, "requirements": items})
    return Framework.model_validate(
        {
            "id": name,
            "name": {"en": f"Framework {name.upper()}", "es": f"Marco {name.upper()}"},
            "short": name.upper(),
            "edition": "2026 edition",
            "authority": "An authority",
            "text_notice": {"en": "The text is the authority's; titles are our own words."},
            "requirement_word": {"en": "requirement", "es": "requisito"},
            "groups": groups,
        }
    )


@cache
def framework(name: str) -> Framework:
    """The real catalogue file where there is one, a small one else."""
    path = FRAMEWORK_FILES / f"{name}.yaml"
    if path.is_file():
        return Framework.model_validate(yaml.safe_load(path.read_text()))
    return small_framework(name, SIZES[name])


def judge(requirement: Requirement, group: str, made: dict[str, ControlResult]) -> RequirementResult:
    """A plausible verdict, worst control first; never better than its controls."""
    direct = tuple(link.control for link in requirement.direct)
    known = [made[c] for c in direct if c in made]
    verdicts = [c.verdict for c in known]
    waived = False
    if requirement.condition == "eu_subjects":
        verdict, code, reason = Outcome.NOT_APPLICABLE, "not_applicable_declared", "eu_subjects is declared off"
    elif Outcome.FAIL in verdicts:
        verdict, code, reason = Outcome.FAIL, "control_fails", "a direct control fails"
        waived = all(c.waived for c in known if c.verdict is Outcome.FAIL)
    elif not direct:
        verdict, code, reason = Outcome.UNKNOWN, "no_control", "needs manual evidence"
    elif Outcome.UNKNOWN in verdicts:
        verdict, code, reason = Outcome.UNKNOWN, "control_unknown", "a direct control could not be decided"
    elif requirement.automation == "full":
        verdict, code, reason = Outcome.PASS, "controls_pass", "all direct controls pass"
    else:
        verdict, code, reason = Outcome.UNKNOWN, "manual_missing", "controls pass; a document is missing"
    return RequirementResult(
        requirement=requirement,
        group=group,
        verdict=verdict,
        code=code,
        reason=reason,
        waived=waived,
        direct=direct,
        supporting=tuple(link.control for link in requirement.supporting),
        attestations=("A-1",) if requirement.id == "1.1" else (),
    )


def framework_result(item: Framework, made: dict[str, ControlResult]) -> FrameworkResult:
    return FrameworkResult(item, tuple(judge(r, g.id, made) for g in item.groups for r in g.requirements))


def named_by(item: Framework) -> set[str]:
    return {link.control for r in item.requirements for link in (*r.direct, *r.supporting)}


def waiver(name: str, state: str, why_not: str | None = None, **changes: object) -> WaiverView:
    base = WaiverView(
        waiver=name,
        control="access.waived",
        source="django-prod",
        resource="legacy-batch",
        reason="The batch account is replaced in the first quarter; it has no interactive login.",
        compensating_control="Network rule: only from the batch host.",
        requested_by="ana.lopez",
        requested_at=NOW - timedelta(days=20),
        approved_by="c.iso" if state != "requested" else None,
        approved_at=NOW - timedelta(days=19) if state != "requested" else None,
        expires_at=NOW + timedelta(days=40),
        state=state,
        why_not=why_not,
        entries=(512, 530),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def fill_controls(names: set[str]) -> dict[str, ControlResult]:
    """Results for the controls that a real catalogue names, of every sort in turn."""
    pattern = list(controls().values())
    made: dict[str, ControlResult] = {}
    for n, name in enumerate(sorted(names)):
        like = pattern[n % len(pattern)]
        changes = {"id": name, "title": Text(en=f"Is {name} as it should be", es=f"¿Está {name} como debe?")}
        made[name] = replace(like, **changes)  # type: ignore[arg-type]
    return made


def audit(frameworks: tuple[str, ...] = ("soc2",), *, size: int | None = None, **changes: object) -> AuditResult:
    """An audit of these frameworks; `size` takes small made-up ones instead of the catalogue's."""
    items = [framework(f) if size is None else small_framework(f, size) for f in frameworks]
    made = controls()
    made.update(fill_controls(set().union(*(named_by(i) for i in items)) - set(made)))
    rows = [
        coverage("user_account", controls=("access.mfa", "access.hostile")),
        coverage("mfa_enrolment", "denied", controls=("access.mfa",)),
        coverage("package", "unreachable", "web-1", controls=("host.patches",), rows=None),
        coverage("tls_endpoint", source="edge", controls=("crypto.tls",)),
        coverage("backup_run", source="pgbackrest", added=1, removed=0, controls=("backup.recent",)),
        coverage(
            "log_shipment",
            "never",
            "elk",
            attempts=0,
            attempted_at=None,
            completed_at=None,
            entry=None,
            complete_entry=None,
            base_entry=None,
            requests=(),
        ),
        coverage("role_grant", source="old-db", removed_from_configuration=True),
    ]
    base = AuditResult(
        audit="AUD-2026-11-23-0001",
        organisation="Colegio Ejemplo S.C. & <Partners>",
        engine_version="0.1.0",
        as_of=NOW,
        known="then",
        generated_at=NOW + timedelta(minutes=2),
        ledger=LedgerState(
            origin="ledger.example.org/prod",
            size=1842,
            root=sha("root"),
            checkpoint="ledger.example.org/prod\n1842\nvK0n3qk5k1c=\n\n— ledger.example.org/prod AbCdEf0123456789==\n",
            vkey="ledger.example.org/prod+1a2b3c4d+AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
            verified=True,
            lock_store="ok",
            anchors=anchors()[:1],
        ),
        coverage=tuple(rows),
        controls=made,
        frameworks=tuple(framework_result(i, made) for i in items),
        profile=(
            FlagView("eu_subjects", False, "Data protection officer", NOW - timedelta(days=30), True, 77),
            FlagView("processes_payments", True, "Head of finance", NOW - timedelta(days=400), False, 12),
        ),
        waivers=(
            waiver("W-1", "in_force"),
            waiver("W-2", "expired", "its last day was 2026-10-01", expires_at=NOW - timedelta(days=53)),
            waiver("W-3", "refused", "requester and approver are the same person", approved_by="ana.lopez"),
            waiver("W-4", "requested", "nobody has approved it"),
        ),
        attestations=(
            AttestationView(
                "A-1",
                "document",
                None,
                ("soc2:1.1",),
                "Access policy, version 7",
                "ana.lopez",
                "c.iso",
                NOW - timedelta(days=60),
                NOW + timedelta(days=305),
                sha("policy"),
                True,
                640,
            ),
        ),
        notes=("The collection of web-1 was interrupted.",),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


ALL = FRAMEWORKS
