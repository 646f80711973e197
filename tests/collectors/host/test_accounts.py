"""Accounts and rights: parsers on prepared files, planted secrets, and the real machine."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from compliance.collectors.host.accounts import read_user_account, rows_logins, rows_passwd, rows_shadow
from compliance.collectors.host.machine import Reply
from compliance.collectors.host.rights import read_role_grant
from compliance.schemas.errors import Malformed

HASH = "$y$j9T$PLANTEDSALT0$PLANTEDHASHplantedHASHplantedHASH0123456789ab"
KEY = "ssh-ed25519 AAAAC3PLANTEDKEY0123456789 ana@laptop"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
PASSWD = """root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
ana:x:1000:1000:Ana Ruiz,,,:/home/ana:/bin/bash
old:x:1001:1001::/home/old:/bin/bash
ops:x:1002:1002::/home/ops:/bin/sh
open:x:1003:1003::/home/open:/bin/bash
ftp:x:1004:1004::/home/ftp:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
SHADOW = f"""root:*:20000:0:99999:7:::
daemon:*:20000:0:99999:7:::
ana:{HASH}:20400:0:90:7:::
old:$6$PLANTEDSALT0$PLANTEDHASHx:20000:0:99999:7::20100:
ops:!$1$PLANTEDSALT0$PLANTEDHASHx:20000:0:99999:7:::
open::20000:0:99999:7:::
ftp:PLANTEDHASH00:20000:0:99999:7:::
nobody:*:20000:0:99999:7:::
"""
GROUP = """root:x:0:
sudo:x:27:ana
docker:x:998:ops
ana:x:1000:
"""
LASTLOG = """Username         Port     From                                       Latest
root                                                                **Never logged in**
ana              pts/0    10.0.0.7                                  Mon Nov  2 08:15:01 +0100 2026
"""
FILES = {
    "/etc/passwd": PASSWD,
    "/etc/shadow": SHADOW,
    "/etc/group": GROUP,
    "/etc/login.defs": "UID_MIN 1000\nUID_MAX 60000\n",
    "/usr/sbin/sshd": "",
    "/etc/ssh/sshd_config": "AuthorizedKeysFile .ssh/authorized_keys\n",
    "/home/ops/.ssh/authorized_keys": f"# laptop\n{KEY}\n",
    "/home/old/.ssh/authorized_keys": "# none\n",
}
COMMANDS = {"lastlog": Reply(0, LASTLOG, "")}


@pytest.fixture
def accounts(tree):
    return {row.account: row for row in read_user_account(tree(FILES, COMMANDS), NOW)}


def test_types_and_rights(accounts):
    assert {n: str(a.account_type) for n, a in accounts.items() if n in ("root", "ana", "nobody")} == {
        "root": "system",
        "ana": "human",
        "nobody": "system",
    }
    assert accounts["root"].is_superuser
    assert accounts["ana"].is_privileged
    assert accounts["ops"].is_privileged
    assert accounts["old"].is_privileged is False
    assert accounts["ana"].display_name == "Ana Ruiz"


def test_who_can_sign_in(accounts):
    assert {name: account.is_active for name, account in accounts.items()} == {
        "root": False,  # no password, no key
        "daemon": False,
        "ana": True,
        "old": False,  # expired
        "ops": True,  # password locked, but a key is there
        "open": True,  # no password needed
        "ftp": None,  # no shell, but a password that other services may take
        "nobody": False,
    }
    assert accounts["ops"].has_key_login
    assert accounts["old"].has_key_login is False
    assert accounts["open"].has_password is False
    assert accounts["open"].detail["password_state"] == "empty"


def test_algorithms_and_times(accounts):
    algorithms = {name: account.password_hash_algorithm for name, account in accounts.items() if account.has_password}
    assert algorithms == {"ana": "yescrypt", "old": "sha512crypt", "ops": "md5crypt", "ftp": "descrypt"}
    assert accounts["ana"].last_login_at == datetime(2026, 11, 2, 7, 15, 1, tzinfo=UTC)
    assert (accounts["root"].never_logged_in, accounts["ops"].never_logged_in) == (True, None)
    assert accounts["old"].expires_at == datetime(2025, 1, 12, tzinfo=UTC)


def test_no_secret_in_any_row(accounts):
    text = json.dumps([account.row() for account in accounts.values()])
    assert "PLANTED" not in text
    assert "AAAAC3" not in text


def test_no_secret_in_an_error():
    with pytest.raises(Malformed) as caught:
        rows_shadow(f"ana:{HASH}\n")
    assert "PLANTED" not in str(caught.value)
    with pytest.raises(Malformed) as caught:
        rows_passwd(f"ana:{HASH}:x\n")
    assert "PLANTED" not in str(caught.value)
    assert rows_shadow("x:$9$PLANTED:1:0:99999:7:::\n")["x"].algorithm == "unknown"


