"""The Django project: its environment, its tables, its first accounts, and the report of its settings."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from examples.stack import parts
from examples.stack.parts import Place
from examples.stack.parts.authority import Authority
from examples.stack.parts.identity import IdentityProvider
from examples.stack.parts.postgres import Postgres
from examples.stack.parts.web import PROJECT, ROOT

ACCOUNTS = """
import sys
from datetime import date
from auditlog.context import disable_auditlog, set_actor
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from records.models import Course, Grade, Note, Student, at_campus

def account(name, **more):
    user = User(username=name, email=f"{name}@school.example", last_login=timezone.now(), **more)
    user.set_password(open(f"SECRETS/user-{name}").read())
    user.save()
    return user

with disable_auditlog():  # the first account has nobody who could have made it
    ana = account("ana", is_staff=True, is_superuser=True)
TOTPDevice.objects.create(user=ana, name="telephone", confirmed=True)
with set_actor(ana, remote_addr="127.0.0.1"):
    rights = {
        "teachers": ["view_student", "view_grade", "change_grade"],
        "registrars": ["add_student", "view_student", "change_student", "add_course", "view_course", "change_course"],
    }
    for name, names in rights.items():
        Group.objects.create(name=name).permissions.set(Permission.objects.filter(codename__in=names))
    account("bruno").groups.add(Group.objects.get(name="teachers"))
    account("carla").groups.add(Group.objects.get(name="registrars"))
    student = Student.objects.create(name="Diego Ejemplo", born=date(2012, 3, 4), guardian_email="g@example.org")
    Grade.objects.create(student=student, course=Course.objects.create(title="Mathematics"), value=9)
    with at_campus("north"):
        Note.objects.create(student=student, campus="north", text="Reads well")
"""
PROBE = """
from django.contrib.auth import authenticate
from django.test import RequestFactory
typed = {"username": "probe", "password": "not it"}
authenticate(RequestFactory().post("/admin/login/", typed, REMOTE_ADDR="127.0.0.1"), **typed)
"""
# column by column, as the collector's README has it: no hash, key, token or content of a session is among them
GRANTS = {
    "auth_user": "id, username, email, is_superuser, is_staff, is_active, last_login, date_joined",
    "auth_group": "id, name",
    "auth_user_groups": "user_id, group_id",
    "auth_user_user_permissions": "user_id, permission_id",
    "auth_group_permissions": "group_id, permission_id",
    "auth_permission": "id, codename, content_type_id",
    "django_content_type": "id, app_label, model",
    "django_session": "expire_date",
    "django_admin_log": "id, action_time, user_id, content_type_id, object_id, action_flag, xmin",
    "otp_totp_totpdevice": "id, user_id, confirmed, created_at, last_used_at, throttling_failure_count",
    "axes_accessattempt": "id, username, ip_address, attempt_time, failures_since_start",
    "axes_accessattemptexpiration": "access_attempt_id, expires_at",
    "axes_accesslog": "id, username, ip_address, attempt_time, xmin",
    "axes_accessfailurelog": "id, username, ip_address, attempt_time, locked_out, xmin",
    "token_blacklist_outstandingtoken": "id, created_at, expires_at",
    "token_blacklist_blacklistedtoken": "token_id",
    "auditlog_logentry": "id, timestamp, actor_id, actor_email, content_type_id, object_pk, action, remote_addr, cid,"
    " xmin, changes",
}


class School:
    """The project, with the environment that its processes need."""

    def __init__(self, place: Place, authority: Authority, postgres: Postgres) -> None:
        self.place, self.postgres, ports = place, postgres, place.ports
        self.identity = IdentityProvider(place, authority)
        self.folder = place.part("school")
        self.local = self.folder / "settings/local_settings.py"
        self.report = self.folder / "report.json"
        for name in ("django", "owner", "app", "redis-school", "user-ana", "user-bruno", "user-carla"):
            place.secret(name)
        self.environment = {
            "PYTHONPATH": f"{PROJECT}:{ROOT / 'integrations/django'}:{self.local.parent}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "school.settings",
            "SCHOOL_SECRETS": str(place.folder / "secrets"),
            "SCHOOL_CA_FILE": str(authority.file),
            "SCHOOL_POSTGRES_PORT": str(ports.postgres),
            "SCHOOL_PGBOUNCER_PORT": str(ports.pgbouncer),
            "SCHOOL_REDIS_PORT": str(ports.redis),
            "SCHOOL_JWT_KEY": str(self.folder / "jwt.pem"),
            "SCHOOL_SAML": str(self.identity.folder),
        }

    def prepare(self) -> None:
        """Make the key for tokens, the tables and the first accounts, once; and always the probe and the report."""
        self.identity.prepare()
        if not self.local.parent.exists():
            self.local.parent.mkdir()
            self._key()
            self.manage(["migrate", "-v", "0"], owner=True)
            self.shell(ACCOUNTS)
            # a record just before a change counts as its own, because clocks differ: these are of another time
            self.postgres.sql(
                "UPDATE auditlog_logentry SET timestamp = timestamp - interval '1 hour'", database="school"
            )
            grants = (f"GRANT SELECT ({columns}) ON {table} TO compliance_reader" for table, columns in GRANTS.items())
            self.postgres.sql(*grants, database="school")
            # the application adds to its trail and never changes it
            self.postgres.sql(
                "REVOKE UPDATE, DELETE ON auditlog_logentry FROM school_app",
                "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM school_app",  # its owner's, who migrates
                database="school",
            )
        self.shell(PROBE)
        self.write_report()

    def configure(self, text: str) -> None:
        """Give this place settings of its own, in Python, and write the report again."""
        self.local.write_text(text)
        self.write_report()

    def write_report(self) -> None:
        """What the running settings know, for collector `django_settings`."""
        self.manage(["compliance_report", "--output", str(self.report)])

    def manage(self, arguments: Iterable[str], owner: bool = False) -> str:
        """The output of a management command, as the application or as the owner of its tables."""
        role = {"SCHOOL_DATABASE_ROLE": "owner"} if owner else {}
        return parts.run([sys.executable, str(PROJECT / "manage.py"), *arguments], {**self.environment, **role})

    def shell(self, code: str) -> str:
        """The output of Python code that runs inside the project."""
        return self.manage(["shell", "-v", "0", "-c", code.replace("SECRETS", str(self.place.folder / "secrets"))])

    def _key(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        private = self.folder / "jwt.pem"
        private.touch(0o600)
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        private.with_suffix(".pub").write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
