"""The two places that say where a folder lives must agree."""

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
