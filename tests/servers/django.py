"""A real Django project (`django_project/`), with keys, certificates and SAML metadata made for it."""

from __future__ import annotations

import importlib.metadata
import os
import pwd
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).parent / "django_project"
DISTRIBUTIONS = (
    "argon2-cffi",
    "django",
    "django-axes",
    "django-ipware",
    "django-password-validators",
    "djangorestframework-simplejwt",
    "djangosaml2",
    "psycopg",
    "psycopg-binary",
    "python3-saml",
)
APP = ROOT / "integrations" / "django"
IDP = "https://idp.example/metadata"

# Refuses what is signed with SHA-1, as a hardened system's own xmlsec1 does, and hands the rest on.
_STRICT = """#!/bin/sh
for last; do :; done
case " $* " in *" --verify "*)
    for file in "$@"; do [ -f "$file" ] && grep -q 'xmldsig#.*sha1' "$file" && exit 1; done ;;
esac
exec /usr/bin/xmlsec1 "$@"
"""


def _open_to_all(path: Path) -> bool:
    """Every folder on the way may be entered by anybody, and the file be run."""
    real = path.resolve()
    return all(part.stat().st_mode & 0o001 for part in (real, *real.parents))


def own_account() -> str:
    """The account that runs the project: an ordinary one, also when the tests run as root."""
    return "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def python() -> str:
    """A Python of this version that the account may run; a root's own one lies in a closed home."""
    if os.geteuid() != 0:
        return sys.executable
    if _open_to_all(Path(sys.executable)):
        return str(Path(sys.executable).resolve())
    other = shutil.which(f"python{sys.version_info[0]}.{sys.version_info[1]}", path="/usr/bin:/usr/local/bin")
    if other is None:
        pytest.skip("needs a Python of the same version that an ordinary account may run")
    return other


def packages_for(folder: Path) -> list[str]:
    """Folders from which the account imports Django, our application and the rest. What lies behind a closed folder is
    copied into `folder`: a root's checkout may."""
    places = [APP, Path(sysconfig.get_path("purelib"))]
    if os.geteuid() != 0 or all(_open_to_all(place) for place in places):
        return [str(place) for place in places]
    shutil.copytree(APP / "compliance_django", folder / "compliance_django")
    for distribution in _needed():
        for file in distribution.files or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(distribution.locate_file(file), folder / file)
    return [str(folder)]


def _needed() -> Iterator[importlib.metadata.Distribution]:
    """The distributions that the project imports, with what they need."""
    seen: set[str] = set()
    waiting = list(DISTRIBUTIONS)
    while waiting:
        name = waiting.pop()
        if name.lower() in seen:
            continue
        seen.add(name.lower())
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # needed elsewhere only: another system, an extra
        yield found
        asked = [text for text in found.requires or () if "extra ==" not in text]
        waiting += [re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0] for text in asked]


class DjangoProject:
    """The project copied to a folder of its own: `folder`, `data` (what its settings read), `env` to run it with."""

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="django-", dir="/tmp"))
        self.folder = self.base / "project"
        self.data = self.base / "data"
        self.env = {
            "SHOP_DATA": str(self.data),
            "SHOP_XMLSEC": str(self.base / "xmlsec1-strict"),
            "PYTHONPATH": os.pathsep.join(packages_for(self.base / "packages")),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def __enter__(self) -> Self:
        self.base.chmod(0o755)
        shutil.copytree(PROJECT, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        self.data.mkdir()
        strict = self.base / "xmlsec1-strict"
        strict.write_text(_STRICT)
        strict.chmod(0o755)
        make_key(self.data / "jwt.key", rsa.generate_private_key(65537, 2048), public=self.data / "jwt.pub")
        make_key(self.data / "ec.key", ec.generate_private_key(ec.SECP256R1()), public=self.data / "ec.pub")
        make_certificate(self.data, "sp", timedelta(days=700))
        make_certificate(self.data, "idp", timedelta(days=700))
        make_certificate(self.data, "idp_ending", timedelta(days=10))
        for name in ("idp", "idp_ending"):
            (self.data / f"{name}.xml").write_text(idp_metadata(self.data, name))
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        shutil.rmtree(self.base)

    def command(self, *arguments: str) -> list[str]:
        """`manage.py compliance_report`, as an argument list."""
        return [python(), str(self.folder / "manage.py"), "compliance_report", *arguments]

    def run(
        self, settings: str, *arguments: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs the command under these settings."""
        given = {**os.environ, **self.env, "DJANGO_SETTINGS_MODULE": settings, **(env or {})}
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def make_key(path: Path, key: Any, *, public: Path) -> None:
    """Writes a private key and its public part as PEM."""
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, info))


def make_certificate(folder: Path, name: str, lasts: timedelta, starts: timedelta = timedelta(days=1)) -> None:
    """A self-signed certificate and its key, as identity providers have them."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - starts)
        .not_valid_after(now + lasts)
        .sign(key, hashes.SHA256())
    )
    (folder / f"{name}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    make_key(folder / f"{name}.key", key, public=folder / f"{name}.pub")


def idp_metadata(data: Path, name: str) -> str:
    """Metadata of an identity provider, as pysaml2 writes them."""
    config = IdPConfig()
    config.load(
        {
            "entityid": IDP,
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "valid_for": 8760,
            "key_file": str(data / f"{name}.key"),
            "cert_file": str(data / f"{name}.crt"),
            "service": {
                "idp": {
                    "endpoints": {
                        "single_sign_on_service": [
                            ("https://idp.example/sso", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect")
                        ]
                    }
                }
            },
        }
    )
    return str(entity_descriptor(config))
