"""Packages: recorded answers of apt, the real apt, and lists that were never fetched."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from compliance.collectors.host.machine import Machine, Reply, run_command
from compliance.collectors.host.packages import (
    kernels_installed,
    last_upgrade,
    lists_fetched_at,
    read_package_update,
    read_patch_state,
    reboot_required,
    rows_archives,
    rows_installed,
    rows_policy,
    rows_updates,
    unattended,
    without_archive,
)
from compliance.schemas.errors import Absent, Malformed

UBUNTU = """Package files:
 100 /var/lib/dpkg/status
     release a=now
 510 https://esm.ubuntu.com/infra/ubuntu jammy-infra-security/main amd64 Packages
     release v=22.04,o=UbuntuESM,a=jammy-infra-security,n=jammy,l=UbuntuESM,c=main,b=amd64
     origin esm.ubuntu.com
 500 http://archive.ubuntu.com/ubuntu jammy-security/main amd64 Packages
     release v=22.04,o=Ubuntu,a=jammy-security,n=jammy,l=Ubuntu,c=main,b=amd64
     origin archive.ubuntu.com
 500 http://archive.ubuntu.com/ubuntu jammy-updates/main amd64 Packages
     release v=22.04,o=Ubuntu,a=jammy-updates,n=jammy,l=Ubuntu,c=main,b=amd64
     origin archive.ubuntu.com
Pinned packages:
"""
BACK = """pinned:
  Installed: 1.0
  Candidate: 1.0
  Version table:
     1.2 -1
        -1 http://deb.debian.org/debian-security bookworm-security/main amd64 Packages
 *** 1.0 1001
       1001 http://deb.debian.org/debian bookworm/main amd64 Packages
        100 /var/lib/dpkg/status
