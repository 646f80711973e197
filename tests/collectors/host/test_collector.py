"""The collector as a whole on the machine it runs on: contract, rights, tools that hang or babble, secrets."""

from __future__ import annotations

import json
import os
import socket
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from compliance.collectors import load
from compliance.collectors.host import Host
from compliance.collectors.testing import Conformance
from compliance.schemas.messages import Cause, Complete, Context, Discovery, Gap, Message, Record

REPOSITORY = Path(__file__).parents[3]
ALL = frozenset(kind.kind for kind in Host.kinds)


class TestHost(Conformance):
    collector = Host
    settings = {"time_servers": ["time.example"]}  # noqa: RUF012 -- the suite's own form
    unreachable = "the machine the collector runs on is always there"


def _collect(*kinds: str, timeout_s: float = 20.0, asset: str | None = None) -> list[Message]:
    settings = Host.Settings.model_validate({"asset": asset})
    return list(Host().collect(Context("host", settings, lambda: datetime.now(UTC), frozenset(kinds), timeout_s)))


def _program(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_is_listed_and_finds_the_machine(tmp_path):
    assert isinstance(load("host"), Host)
    (found,) = Host().discover(Discovery(Path("/"), tmp_path))
    assert (found.name, found.settings) == ("host", {})
    assert list(Host().discover(Discovery(tmp_path, tmp_path))) == []


def test_every_row_of_the_machine_carries_one_name():
    names = {m.evidence.row().get("asset") for m in _collect("asset", "disk_volume") if isinstance(m, Record)}
    assert len(names) == 1
    named = [m.evidence.row()["asset"] for m in _collect("asset", asset="db1") if isinstance(m, Record)]
    assert named == ["db1"]


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("sleep 60", Cause.TIMEOUT),
        # where the older interface was ever used, an ordinary account is denied before the answer is looked at
        pytest.param("echo '{\"nftables\": 7}'", Cause.MALFORMED, marks=pytest.mark.root),
        pytest.param("echo 'half an ans'", Cause.MALFORMED, marks=pytest.mark.root),
        pytest.param("", Cause.MALFORMED, marks=pytest.mark.root),
        ("echo 'Operation not permitted' >&2; exit 1", Cause.DENIED),
        ("echo 'internal error' >&2; exit 1", Cause.MALFORMED),
    ],
)
def test_a_filter_that_does_not_answer_well_is_a_gap(tmp_path, monkeypatch, body, cause):
    _program(tmp_path, monkeypatch, "nft", body)
    messages = _collect("firewall_default", "firewall_rule", timeout_s=0.7)
    assert [type(message) for message in messages] == [Gap, Gap]
    for gap in messages:
        assert isinstance(gap, Gap)
        assert gap.cause is cause
        assert gap.remedy


@pytest.mark.parametrize(
    ("name", "body", "kind"),
    [
        ("apt-cache", "echo garbage", "package_update"),
        ("dpkg-query", "echo 'ii  x'", "patch_state"),
        ("dpkg-query", "exec sleep 60", "patch_state"),
    ],
)
def test_package_tools_that_do_not_answer_well_are_gaps(tmp_path, monkeypatch, name, body, kind):
    _program(tmp_path, monkeypatch, name, body)
    (gap,) = _collect(kind, timeout_s=20 if "echo" in body else 0.7)
    assert isinstance(gap, Gap)
    assert gap.cause in (Cause.MALFORMED, Cause.TIMEOUT)


def test_without_rights_nothing_is_claimed(collect):
    found = collect(nobody=True)
    assert found.keys() == ALL
    assert all(len(kind["outcomes"]) == 1 for kind in found.values())
    assert all(not kind["rows"] for kind in found.values() if kind["outcomes"] != ["complete"])
    assert found["firewall_default"]["outcomes"] == ["denied"]
    for account in found["user_account"]["rows"]:
        # without shadow nobody is known to be inactive or without a password
        assert (account["has_password"], account["password_hash_algorithm"], account["is_active"]) == (None, None, None)
    for kind in ("asset", "patch_state", "user_account", "clock_status", "disk_volume", "listening_socket"):
        assert found[kind]["outcomes"] == ["complete"], found[kind]
    (policy,) = found["auth_policy"]["rows"]
    assert policy["password_max_age_days"] in (None, 0)


def test_hidden_log_folder_is_a_gap(collect):
    hidden = [
        entry.path
        for entry in os.scandir("/var/log")
        if entry.is_dir(follow_symlinks=False) and entry.name != "journal" and not entry.stat().st_mode & stat.S_IROTH
        # an ordinary user who runs the tests keeps his groups and what they open
        if os.geteuid() == 0 or not os.access(entry.path, os.R_OK)
    ]
    if not hidden:
        pytest.skip("every folder below /var/log may be listed by everybody here")
    found = collect("log_store", nobody=True)["log_store"]
    assert (found["outcomes"], found["rows"]) == (["denied"], [])
    assert any(path in found["message"] for path in hidden)


