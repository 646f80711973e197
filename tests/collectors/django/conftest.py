"""One PostgreSQL server with a migrated Django project, read by a role that has exactly what the README grants."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import compliance.collectors.django
from compliance.collectors.django import Django
from compliance.schemas.messages import Context
from tests.servers.django_database import DjangoDatabase
from tests.servers.postgres import PostgresServer, available

READER = "compliance_reader"
READER_PASSWORD = "planted-reader-71c9fe"
PAGE = Path(compliance.collectors.django.__file__).with_name("README.md")
Make = Callable[..., Context[Any]]

POPULATION = """
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission, User
from django.test import RequestFactory
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from allauth.mfa.models import Authenticator
from rest_framework_simplejwt.tokens import RefreshToken
from django.contrib.sessions.backends.db import SessionStore
from shop.models import Order

def user(name, **values):
    return User.objects.create_user(name, password="planted-password-55", email=name + "@shop.example", **values)

ana, ben = user("ana", is_superuser=True, is_staff=True), user("ben", is_staff=True)
eva, kim = user("eva"), user("kim", is_active=False)
editors, keepers = Group.objects.create(name="Editors"), Group.objects.create(name="Keepers")
editors.permissions.add(Permission.objects.get(codename="change_order"), Permission.objects.get(codename="view_order"))
keepers.permissions.add(Permission.objects.get(codename="change_user"))
eva.groups.add(editors)
kim.groups.add(keepers)
eva.user_permissions.add(Permission.objects.get(codename="delete_order"))
TOTPDevice.objects.create(user=ana, name="phone", confirmed=True, key="706c616e7465642d746f7470")
TOTPDevice.objects.create(user=ben, name="phone", confirmed=False)
StaticToken.objects.create(device=StaticDevice.objects.create(user=ben, name="codes"), token="plantedcode9")
Authenticator.objects.create(user=eva, type="totp", data={"secret": "planted-allauth-secret"})
RefreshToken.for_user(eva)
store = SessionStore(); store["note"] = "planted-session-data"; store.create()
typed = {"username": "eva", "password": "planted-typed-password"}
request = RequestFactory().post("/", typed, REMOTE_ADDR="203.0.113.9")
for _ in range(4):
    authenticate(request, **typed)
order = Order.objects.create(number="planted-order-number"); order.total = 5; order.save()
"""


def granted() -> list[str]:
    """The statements of the README, the optional ones apart."""
    blocks = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    lines = [line for block in blocks[:2] for line in block.splitlines() if line and not line.startswith("--")]
    return [line.rstrip(";").replace("…", READER_PASSWORD) for line in lines]


def grants(project: DjangoDatabase) -> None:
    """Give the reader what the README gives, for the tables that are there."""
    with project.server.session(project.name) as conn:
        tables = {row[0] for row in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    project.sql(*(line for line in granted() if " ON " in line and line.split(" ON ")[1].split()[0] in tables))


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    if not available():
        pytest.skip("PostgreSQL is not installed")
    with PostgresServer() as running:
        running.sql(granted()[0])
        yield running


@pytest.fixture(scope="session")
def project(server: PostgresServer) -> Iterator[DjangoDatabase]:
    """The project in its usual state; tests that change it put it back."""
    with DjangoDatabase(server, "shop") as made:
        grants(made)
        made.run(POPULATION)
        yield made


@pytest.fixture
def settings(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("DJANGO_READER", READER_PASSWORD)
    return {
        "host": "127.0.0.1",
        "port": server.port,
        "user": READER,
        "dbname": "shop",
        "password": "env:DJANGO_READER",
        "sslmode": "verify-full",
        "sslrootcert": str(server.ca),
    }


@pytest.fixture
def context(settings: dict[str, Any]) -> Make:
    """Makes a context for the reader; `changes` go into the settings."""

    def make(*kinds: str, cursors: Mapping[str, str] | None = None, **changes: Any) -> Context[Any]:
        return Context(
            source="shop",
            settings=Django.Settings.model_validate({**settings, **changes}),
            clock=lambda: datetime.now(UTC),
            wanted=frozenset(kinds or [kind.kind for kind in Django.kinds]),
            timeout_s=20.0,
            cursors=cursors or {},
        )

    return make
