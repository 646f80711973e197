"""A real Django 5.2 project in a temporary folder, migrated into a database of a running PostgreSQL server.

`DjangoDatabase(server, "shop")` makes the database, the project and its tables, with the apps that keep second
factors, failed sign-ins, tokens and audit trails. `run(code)` executes Python inside the project, as a request or a
management command would. `own_users=True` gives it a user model of its own, and django-mfa2 instead of allauth: both
call their app `mfa`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.servers.postgres import PostgresServer

SECRET_KEY = "planted-django-secret-6610be"
_SETTINGS = """
SECRET_KEY = {secret!r}
DEBUG = False
USE_TZ = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
    "django.contrib.admin", "shop", *{apps!r},
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware", *{middleware!r},
]
TEMPLATES = [{{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {{
    "context_processors": ["django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages"]}}}}]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", **{database!r}}}}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTHENTICATION_BACKENDS = {backends!r}
AXES_ENABLE_ACCESS_FAILURE_LOG = True
AXES_FAILURE_LIMIT = 3
SITE_ID = 1
{more}
"""
_MODELS = """
from django.contrib.auth.models import AbstractUser, User
from django.db import models

{own}

class Order(models.Model):
    number = models.CharField(max_length=40)
    total = models.IntegerField(default=0)
    {history}

{register}
"""
_OWN_USER = """
class Member(AbstractUser):
    staff_number = models.CharField(max_length=20, blank=True)
"""
_ALL = (
    "django_otp", "django_otp.plugins.otp_totp", "django_otp.plugins.otp_static", "axes", "auditlog", "simple_history",
    "rest_framework_simplejwt.token_blacklist", "allauth", "allauth.account", "allauth.mfa",
)  # fmt: skip
_HISTORY = """from simple_history.models import HistoricalRecords
    history = HistoricalRecords()"""
_REGISTER = """
from auditlog.registry import auditlog
from django.contrib.auth.models import Group
auditlog.register(Order)
auditlog.register(
    User, m2m_fields={"groups", "user_permissions"}, exclude_fields=["last_login"], mask_fields=["password"]
)
auditlog.register(Group, m2m_fields={"permissions"})
"""


class DjangoDatabase:
    """A migrated project. `name` is its database; `server` the PostgreSQL server that holds it."""

    def __init__(self, server: PostgresServer, name: str, *, own_users: bool = False, bare: bool = False) -> None:
        self.server, self.name = server, name
        self.folder = Path(tempfile.mkdtemp(prefix="django-", dir="/tmp"))
        server.sql(f'CREATE DATABASE "{name}"')
        full = not (own_users or bare)
        self._write(full, own_users)
        migrations = self.folder / "shop" / "migrations"
        migrations.mkdir()
        (migrations / "__init__.py").touch()
        self._manage("makemigrations", "shop", "-v0")
        self._manage("migrate", "-v0")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def copy(self, name: str) -> DjangoDatabase:
        """The project as it is now, under another name: database, rights and folder. Nobody may be connected to it."""
        made = object.__new__(DjangoDatabase)
        made.server, made.name = self.server, name
        made.folder = Path(tempfile.mkdtemp(prefix="django-", dir="/tmp"))
        shutil.copytree(self.folder, made.folder, dirs_exist_ok=True)
        settings = made.folder / "settings.py"
        settings.write_text(settings.read_text().replace(f"'NAME': {self.name!r}", f"'NAME': {name!r}"))
        self.server.sql(f'CREATE DATABASE "{name}" TEMPLATE "{self.name}"')
        return made

    def run(self, code: str) -> str:
        """What `code` prints, executed in the project after `django.setup()`. Raises RuntimeError with its output."""
        return self._python("-c", "import django\ndjango.setup()\n" + code)

    def sql(self, *statements: str) -> None:
        """Run statements as the database's administrator."""
        self.server.sql(*statements, dbname=self.name)

    def _write(self, full: bool, own_users: bool) -> None:
        given = self.server.parameters(self.name)
        database = {
            "NAME": self.name, "USER": given["user"], "PASSWORD": given["password"], "HOST": given["host"],
            "PORT": str(given["port"]),
        }  # fmt: skip
        extra = 'AUTH_USER_MODEL = "shop.Member"\n' if own_users else ""
        middleware = (
            ("allauth.account.middleware.AccountMiddleware", "auditlog.middleware.AuditlogMiddleware",
             "axes.middleware.AxesMiddleware") if full else ()
        )  # fmt: skip
        backends = ["django.contrib.auth.backends.ModelBackend"]
        self._put(
            "settings.py",
            _SETTINGS.format(
                secret=SECRET_KEY, apps=_ALL if full else ("mfa",) if own_users else (), middleware=middleware,
                database=database, backends=(["axes.backends.AxesStandaloneBackend"] if full else []) + backends,
                more=extra,
            ),
        )  # fmt: skip
        self._put(
            "urls.py",
            "from django.contrib import admin\nfrom django.urls import path\n"
            'urlpatterns = [path("admin/", admin.site.urls)]\n',
        )
        self._put("shop/__init__.py", "")
        self._put(
            "shop/models.py",
            _MODELS.format(
                own=_OWN_USER if own_users else "",
                history=_HISTORY if full else "",
                register=_REGISTER if full else "",
            ),
        )  # fmt: skip

    def _put(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def _manage(self, *arguments: str) -> None:
        self._python("-m", "django", *arguments)

    def _python(self, *arguments: str) -> str:
        environment: dict[str, Any] = {
            **os.environ, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(self.folder),
            "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=environment, check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"django in {self.folder} failed:\n{done.stdout}{done.stderr}")
        return done.stdout
