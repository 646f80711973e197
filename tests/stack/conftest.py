"""One running stack for all tests of a worker, and what an audit says of it as it should be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from examples.stack.judging import Said, judge
from examples.stack.parts import Ports
from examples.stack.stack import Stack


class Good(NamedTuple):
    """The stack, and its verdicts while nothing is wrong with it."""

    stack: Stack
    said: Said


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Good]:
    """A stack in its good state. Its servers run under another account: they must reach its folder."""
    home = tmp_path_factory.mktemp("stack")
    for folder in (home, *home.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    names = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
    with pytest.MonkeyPatch.context() as patch, Stack(home, Ports.free()) as stack:
        for name in names:
            patch.setenv(name, str(home / "user"))
        yield Good(stack, judge(home))


@pytest.fixture(autouse=True)
def _user_folders(good: Good, monkeypatch: pytest.MonkeyPatch, _own_user_folders: None) -> None:
    """The keys of this ledger lie in one place for all tests."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(Path(os.fspath(good.stack.home)) / "user"))