@pytest.mark.root
def test_sudoers_that_may_not_be_read_are_a_gap(collect, tmp_path):
    before = f"""cp -a /etc {tmp_path}/etc; echo 'ana ALL=(ALL) NOPASSWD: ALL' > {tmp_path}/etc/sudoers
chmod 0440 {tmp_path}/etc/sudoers; mount --bind {tmp_path}/etc /etc"""
    asked = collect("role_grant", unshare="-m", before=before)["role_grant"]
    assert asked["outcomes"] == ["complete"]
    row = next(row for row in asked["rows"] if row["account"] == "ana")
    assert row["detail"]["nopasswd"] is True
    refused = collect("role_grant", "config_file", unshare="-m", before=before.replace("cp -a", "true"), nobody=True)
    assert refused["role_grant"]["outcomes"] == refused["config_file"]["outcomes"] == ["denied"]


@pytest.mark.root
def test_planted_secrets_appear_nowhere(collect, tmp_path):
    before = f"""cp -a /etc {tmp_path}/etc; mkdir -p {tmp_path}/root/.ssh; mount -t tmpfs t /run; mkdir /run/sshd
echo 'planted:x:1777:1777:Ana:{tmp_path}/root:/bin/bash' >> {tmp_path}/etc/passwd
echo 'planted:$y$j9T$PLANTEDSALT$PLANTEDHASHPLANTEDHASH:20400:0:90:7:::' >> {tmp_path}/etc/shadow
echo 'ssh-ed25519 AAAAC3PLANTEDKEY ana' > {tmp_path}/root/.ssh/authorized_keys
echo 'deb http://reader:PLANTEDREPO@127.0.0.1:9/debian planted main' > {tmp_path}/etc/apt/sources.list.d/planted.list
echo 'machine x login y password PLANTEDAUTH' > {tmp_path}/etc/apt/auth.conf
echo '1 MD5 PLANTEDCHRONY' > {tmp_path}/etc/chrony.keys
mount --bind {tmp_path}/etc /etc"""
    found = collect(unshare="-m", before=before)
    ana = next(row for row in found["user_account"]["rows"] if row["account"] == "planted")
    assert (ana["password_hash_algorithm"], ana["has_key_login"], ana["is_active"]) == ("yescrypt", True, True)
    # a configured archive whose list was never fetched hides updates
    assert found["package_update"]["outcomes"] == ["absent"]
    assert found["patch_state"]["rows"][0]["updates_pending"] is None
    assert found["setting"]["outcomes"] == ["complete"]
    assert "PLANTED" not in json.dumps(found)


CAPABILITIES = ("dac_read_search", "net_admin", "sys_ptrace")  # exactly the README's


def _granted(collect, *names: str):
    caps = ",".join(f"+{name}" for name in names)
    limits = f"--inh-caps -all,{caps} --ambient-caps -all,{caps} --bounding-set -all,{caps} --no-new-privs"
    drop = f"setpriv --reuid 65534 --regid 65534 --clear-groups {limits}"
    checkout = Path("/run/checkout")  # the real one may lie in a home that is closed to others
    before = f"""mount -t tmpfs t /run; mkdir /run/sshd {checkout}; mount --bind {REPOSITORY} {checkout}
set -- {drop} "$@\""""
    return collect(unshare="-m", before=before, checkout=checkout)


@pytest.mark.root
def test_the_readmes_grant_is_enough(collect):
    with socket.create_server(("127.0.0.1", 0)) as mine:
        found = _granted(collect, *CAPABILITIES)
        assert {name: kind["outcomes"] for name, kind in found.items()} == {name: ["complete"] for name in ALL}
        port = mine.getsockname()[1]
        assert next(row for row in found["listening_socket"]["rows"] if row["port"] == port)["process"]
    assert all(account["has_password"] is not None for account in found["user_account"]["rows"])
    page = (Path(load.__code__.co_filename).parent / "host" / "README.md").read_text()
    assert "AmbientCapabilities=" + " ".join(f"CAP_{name.upper()}" for name in CAPABILITIES) in page


@pytest.mark.root
def test_without_one_capability_its_kinds_are_gaps(collect):
    without_net = _granted(collect, "dac_read_search", "sys_ptrace")
    assert {k for k, v in without_net.items() if v["outcomes"] == ["denied"]} == {"firewall_default", "firewall_rule"}
    without_files = _granted(collect, "net_admin", "sys_ptrace")
    assert without_files["setting"]["outcomes"] == ["denied"]
    assert without_files["clock_status"]["outcomes"] == ["complete"]


def test_what_was_asked_is_recorded():
    (ending,) = [m for m in _collect("firewall_rule") if isinstance(m, Complete | Gap)]
    asked = {request.text for request in ending.requests}
    assert "nft -j -s list ruleset" in asked
    assert not any("update" in text.split() for text in asked)