def test_unreadable_shadow_gives_unknown_not_no(tree):
    files = {path: text for path, text in FILES.items() if path != "/etc/shadow"}
    for row in read_user_account(tree(files), NOW):
        assert (row.is_active, row.has_password, row.password_hash_algorithm, row.never_logged_in) == (None,) * 4


def test_keys_by_command_are_not_no(tree):
    config = "AuthorizedKeysCommand /usr/bin/keys\nAuthorizedKeysFile .ssh/authorized_keys\n"
    rows = {r.account: r for r in read_user_account(tree(FILES | {"/etc/ssh/sshd_config": config}), NOW)}
    assert rows["ana"].has_key_login is None
    assert rows["ops"].has_key_login is True


def test_nis_markers_are_refused():
    with pytest.raises(Malformed, match="line 1"):
        rows_passwd("+::::::\n")
    with pytest.raises(Malformed):
        rows_logins("nothing\n")


def test_real_accounts_are_those_of_passwd(collect):
    with open("/etc/passwd") as file:
        names = [line.partition(":")[0] for line in file if line.strip()]
    found = collect("user_account")["user_account"]
    assert [row["account"] for row in found["rows"]] == names
    assert found["outcomes"] == ["complete"]


SUDOERS = """# comment
Defaults env_reset
Defaults:robot !authenticate
User_Alias ADMINS = ana, old
Cmnd_Alias RESTART = /bin/systemctl restart nginx, \\
    /bin/systemctl restart app
root ALL=(ALL:ALL) ALL
%sudo ALL=(ALL:ALL) ALL
ADMINS web1 = (postgres) NOPASSWD: RESTART, PASSWD: /usr/bin/psql
robot ALL = /usr/bin/backup
%remote ALL=(ALL) ALL
@includedir /etc/sudoers.d
"""


@pytest.fixture
def grants(tree):
    files = FILES | {
        "/etc/sudoers": SUDOERS,
        "/etc/sudoers.d/90-ops": "ops ALL=(ALL) NOPASSWD:ALL\n",
        "/etc/sudoers.d/ignored.bak": "this is not read",
    }
    return read_role_grant(tree(files))


def _sudo(grants, account):
    return {row.scope: row for row in grants if row.account == account and row.role == "sudo" and row.scope != "host"}


def test_sudo_rights(grants):
    ops = _sudo(grants, "ops")["ALL"]
    assert ops.detail["nopasswd"] is True
    assert ops.detail["all"] is True
    assert ops.detail["files"] == ["/etc/sudoers.d/90-ops"]
    ana = _sudo(grants, "ana")
    through_group = ana.pop("ALL")
    assert (through_group.is_direct, through_group.via) == (False, "sudo > sudo")
    assert through_group.detail["nopasswd"] is False
    restart = ana["/bin/systemctl restart nginx, /bin/systemctl restart app"]
    assert (restart.detail["nopasswd"], restart.detail["run_as"], restart.detail["hosts"]) == (
        True,
        ["postgres"],
        ["web1"],
    )
    assert ana["/usr/bin/psql"].detail["nopasswd"] is False
    assert _sudo(grants, "robot")["/usr/bin/backup"].detail["nopasswd"] is True
    assert "ALL" in _sudo(grants, "%remote")  # a group from elsewhere keeps its right in view


def test_groups(grants):
    groups = {(row.account, row.role) for row in grants if row.scope == "host"}
    assert groups == {("root", "root"), ("ana", "sudo"), ("ops", "docker")}
    keys = [row.key_values() for row in grants]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "line", ["ana", "ana ALL=", "ana ALL=(ALL) NONSENSE: ALL", "User_Alias lower = ana", "ana ALL=ALL : b=ALL"]
)
def test_line_that_is_not_understood_is_never_skipped(tree, line):
    with pytest.raises(Malformed):
        read_role_grant(tree(FILES | {"/etc/sudoers": line + "\n"}))


def test_names_with_blanks(tree):
    text = '"dom user" ALL = ALL\n%domain\\ users ALL=(ALL) NOPASSWD: ALL\n'
    rows = {row.account for row in read_role_grant(tree(FILES | {"/etc/sudoers": text})) if row.scope == "ALL"}
    assert rows == {"dom user", "%domain users"}


def test_missing_include_is_not_an_empty_one(tree):
    with pytest.raises(Malformed, match="missing"):
        read_role_grant(tree(FILES | {"/etc/sudoers": "@include /etc/missing\n"}))
