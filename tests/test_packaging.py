"""The two places that say where a folder lives must agree, and what runs in other people's processes stands alone."""

import ast
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETUP = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
FOLDERS = {k.removeprefix("compliance."): v for k, v in SETUP["package-dir"].items() if k != "compliance"}


def test_every_mapped_folder_has_its_link() -> None:
    linked = {p.name: p.resolve().name for p in (ROOT / "compliance").iterdir() if p.is_symlink()}
    assert linked == FOLDERS


def test_every_package_is_listed() -> None:
    found = set()
    for name, folder in SETUP["package-dir"].items():
        for init in (ROOT / folder).rglob("__init__.py"):
            parts = init.parent.relative_to(ROOT / folder).parts
            if name == "compliance" and parts and parts[0] in FOLDERS:
                continue  # behind a link: counted under its own folder
            found.add(".".join((name, *parts)))
    assert found == set(SETUP["packages"])


DJANGO = ROOT / "integrations" / "django"
# What the project itself must have installed; each is imported where it is used, never at the top.
OPTIONAL = {"axes", "cryptography", "djangosaml2", "onelogin", "rest_framework", "rest_framework_simplejwt", "saml2"}


def test_the_django_application_needs_django_alone() -> None:
    own = tomllib.loads((DJANGO / "pyproject.toml").read_text("utf-8"))
    assert own["project"]["dependencies"] == ["django>=4.2"]
    found = {".".join(p.parent.relative_to(DJANGO).parts) for p in DJANGO.rglob("__init__.py")}
    assert found == set(own["tool"]["setuptools"]["packages"])
    allowed = {*sys.stdlib_module_names, "django", "compliance_django"}
    for file in DJANGO.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        top = {id(node) for node in tree.body}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                roots = {name.partition(".")[0] for name in names}
                more = set() if id(node) in top else OPTIONAL
                assert roots <= allowed | more, f"{file.name} imports {roots}"


def test_the_engine_does_not_ship_the_django_application() -> None:
    named = {name for name in SETUP["packages"] if "django" in name}
    assert named == {"compliance.collectors.django", "compliance.collectors.django_settings"}
