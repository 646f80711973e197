"""Places for commands. What is costly is made once for all tests of a worker and only read after that."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.helpers import Place, code_source, place_below, repository
from tests.servers import redis


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder to run commands in."""
    return place_below(tmp_path)


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git clone."""
    return repository(tmp_path_factory.mktemp("clone") / "shop")


@pytest.fixture(scope="session")
def cache() -> Iterator[redis.RedisServer]:
    """A Redis server that keeps nothing and asks for no password."""
    if not redis.available():
        pytest.skip("Redis is not installed: apt-get install redis-server")
    with redis.RedisServer(good=False) as server:
        yield server


@pytest.fixture(scope="session")
def collected(tmp_path_factory: pytest.TempPathFactory, clone: Path, cache: redis.RedisServer) -> Place:
    """A ledger with one collection of a clone and a cache; read it, never change it."""
    place = place_below(tmp_path_factory.mktemp("collected"))
    place.configure(
        '[organisation]\nname = "Example School"\n'
        + code_source(clone)
        + f'[sources.cache]\ncollector = "redis"\nhost = "127.0.0.1"\nport = {cache.port}\nholds_state = true\n'
        + 'environment = "production"\n'
    )
    done = place.run("collect", "--json")
    assert done.code == 0, done.words
    return place


@pytest.fixture
def copy(collected: Place, tmp_path: Path) -> Place:
    """A copy of the collected place with its keys and lock store, to change at will."""
    shutil.copytree(collected.folder, tmp_path / "work")
    shutil.copytree(collected.home, tmp_path / "work-home")
    return Place(tmp_path / "work")


@pytest.fixture
def little(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB; for tests that are marked `root`."""
    folder = tmp_path / "little"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)], capture_output=True, check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
