"""One running stack for all tests of a worker, and what an audit says of it as it should be."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from examples.stack.judging import Said, judge
from examples.stack.parts import Ports
from examples.stack.stack import Stack


@dataclass
class Good:
    """The stack, and its verdicts while nothing is wrong with it."""

    stack: Stack
    said: Said = field(default_factory=dict)

    def judge(self) -> None:
        """Audit it twice, into a new ledger: some controls compare a reading with the one before."""
        home = self.stack.home
        for folder in (home / "run/evidence", home / "user"):
            shutil.rmtree(folder, ignore_errors=True)
        judge(home)
        self.said = judge(home)


@pytest.fixture(scope="session")
def good() -> Iterator[Good]:
    """A stack in its good state. Its servers run under another account: they must reach its folder, which those of
    pytest do not allow."""
    with ExitStack() as ends:  # the folder goes even where the servers never came up; logs must outlive a restart
        kept = tempfile.TemporaryDirectory(prefix="stack-", dir="/var/tmp", ignore_cleanup_errors=True)
        home = Path(ends.enter_context(kept))
        home.chmod(0o755)
        patch = ends.enter_context(pytest.MonkeyPatch.context())
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
            patch.setenv(name, str(home / "user"))
        good = Good(ends.enter_context(Stack(home, Ports.free())))
        good.judge()
        yield good


@pytest.fixture(autouse=True)
def _user_folders(good: Good, monkeypatch: pytest.MonkeyPatch, _own_user_folders: None) -> None:
    """The keys of this ledger lie in one place for all tests."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(good.stack.home / "user"))
