"""For all tests: folders of their own, what those marked `root` need, and that nothing is left out in CI."""

import os
import signal
import subprocess
from functools import cache
from pathlib import Path

import pytest

# A shell without job control starts what runs in the background with Ctrl-C ignored, and so would be what tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_user_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, lock stores and personal keys never lie in the home of whoever runs the tests."""
    home: Path = tmp_path_factory.mktemp("home")
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))


@cache
def _may_unshare(options: str) -> bool:
    return subprocess.run(["unshare", options, "true"], capture_output=True, check=False).returncode == 0


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leaves out, saying so, what is marked `root` where this account has not the rights of root."""
    marker = item.get_closest_marker("root")
    if marker is None or (os.geteuid() == 0 and _may_unshare("-mn")):
        return
    if not marker.kwargs.get("own_namespace"):
        pytest.skip("needs root, with the right to mount and to make namespaces")
    if not _may_unshare("-rmn"):
        pytest.skip("needs root, or a kernel that lets ordinary accounts make namespaces")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skip is a failure: what a test lacks there must be installed, not left out."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    if skipped and os.environ.get("CI") and exitstatus == pytest.ExitCode.OK:
        reporter.ensure_newline()
        reporter.write_line(f"failed: {len(skipped)} skipped, and CI is set", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