"""
TARGETS = ("apt-get", "indextargets", "--no-release-info", "--format", "$(METAKEY)|$(FILENAME)", "Created-By: Packages")
TARGET = "main/binary-amd64/Packages|/var/lib/apt/lists/a_dists_b_main_binary-amd64_Packages\n"


def test_recorded_updates(replies: Path):
    archives = rows_archives((replies / "apt-archives.txt").read_text())
    assert [a.is_security for a in archives] == [True, False, False]
    policies = rows_policy((replies / "apt-policy.txt").read_text())
    rows = {row.package: row for row in rows_updates(policies, archives, "m")}
    assert rows.keys() == {"apt", "base-files", "libgcrypt20", "liblzma5"}
    assert rows["apt"].origin == "Debian/Debian-Security bookworm-security"
    assert (rows["apt"].installed_version, rows["apt"].candidate_version) == ("2.6.1", "2.6.2")
    assert rows["base-files"].is_security is False
    assert rows["libgcrypt20"].is_security is True  # offered by both archives
    assert rows["liblzma5"].is_security is True
    assert without_archive(policies) == 1  # nodejs: only older versions are on offer


def test_security_is_known_by_suite_where_the_label_is_silent():
    assert [a.is_security for a in rows_archives(UBUNTU)] == [True, True, False]


def test_update_held_back_by_pinning_is_still_pending(replies: Path):
    archives = rows_archives((replies / "apt-archives.txt").read_text())
    (row,) = rows_updates(rows_policy(BACK), archives, "m")
    assert (row.candidate_version, row.is_security) == ("1.2", True)


def test_malformed_answers():
    with pytest.raises(Malformed):
        rows_policy("E: something\n")
    with pytest.raises(Malformed):
        rows_installed("ii a 1\n")
    assert rows_installed("ii |a|1\nrc |gone|1\nhi |held|2\n") == ["a", "held"]


def test_real_updates_are_those_apt_itself_lists(collect):
    found = collect("package_update", "patch_state")
    (state,) = found["patch_state"]["rows"]
    if found["package_update"]["outcomes"] == ["absent"]:
        assert state["updates_pending"] is None
        pytest.skip("the package lists of this machine were never fetched")
    listed = subprocess.run(["apt", "list", "--upgradable"], capture_output=True, text=True, check=True).stdout
    names = {line.partition("/")[0] for line in listed.splitlines() if "upgradable from" in line}
    rows = {row["package"].partition(":")[0]: row for row in found["package_update"]["rows"]}
    assert names <= rows.keys()
    assert all(row["is_security"] for name, row in rows.items() if name not in names)
    offered = {line.partition("/")[0] for line in listed.splitlines() if "-security" in line}
    assert all(rows[name]["is_security"] for name in offered)
    assert state["updates_pending"] == len(found["package_update"]["rows"])
    assert state["security_pending"] == sum(bool(row["is_security"]) for row in found["package_update"]["rows"])
    assert state["lists_refreshed_at"] <= datetime.now(UTC).isoformat()


def test_lists_never_fetched_are_a_gap_and_never_nothing_pending(tmp_path: Path):
    """The real apt, pointed to an empty folder of lists; the files of the machine itself."""
    lists = tmp_path / "var/lib/apt/lists"
    (lists / "partial").mkdir(parents=True)
    for path in ("/etc/os-release", "/proc/sys/kernel/osrelease"):
        (tmp_path / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path.lstrip("/")).write_text(Path(path).read_text())

    def run(argv: tuple[str, ...], timeout_s: float) -> Reply:
        if argv[0].startswith("apt-"):
            argv = (argv[0], "-o", f"Dir::State::Lists={lists}", *argv[1:])
        return run_command(argv, timeout_s)

    machine = Machine(root=tmp_path, timeout_s=60, runner=run)
    with pytest.raises(Absent, match="never fetched"):
        read_package_update(machine, "m")
    (state,) = read_patch_state(machine, "m")
    assert state.packages_installed
    assert (state.updates_pending, state.security_pending, state.lists_refreshed_at) == (None, None, None)


def test_one_missing_list_is_enough(tree):
    two = TARGET + TARGET.replace("a_dists", "c_dists")
    prefix = "/var/lib/apt/lists/a_dists_b_"
    files = {prefix + "InRelease": "x", prefix + "main_binary-amd64_Packages.lz4": "x"}
    assert lists_fetched_at(tree(files, {" ".join(TARGETS): Reply(0, TARGET, "")}))
    with pytest.raises(Absent, match="c_dists_b_"):
        lists_fetched_at(tree(files, {" ".join(TARGETS): Reply(0, two, "")}))


def test_system_without_dpkg(tree):
    with pytest.raises(Absent, match="no dpkg"):
        read_patch_state(tree({}), "m")


def test_kernels_and_restart(tree):
    kernels = kernels_installed(["linux-image-6.1.0-9-amd64", "linux-image-6.1.0-37-amd64", "linux-image-amd64", "x"])
    assert kernels == ["6.1.0-9-amd64", "6.1.0-37-amd64"]
    machine = tree({})
    assert reboot_required(machine, "6.1.0-37-amd64", kernels) is False
    assert reboot_required(machine, "6.1.0-9-amd64", kernels) is True
    assert reboot_required(machine, "6.18.0-cloud", kernels) is None
    assert reboot_required(tree({"/run/reboot-required": ""}), "6.1.0-37-amd64", kernels) is True


def test_last_upgrade(tree):
    log = "2026-01-02 03:04:05 upgrade a:amd64 1 2\n2026-01-03 00:00:00 install b:amd64 <none> 1\n"
    at = last_upgrade(tree({"/var/log/dpkg.log": log}))
    assert at is not None
    assert at.astimezone().strftime("%Y-%m-%d %H:%M:%S") == "2026-01-02 03:04:05"
    assert last_upgrade(tree({"/var/log/dpkg.log": ""})) is None


@pytest.mark.parametrize(
    ("periodic", "origins", "timer", "expected"),
    [
        ("1", "origin=Debian,label=Debian-Security", True, True),
        ("0", "origin=Debian,label=Debian-Security", True, False),
        ("1", "origin=Debian,label=Debian", True, False),
        ("1", "origin=Debian,label=Debian-Security", False, False),
    ],
)
def test_unattended_upgrades_needs_every_part(tree, periodic, origins, timer, expected):
    dump = (
        f'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "{periodic}";\n'
        f'Unattended-Upgrade::Origins-Pattern:: "{origins}";\n'
    )
    machine = tree({"/run/systemd/system/x": ""}, {"apt-config dump": Reply(0, dump, "")})
    if timer:
        wants = machine.root / "etc/systemd/system/timers.target.wants"
        wants.mkdir(parents=True)
        (wants / "apt-daily-upgrade.timer").symlink_to("/lib/systemd/system/apt-daily-upgrade.timer")
    assert unattended(machine, ["unattended-upgrades"]) is expected
    assert unattended(machine, []) is False
