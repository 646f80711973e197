"""Secrets by reference."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from compliance.schemas.errors import SecretMissing
from compliance.schemas.messages import Settings
from compliance.schemas.secrets import SecretRef


class Login(Settings):
    """Settings with a secret."""

    password: SecretRef


def test_a_secret_in_clear_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        Login.model_validate({"password": "hunter2-in-clear"})
    shown = caught.value.errors(include_input=False, include_url=False)
    assert "by reference" in str(shown)
    assert "hunter2" not in str(shown)


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "s3cret")
    settings = Login.model_validate({"password": "env:DB_PASSWORD"})
    assert settings.password.resolve() == "s3cret"
    assert "s3cret" not in repr(settings)
    assert settings.model_dump(mode="json") == {"password": "env:DB_PASSWORD"}


def test_file(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("s3cret\n")
    assert Login.model_validate({"password": f"file:{tmp_path}/pw"}).password.resolve() == "s3cret"


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "file:/nowhere/at/all"])
def test_a_missing_secret_names_the_reference(reference: str) -> None:
    with pytest.raises(SecretMissing, match=reference):
        Login.model_validate({"password": reference}).password.resolve()
