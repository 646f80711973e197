"""Which of the systems found on a machine a configured source reads already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compliance.app import config
from compliance.app.discover import Discovered, unconfigured
from compliance.schemas.messages import Found


def left(tmp_path: Path, collector: str, found: dict[str, Any], configured: dict[str, Any]) -> bool:
    sources = config.parse({"sources": {"s": configured}}, tmp_path / "compliance.toml", "").sources
    item = Discovered(collector, Found("n", found, "seen"))
    return unconfigured([item], sources) == [item]


REDIS = {"host": "localhost", "port": 6380}
SOCKET = {"host": "/run/pg", "port": 5433, "dbname": "postgres", "user": "root"}
DJANGO = {"settings_module": "shop.live", "folder": "/srv/shop", "command": ["/srv/python", "manage.py"]}
READ = [
    ("redis", REDIS, {"collector": "redis", "host": "127.0.0.1", "port": 6380, "username": "reader"}),
    ("redis", {"host": "localhost", "port": 6379}, {"collector": "redis"}),
    ("redis", {"unix_socket": "/run/r.sock"}, {"collector": "redis", "unix_socket": "/run/r.sock"}),
    ("postgres", SOCKET, {"collector": "postgres", "host": "127.0.0.1", "port": 5433, "user": "reader"}),
    ("postgres", SOCKET, {"collector": "postgres", "host": "/run/pg", "port": 5433, "dbname": "shop"}),
    ("postgres", {"host": "localhost", "port": 5432}, {"collector": "postgres", "user": "reader"}),
    ("nginx", {"config": "/etc/nginx/nginx.conf"}, {"collector": "nginx"}),
    ("host", {}, {"collector": "host", "asset": "db1"}),
    ("django_settings", DJANGO, {"collector": "django_settings", "settings_module": "shop.live", "report": "/r.json"}),
    (
        "gunicorn",
        {"bind": "127.0.0.1:8000", "config": "/srv/conf.py"},
        {"collector": "gunicorn", "bind": "localhost:8000"},
    ),
    (
        "tls",
        {"endpoints": [{"host": "127.0.0.1", "port": 8443}]},
        {"collector": "tls", "endpoints": [{"host": "localhost", "port": 8443, "server_name": "shop.example"}]},
    ),
]
NOT_READ = [
    ("redis", REDIS, {"collector": "redis", "host": "127.0.0.1", "port": 6379}),
    ("redis", REDIS, {"collector": "redis", "host": "cache1.internal", "port": 6380}),
    ("redis", REDIS, {"collector": "redis", "unix_socket": "/run/r.sock"}),
    ("redis", {"unix_socket": "/run/r.sock"}, {"collector": "redis", "port": 6380}),
    ("postgres", SOCKET, {"collector": "postgres", "host": "127.0.0.1", "port": 5432}),
    ("postgres", SOCKET, {"collector": "postgres", "host": "db1.internal", "port": 5433}),
    ("postgres", SOCKET, {"collector": "postgres", "service": "shop"}),
    ("host", {}, {"collector": "redis"}),
    ("gunicorn", {"bind": "127.0.0.1:8001"}, {"collector": "gunicorn", "bind": "127.0.0.1:8000"}),
    ("django_settings", DJANGO, {"collector": "django_settings", "settings_module": "shop.test", "report": "/r.json"}),
    (
        "tls",
        {"endpoints": [{"host": "127.0.0.1", "port": 443}, {"host": "127.0.0.1", "port": 8443}]},
        {"collector": "tls", "endpoints": [{"host": "127.0.0.1"}]},
    ),
]


@pytest.mark.parametrize(("collector", "found", "configured"), READ)
def test_what_a_source_reads_is_not_said_to_be_unread(
    tmp_path: Path, collector: str, found: dict[str, Any], configured: dict[str, Any]
) -> None:
    assert not left(tmp_path, collector, found, configured)


@pytest.mark.parametrize(("collector", "found", "configured"), NOT_READ)
def test_what_no_source_reads_is_said(
    tmp_path: Path, collector: str, found: dict[str, Any], configured: dict[str, Any]
) -> None:
    assert left(tmp_path, collector, found, configured)


@pytest.mark.parametrize("paths", [["clones/shop"], ["clones"], ["link"]])
def test_a_clone_is_read_by_its_own_path_by_the_folder_above_and_by_a_link(tmp_path: Path, paths: list[str]) -> None:
    (tmp_path / "clones" / "shop").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "clones")
    found = {"paths": [str(tmp_path / "clones" / "shop")]}
    assert not left(tmp_path, "git", found, {"collector": "git", "paths": paths})
    assert left(tmp_path, "git", found, {"collector": "git", "paths": ["clones/other"]})
