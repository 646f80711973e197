"""The people of the school, their accounts and rights, and what they were taught and signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from examples.demo_year.calendar import DAY, HOUR, at
from examples.demo_year.writing import Rows


@dataclass(frozen=True)
class Somebody:
    """A person of the staff register. `off` is when the account was locked, `gone` when it was deleted."""

    id: str
    account: str
    name: str
    job: str
    starts: datetime
    ends: datetime | None = None
    off: datetime | None = None
    gone: datetime | None = None
    is_developer: bool = False
    role: str = "Staff"


LEAVER = Somebody(
    "P-009", "ivan", "Iván Prado Gil", "support", at("2022-02-01"), at("2025-02-14 18:00"), gone=at("2025-03-07 15:00")
)
STAFF = (
    Somebody("P-001", "ana", "Ana Ruiz Cordero", "compliance officer", at("2019-08-01"), role="Auditors"),
    Somebody("P-002", "luis", "Luis Mora Vidal", "platform engineer", at("2020-02-17"), is_developer=True, role="Ops"),
    Somebody("P-003", "emma", "Emma Solís Paz", "data protection officer", at("2021-01-11")),
    Somebody("P-004", "raul", "Raúl Ibarra León", "director", at("2018-01-08")),
    Somebody("P-005", "sara", "Sara Núñez Rey", "developer", at("2021-03-01"), is_developer=True, role="Developers"),
    Somebody("P-006", "tomas", "Tomás Vega Luna", "developer", at("2021-09-01"), is_developer=True, role="Developers"),
    Somebody("P-007", "julia", "Julia Campos Rivas", "registrar", at("2020-06-01")),
    Somebody("P-008", "pedro", "Pedro Salas Mena", "accountant", at("2022-01-10")),
    LEAVER,
    Somebody(
        "P-010", "lucia", "Lucía Ferrer Soto", "security officer", at("2021-05-03"), is_developer=True, role="Ops"
    ),
    Somebody(
        "P-011",
        "hugo",
        "Hugo Bravo Cano",
        "teacher",
        at("2022-08-01"),
        at("2025-09-30 18:00"),
        off=at("2025-09-30 18:20"),
    ),
    Somebody("P-012", "noemi", "Noemí Arce Vila", "teacher", at("2023-08-01")),
    Somebody("P-013", "marta", "Marta Lago Ruiz", "support", at("2025-04-07")),  # took over from P-009
)
PRIVILEGED = ("Ops",)


def _here(now: datetime) -> list[Somebody]:
    return [one for one in STAFF if one.starts - 10 * DAY <= now]


def person(now: datetime) -> Rows:
    """The staff register; who is expected stands in it ten days before."""
    rows = []
    for one in _here(now):
        left = one.ends is not None and one.ends <= now
        rows.append(
            {
                "person": one.id,
                "name": one.name,
                "email": f"{one.account}@colegio-norte.example",
                "status": "left" if left else "active" if one.starts <= now else "expected",
                "is_contractor": False,
                "starts_at": one.starts,
                "ends_at": one.ends if one.ends is not None and one.ends - 30 * DAY <= now else None,
                "job": one.job,
                "is_developer": one.is_developer,
                "manager": None if one.id == "P-004" else "P-004",
            }
        )
    return rows


def user_account(now: datetime) -> Rows:
    """The accounts of the directory, and how they were last used: each working day, a few minutes apart."""
    rows = []
    for one in STAFF:
        if one.starts > now or (one.gone is not None and one.gone <= now):
            continue
        rows.append(
            {
                "account": one.account,
                "account_type": "human",
                "person": one.id,
                "email": f"{one.account}@colegio-norte.example",
                "is_active": one.off is None or one.off > now,
                "is_privileged": one.role in PRIVILEGED,
                "is_superuser": False,
                "interactive_login": True,
                "has_password": False,
                "mfa_enrolled": True,
                "sso_enforced": True,
                "is_vendor": False,
                "created_at": one.starts + 9 * HOUR,
                "last_login_at": _last_login(one, now),
                "never_logged_in": _last_login(one, now) is None,
                "disabled_at": one.off if one.off is not None and one.off <= now else None,
            }
        )
    rows.append(
        {
            "account": "backup-agent",
            "account_type": "service",
            "owner": "P-002",
            "purpose": "runs the backups",
            "is_active": True,
            "is_privileged": False,
            "is_superuser": False,
            "interactive_login": False,
            "has_password": False,
            "sso_enforced": False,
            "is_vendor": False,
            "created_at": at("2021-03-01"),
        }
    )
    return rows


def _last_login(one: Somebody, now: datetime) -> datetime | None:
    end = min(now, one.ends) if one.ends else now
    day = end.replace(hour=0, minute=0)
    minutes = Random(f"{one.id} {day:%Y-%m-%d}").randrange(120)
    moment = day + timedelta(hours=14, minutes=minutes)
    while moment > end or moment.weekday() > 4:
        moment -= DAY
    return moment if moment >= one.starts + 9 * HOUR else None


def role_grant(now: datetime) -> Rows:
    """Who holds which role of the directory, and who approved it."""
    return [
        {
            "account": one.account,
            "role": one.role,
            "scope": "directory",
            "is_privileged": one.role in PRIVILEGED,
            "is_direct": True,
            "granted_by": "P-002" if one.id != "P-002" else "P-010",
            "granted_at": one.starts + 9 * HOUR,
            "approved_by": "P-004" if one.id != "P-004" else "P-001",
            "approved_at": one.starts,
            "approval_ref": f"ACC-{one.id[2:]}",
            "expires_at": None if one.role not in PRIVILEGED else at("2026-06-30"),
        }
        for one in STAFF
        if one.starts <= now and (one.gone is None or one.gone > now) and (one.off is None or one.off > now)
    ]


ROWS = {
    ("registers", "person"): person,
    ("directory", "user_account"): user_account,
    ("directory", "role_grant"): role_grant,
}
