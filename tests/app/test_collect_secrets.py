"""Secrets are found before anything is begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from compliance.app import collect, config
from compliance.schemas.errors import ConfigError, SecretMissing

TEXT = """\
[sources.db]
collector = "postgres"
password = "env:ABSENT_IN_THIS_TEST"

[sources.code]
collector = "git"
paths = ["."]

[sources.off]
collector = "postgres"
enabled = false
password = "env:ABSENT_IN_THIS_TEST"
"""


@pytest.fixture
def configured(tmp_path: Path) -> config.Config:
    path = tmp_path / "compliance.toml"
    path.write_text(TEXT)
    return config.load(path)


def test_the_source_and_the_reference_are_named(configured: config.Config) -> None:
    with pytest.raises(SecretMissing, match=r"^\[sources\.db\] secret env:ABSENT_IN_THIS_TEST"):
        collect.secrets(configured, ())


def test_only_the_chosen_sources_need_theirs(configured: config.Config) -> None:
    collect.secrets(configured, ["code"])
    with pytest.raises(SecretMissing, match=r"sources\.off"):
        collect.secrets(configured, ["code", "off"])


def test_what_is_switched_off_needs_none(configured: config.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABSENT_IN_THIS_TEST", "planted-04b2")
    collect.secrets(configured, ())
    (ref,) = [source.settings.password for source in configured.sources if source.name == "db"]  # type: ignore[attr-defined]
    assert "planted-04b2" not in repr(ref) + str(ref) + repr(configured)


def test_an_unknown_source_is_refused(configured: config.Config) -> None:
    with pytest.raises(ConfigError, match="did you mean 'code'"):
        collect.secrets(configured, ["cod"])
