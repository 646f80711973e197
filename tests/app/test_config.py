"""What a configuration means: where its relative paths start, and which names it does not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compliance.app import config
from compliance.controls.local_days import ZONE
from compliance.schemas.errors import ConfigError

HERE = Path("/srv/engine")
SOURCES = {
    "code": {"collector": "git", "paths": ["clones/shop", "/abs"], "allowed_signers": "signers"},
    "cache": {"collector": "redis", "host": "x", "tls": True, "ca_file": "ca.pem", "password": "file:secrets/redis"},
    "socket": {"collector": "redis", "unix_socket": "run/redis.sock"},
    "web": {"collector": "tls", "ca_file": "ca.pem", "endpoints": [{"host": "x"}]},
    "db": {"collector": "postgres", "host": "x", "sslrootcert": "ca.pem"},
    "db2": {"collector": "postgres", "host": "x", "sslrootcert": "system", "password": "env:PW"},
}


def settings(name: str, path: Path | None = HERE / "compliance.toml") -> dict[str, Any]:
    found = config.parse({"sources": {name: SOURCES[name]}}, path, "").sources[0]
    return found.settings.model_dump(mode="json")


@pytest.mark.parametrize(
    ("source", "key", "means"),
    [
        ("code", "paths", ["/srv/engine/clones/shop", "/abs"]),
        ("code", "allowed_signers", "/srv/engine/signers"),
        ("cache", "ca_file", "/srv/engine/ca.pem"),
        ("cache", "password", "file:/srv/engine/secrets/redis"),
        ("socket", "unix_socket", "/srv/engine/run/redis.sock"),
        ("web", "ca_file", "/srv/engine/ca.pem"),
        ("db", "sslrootcert", "/srv/engine/ca.pem"),
        ("db2", "sslrootcert", "system"),
        ("db2", "password", "env:PW"),
    ],
)
def test_a_relative_path_starts_at_the_configuration_file(source: str, key: str, means: object) -> None:
    assert settings(source)[key] == means


def test_a_home_folder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    found = config.parse({"sources": {"code": {"collector": "git", "paths": ["~/shop"]}}}, HERE / "c.toml", "")
    assert found.sources[0].settings.model_dump(mode="json")["paths"] == ["/home/ana/shop"]


def test_the_home_folder_of_nobody_is_a_wrong_value() -> None:
    with pytest.raises(ConfigError, match=r"\[sources.code\] paths"):
        config.parse({"sources": {"code": {"collector": "git", "paths": ["~no-such-account/x"]}}}, HERE / "c.toml", "")


def test_a_nested_unknown_key_is_answered_with_the_nearest_name() -> None:
    wrong = {"collector": "tls", "endpoints": [{"host": "x"}, {"host": "y", "prt": 1}]}
    with pytest.raises(ConfigError) as caught:
        config.parse({"sources": {"web": wrong}}, HERE / "c.toml", "")
    assert "endpoints.1.prt: unknown key; did you mean 'port'?" in caught.value.message
    assert "redirect_port" in str(caught.value.remedy)


def test_a_misspelt_key_that_is_needed_is_told_as_misspelt() -> None:
    with pytest.raises(ConfigError, match=r"endpoints.0.hots: unknown key; did you mean 'host'\?"):
        config.parse({"sources": {"web": {"collector": "tls", "endpoints": [{"hots": "x"}]}}}, HERE / "c.toml", "")


def test_a_source_of_registers_promises_what_it_names() -> None:
    table = {"collector": "registers", "folder": "kept", "registers": {"register_return": {"owner": "Ana"}}}
    (source,) = config.parse({"sources": {"desk": table}}, HERE / "c.toml", "").sources
    assert [kind.kind for kind in source.kinds] == ["kept_register", "register_return"]
    assert source.settings.model_dump(mode="json")["folder"] == "/srv/engine/kept"
    with pytest.raises(
        ConfigError, match=r"registers: 'register_retrun' is no kind of evidence; did you mean register_"
    ):
        config.parse({"sources": {"desk": {**table, "registers": {"register_retrun": {}}}}}, HERE / "c.toml", "")
    with pytest.raises(ConfigError, match="unknown key; did you mean 'owner'"):
        config.parse({"sources": {"desk": {**table, "registers": {"register_return": {"owners": ""}}}}}, None, "")


def test_the_time_zone_of_the_organisation() -> None:
    assert config.parse({}, HERE / "c.toml", "").organisation.time_zone == ZONE
    given = {"organisation": {"name": "x", "time_zone": "America/Tijuana"}}
    assert config.parse(given, HERE / "c.toml", "").organisation.time_zone == "America/Tijuana"


@pytest.mark.parametrize("wrong", ["America/Tijuna", "America", "", "../etc/passwd"])
def test_a_time_zone_that_is_none_is_a_wrong_value(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"time_zone.*America/Tijuana"):
        config.parse({"organisation": {"time_zone": wrong}}, HERE / "c.toml", "")
