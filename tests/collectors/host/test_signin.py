"""sshd and PAM: the real `sshd -T` on good and bad files, Match blocks, stacks as they are written."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from compliance.collectors.host import sshd
from compliance.collectors.host.machine import Machine, Reply
from compliance.collectors.host.settings import read_config_file, read_setting
from compliance.collectors.host.signin import read_auth_policy
from compliance.schemas.errors import Denied, Disabled, Malformed

PASSWD = "root:x:0:0:root:/root:/bin/bash\nana:x:1000:1000::/home/ana:/bin/bash\n"
PLAIN_AUTH = "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n"
STRONG_AUTH = """auth required pam_faillock.so preauth
auth required pam_google_authenticator.so
auth [success=1 default=bad] pam_unix.so
auth [default=die] pam_faillock.so authfail
"""
WEAK = {
    "/etc/passwd": PASSWD,
    "/etc/shadow": "root:*:1:0:99999:7:::\nana:$y$j9T$a$b:1:0:99999:7:::\n",
    "/etc/login.defs": "PASS_MAX_DAYS 99999\nENCRYPT_METHOD SHA512\n",
    "/etc/pam.d/common-auth": PLAIN_AUTH,
    "/etc/pam.d/login": "@include common-auth\n",
    "/etc/pam.d/sshd": "@include common-auth\n",
    "/etc/pam.d/passwd": "password [success=1 default=ignore] pam_unix.so obscure yescrypt\n",
}
STRONG = WEAK | {
    "/etc/shadow": "root:*:1:0:99999:7:::\nana:$y$j9T$a$b:1:0:90:7:::\n",
    "/etc/login.defs": "PASS_MAX_DAYS 60\nENCRYPT_METHOD YESCRYPT\n",
    "/etc/pam.d/common-auth": STRONG_AUTH,
    "/etc/pam.d/passwd": "password requisite pam_pwquality.so retry=3\n"
    "password required pam_pwhistory.so remember=8 use_authtok\npassword required pam_unix.so use_authtok\n",
    "/etc/security/faillock.conf": "deny = 5\nunlock_time = 1800\n",
    "/etc/security/pwquality.conf": "minlen = 14\ndcredit = -1\nlcredit = -1\n",
    "/etc/profile.d/timeout.sh": "readonly TMOUT=900\n",
    "/usr/sbin/sshd": "",
}
EFFECTIVE = "permitrootlogin no\npasswordauthentication no\nkbdinteractiveauthentication yes\n"
EFFECTIVE += "authenticationmethods publickey,keyboard-interactive\n"


@pytest.fixture
def server(tmp_path: Path):
    """Asks the real sshd about a configuration file, in a mount namespace where its own folder exists."""
    if shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin") is None:
        pytest.skip("sshd is not installed")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)

    def runner(argv: tuple[str, ...], timeout_s: float) -> Reply:
        script = 'mount -t tmpfs t /run && mkdir /run/sshd && exec "$@"'
        own = "-m" if os.geteuid() == 0 else "-rm"
        done = subprocess.run(
            ["unshare", own, "sh", "-c", script, "sh", shutil.which("sshd", path="/usr/sbin:/usr/bin"), *argv[1:]],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Reply(done.returncode, done.stdout, done.stderr)

    def ask(text: str) -> tuple[dict[str, list[str]], list[sshd.Directive]]:
        config = tmp_path / "sshd_config"
        config.write_text(f"HostKey {tmp_path}/key\n{text}")
        machine = Machine(timeout_s=20, runner=runner)
        effective = sshd.fetch_effective(machine, str(config))
        assert effective is not None
        return effective, sshd.directives(machine, str(config))

    return ask


def _values(answer) -> dict[str, str | None]:
    return {row.name: row.value for row in sshd.rows_setting(*answer)}


@pytest.mark.root(own_namespace=True)
def test_real_good_configuration(server):
    values = _values(server("PermitRootLogin no\nPasswordAuthentication no\nX11Forwarding no\nMaxAuthTries 3\n"))
    assert values["permitrootlogin"] == "no"
    assert values["passwordauthentication"] == "no"
    assert values["maxauthtries"] == "3"


@pytest.mark.root(own_namespace=True)
def test_real_bad_configuration(server):
    rows = {row.name: row for row in sshd.rows_setting(*server("PermitRootLogin yes\nPermitEmptyPasswords yes\n"))}
    assert rows["permitrootlogin"].value == "yes"
    assert rows["permitemptypasswords"].value == "yes"
    assert rows["permitrootlogin"].origin == "file"
    assert rows["maxauthtries"].origin == "default"


@pytest.mark.root(own_namespace=True)
def test_real_match_block_does_not_hide_behind_the_global_value(server):
    values = _values(server("PermitRootLogin no\nX11Forwarding no\nMatch Address 10.0.0.0/8\n PermitRootLogin yes\n"))
    assert values["permitrootlogin"] == "no; yes in Match Address 10.0.0.0/8"
    assert values["x11forwarding"] == "no"


@pytest.mark.root(own_namespace=True)
def test_real_refusal_of_a_broken_file(server):
    with pytest.raises(Malformed, match="Bad configuration option"):
        server("NoSuchOption yes\n")


def test_real_sshd_without_rights(collect):
    if shutil.which("sshd", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("sshd is not installed")
    found = collect("setting", nobody=True)["setting"]
    assert (found["outcomes"], found["rows"]) == (["denied"], [])
    assert "host keys" in found["message"]


@pytest.mark.root
def test_real_settings_of_this_machine(collect):
    found = collect("setting", unshare="-m", before="mount -t tmpfs t /run; mkdir /run/sshd")["setting"]
    assert found["outcomes"] == ["complete"]
    values = {(row["component"], row["name"]): row["value"] for row in found["rows"]}
    assert values["sshd", "permitrootlogin"]
    with open("/proc/sys/kernel/randomize_va_space") as file:
        assert values["kernel", "kernel.randomize_va_space"] == file.read().strip()
    assert {component for component, _ in values} == {"sshd", "kernel"}


def test_sshd_that_was_never_started_is_a_gap(tree):
    refusal = Reply(255, "", "Missing privilege separation directory: /run/sshd\n")
    with pytest.raises(Disabled, match="never started"):
        read_setting(tree({"/usr/sbin/sshd": ""}, {"sshd -T": refusal}))


def test_without_sshd_only_the_kernel_speaks(tree):
    rows = read_setting(tree({"/proc/sys/kernel/randomize_va_space": "2\n"}))
    assert [(row.component, row.name, row.value) for row in rows] == [("kernel", "kernel.randomize_va_space", "2")]


def test_weak_rules(tree):
    (row,) = read_auth_policy(tree(WEAK), "vm")
    assert (row.lockout_attempts, row.lockout_minutes) == (0, 0)
    assert (row.password_min_length, row.password_needs_alnum, row.password_history) == (6, False, 0)
    assert (row.password_max_age_days, row.idle_minutes) == (0, 0)
    assert row.hash_algorithm == "yescrypt"  # the module's argument, not login.defs
    assert (row.mfa_required, row.mfa_bypass_allowed, row.password_login) == (False, True, True)


def test_strong_rules(tree):
    (row,) = read_auth_policy(tree(STRONG, {"sshd -T": Reply(0, EFFECTIVE, "")}), "vm")
    assert (row.lockout_attempts, row.lockout_minutes) == (5, 30)
    assert (row.password_min_length, row.password_needs_alnum, row.password_history) == (14, True, 8)
    assert row.password_max_age_days == 90  # an account keeps its longer limit although login.defs says 60
    assert row.idle_minutes == 15
    assert (row.mfa_required, row.mfa_bypass_allowed) == (True, False)


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        (
            {"/etc/pam.d/common-auth": STRONG_AUTH.replace("auth [default=die] pam_faillock.so authfail\n", "")},
            "lockout_attempts",
            0,
        ),
        (
            {"/etc/pam.d/common-auth": STRONG_AUTH.replace("authenticator.so", "authenticator.so nullok")},
            "mfa_required",
            None,
        ),
        ({"/etc/security/pwquality.conf": "minlen = 14\ndcredit = 2\n"}, "password_min_length", 12),
        ({"/etc/security/pwquality.conf": "minlen = 14\nminclass = 3\n"}, "password_needs_alnum", False),
        ({"/etc/profile.d/timeout.sh": "TMOUT=900\n"}, "idle_minutes", 0),
        ({"/etc/security/faillock.conf": "deny = 5\nunlock_time = never\n"}, "lockout_minutes", 0),
        ({"/etc/shadow": STRONG["/etc/shadow"].replace(":90:", ":99999:")}, "password_max_age_days", 0),
    ],
)
def test_one_weakness_shows(tree, change, column, value):
    (row,) = read_auth_policy(tree(STRONG | change, {"sshd -T": Reply(0, EFFECTIVE, "")}), "vm")
    assert getattr(row, column) == value


def test_silent_sshd_leaves_unknown_what_rests_on_it(tree):
    files = STRONG | {"/etc/shadow": "root:*:1:0:99999:7:::\n"}
    (row,) = read_auth_policy(tree(files, {"sshd -T": Reply(1, "", "sshd: no hostkeys available -- exiting.\n")}), "vm")
    assert (row.password_login, row.mfa_required, row.mfa_bypass_allowed) == (None, None, None)
    assert row.detail is not None
    assert "host keys" in row.detail["sshd_unread"]


def test_files_that_decide(tree):
    files = WEAK | {
        "/etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nPort 22\n",
        "/etc/ssh/sshd_config.d/10-a.conf": "PermitRootLogin no\n",
        "/etc/sudoers": "@includedir /etc/sudoers.d\n",
        "/etc/sudoers.d/ana": "ana ALL=(ALL) ALL\n",
        "/etc/nftables.conf": "flush ruleset\n",
    }
    machine = tree(files)
    rows = {(row.component, row.path): row for row in read_config_file(machine)}
    wanted = {("sshd", "/etc/ssh/sshd_config.d/10-a.conf"), ("sudo", "/etc/sudoers.d/ana"), ("pam", "/etc/pam.d/login")}
    assert wanted | {("nftables", "/etc/nftables.conf")} <= rows.keys()
    assert all(row.sha256 and len(row.sha256) == 64 for row in rows.values())
    assert rows["nftables", "/etc/nftables.conf"].size_bytes == 14


def test_directives_know_their_block(tree):
    text = "Port 22\nMatch User root\nPermitRootLogin yes\nMatch all\nMaxAuthTries 3\n"
    lines = sshd.directives(tree({"/etc/ssh/sshd_config": text}))
    assert [(d.match, d.keyword) for d in lines if d.keyword != "match"] == [
        ("", "port"),
        ("User root", "permitrootlogin"),
        ("", "maxauthtries"),
    ]


def test_denied_is_what_sshd_says_without_keys(tree):
    with pytest.raises(Denied):
        sshd.fetch_effective(tree({"/usr/sbin/sshd": ""}, {"sshd -T": Reply(1, "", "sshd: no hostkeys available\n")}))
