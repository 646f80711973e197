"""Sockets, clock, volumes, protective programs and logs: prepared trees, and the real machine."""

from __future__ import annotations

import os
import socket
import struct
from datetime import UTC, datetime

import pytest

from compliance.collectors.host.agents import forwards, read_security_agent, rows_aide
from compliance.collectors.host.clock import kernel_clock, read_clock_status, rows_servers, rows_tracking
from compliance.collectors.host.disks import layer, read_disk_volume, rows_mount
from compliance.collectors.host.logs import families, first_time, read_log_store, rows_rotation, span_days
from compliance.collectors.host.machine import Machine, Reply
from compliance.collectors.host.sockets import exposure, rows_table
from compliance.collectors.host.system import read_asset
from compliance.schemas.errors import Malformed

# ---- asset


def test_asset_in_support_and_out_of_it(tree):
    files = {"/proc/sys/kernel/hostname": "web1\n", "/proc/sys/kernel/osrelease": "6.1.0\n", "/etc/machine-id": "abc\n"}
    bare = {"systemd-detect-virt": Reply(1, "none\n", ""), "systemd-detect-virt --container": Reply(1, "none\n", "")}
    (row,) = read_asset(tree(files | {"/etc/os-release": 'ID=debian\nVERSION_ID="11"\n'}, bare), "m")
    assert (row.os_eol_date, row.asset_type, row.virtualisation) == (datetime(2024, 8, 14, tzinfo=UTC), "host", "none")
    (row,) = read_asset(tree(files | {"/etc/os-release": "ID=arch\n"}, {}), "m")
    assert (row.os_eol_date, row.virtualisation) == (None, None)


def test_shipped_dates_agree_with_the_distributions_own_table():
    from compliance.collectors.host.releases import RELEASES

    path = "/usr/share/distro-info/debian.csv"
    if not os.path.exists(path):
        pytest.skip("distro-info-data is not installed")
    with open(path) as file:
        rows = [line.rstrip("\n").split(",") for line in file][1:]
    dates = {row[0]: row[5] for row in rows if len(row) > 5}
    assert {v: r.eol.isoformat() for (n, v), r in RELEASES.items() if n == "debian" and v in ("10", "11", "13")} == {
        v: dates[v] for v in ("10", "11", "13")
    }


# ---- sockets


def test_table_of_the_kernel():
    text = "  sl  local_address rem_address st\n"
    text += " 0: 0100007F:1538 00000000:0000 0A 0:0 0:0 0 104 0 77 1 x\n"
    text += " 1: 0100007F:1539 0100007F:9999 01 0:0 0:0 0 104 0 78 1 x\n"
    (found,) = rows_table(text, "tcp")
    assert (found.address, found.port, found.uid, found.inode) == ("127.0.0.1", 5432, 104, "77")
    with pytest.raises(Malformed):
        rows_table("header\nnonsense\n", "tcp")


@pytest.mark.parametrize(
    ("address", "said"),
    [("*", "public"), ("127.0.0.1", "loopback"), ("::1", "loopback"), ("10.1.2.3", "private"), ("8.8.8.8", "public")],
)
def test_exposure(address, said):
    assert exposure(address) == said


def test_real_sockets(collect):
    with socket.create_server(("127.0.0.1", 0)) as local, socket.create_server(("", 0)) as everywhere:
        rows = {(row["address"], row["port"]): row for row in collect("listening_socket")["listening_socket"]["rows"]}
        mine = rows["127.0.0.1", local.getsockname()[1]]
        assert (mine["exposure"], mine["protocol"]) == ("loopback", "tcp")
        assert mine["process"]
        assert rows["*", everywhere.getsockname()[1]]["exposure"] == "public"


@pytest.mark.root
def test_real_sockets_of_others_keep_their_row_without_a_name(collect):
    with socket.create_server(("127.0.0.1", 0)) as local:
        found = collect("listening_socket", nobody=True)["listening_socket"]
        row = next(row for row in found["rows"] if row["port"] == local.getsockname()[1])
        assert (row["process"], row["component"], row["process_account"]) == (None, None, "root")


# ---- clock


@pytest.mark.parametrize(
    ("text", "synced", "offset"),
    [
        ("7F000001,127.0.0.1,9,1795422381.941127755,-0.000001430,0,0,0,0,0,0,0,0.3,Normal", True, -1),
        ("00000000,,0,0.000000000,0.0,0,0,0,0,0,0,0,0.0,Not synchronised", False, 0),
        ("7F7F0101,,8,1795422381.9,0.0,0,0,0,0,0,0,0,0.0,Normal", False, 0),  # its own clock is no source
    ],
)
def test_tracking(text, synced, offset):
    sync = rows_tracking(text + "\n")
    assert (sync.synced, sync.offset_us) == (synced, offset)
    assert (sync.at is not None) is synced


def test_tracking_of_another_shape():
    with pytest.raises(Malformed):
        rows_tracking("a,b\n")
    with pytest.raises(Malformed):
        rows_tracking("7F000001,x,9,never,x,0,0,0,0,0,0,0,0.3,Normal")


def test_servers_and_approval(tree):
    assert rows_servers("pool a.example iburst\n# server no\nrefclock PHC /dev/ptp0 poll 2\n") == [
        "a.example",
        "refclock PHC /dev/ptp0",
    ]
    machine = tree({"/usr/sbin/chronyd": "", "/etc/chrony/chrony.conf": "server a.example\nserver b.example\n"})
    assert read_clock_status(machine, "m", ())[0].source_approved is None
    assert read_clock_status(machine, "m", ("a.example",))[0].source_approved is False
    (row,) = read_clock_status(machine, "m", ("a.example", "b.example"))
    assert (row.source_approved, row.service) == (True, "chrony")
    assert row.synced == kernel_clock().synced  # without a running service the kernel has the last word


CHRONY = """mount -t tmpfs t /run; ip link set lo up
printf '%s\\n' 'port 1123' 'cmdport 0' 'bindcmdaddress /run/s/s.sock' 'local stratum 8' 'allow 127.0.0.1' \\
  'pidfile /run/s.pid' > /run/s.conf
printf 'server 127.0.0.1 port 1123 iburst minpoll -2 maxpoll -2\\nport 0\\npidfile /run/c.pid\\n' > /run/c.conf
chronyd -x -U -u root -f /run/s.conf -d >/dev/null 2>&1 & A=$!
chronyd -x -U -u root -f /run/c.conf -d >/dev/null 2>&1 & B=$!
trap 'kill $A $B' EXIT
for i in $(seq 150); do chronyc -n -c tracking | grep -q ',Normal' && break; sleep 0.2; done"""


@pytest.mark.root
def test_real_chrony_that_follows_a_server(collect):
    if not os.path.exists("/usr/sbin/chronyd"):
        pytest.skip("chrony is not installed")
    (row,) = collect("clock_status", unshare="-nm", before=CHRONY)["clock_status"]["rows"]
    assert (row["service"], row["service_active"], row["synced"]) == ("chrony", True, True)
    assert abs(row["offset_us"]) < 1_000_000
    assert row["last_sync_at"] is not None


# ---- volumes

MOUNTS = """27 1 254:0 / / rw,relatime - ext4 /dev/mapper/root rw
28 27 254:1 / /srv/data\\040one rw - xfs /dev/sdb1 rw
29 27 0:23 / /tmp rw - tmpfs tmpfs rw
30 27 0:5 / /proc rw - proc proc rw
"""
BLOCKS = {
    "/sys/dev/block/254:0/dm/uuid": "LVM-abc\n",
    "/sys/dev/block/254:0/slaves/dm-1/x": "",
    "/sys/class/block/dm-1/dm/uuid": "CRYPT-LUKS2-0123-root\n",
    "/sys/dev/block/254:1/size": "1\n",
}
BARE = {"systemd-detect-virt": Reply(1, "none\n", ""), "systemd-detect-virt --container": Reply(1, "none\n", "")}
GUEST = {"systemd-detect-virt": Reply(0, "kvm\n", ""), "systemd-detect-virt --container": Reply(1, "none\n", "")}


def _volumes(machine: Machine):
    return {row.mount_point: (row.encrypted, row.encryption) for row in read_disk_volume(machine, "m")}


def test_encryption_is_seen_through_the_layers(tree):
    files = BLOCKS | {"/proc/self/mountinfo": MOUNTS}
    assert _volumes(tree(files, BARE)) == {
        "/": (True, "LUKS2"),
        "/srv/data one": (False, None),
        "/tmp": (None, None),
    }


def test_a_guest_does_not_see_below_its_disk(tree):
    files = BLOCKS | {"/proc/self/mountinfo": MOUNTS}
    volumes = _volumes(tree(files, GUEST))
    assert volumes["/"] == (True, "LUKS2")
    assert volumes["/srv/data one"] == (None, None)


def test_one_plain_layer_is_enough_to_be_plain(tree):
    machine = tree(BLOCKS | {"/sys/dev/block/254:0/slaves/sdc/x": "", "/sys/class/block/sdc/size": "1"})
    assert layer(machine, "254:0") == (False, None)
    assert layer(machine, "9:9") == (None, None)


def test_real_volumes(collect):
    rows = {row["mount_point"]: row for row in collect("disk_volume")["disk_volume"]["rows"]}
    assert rows["/"]["size_mib"] > 0
    assert not {"proc", "sysfs", "cgroup2"} & {row["filesystem"] for row in rows.values()}
    with pytest.raises(Malformed):
        rows_mount("nonsense\n")


# ---- protective programs


def test_nothing_installed_is_said_after_looking_for_all(tree):
    rows = {row.role: row for row in read_security_agent(tree({"/proc/1/stat": "1 (init) S 0"}), "m")}
    assert {role: row.installed for role, row in rows.items()} == dict.fromkeys(rows, False)
    assert len(rows) == 5
    assert rows["malware"].detail is not None
    assert "clamav" in rows["malware"].detail["looked_for"]


def test_products_found(tree):
    report = (
        "AIDE found differences\nSummary:\n  Added entries:\t\t2\n  Removed entries:\t\t0\n  Changed entries:\t\t3\n"
    )
    machine = tree(
        {
            "/proc/1/stat": "1 (init) S 0",
            "/proc/7/stat": "7 (clamd) S 1",
            "/proc/8/stat": "8 (auditd) Z 1",
            "/usr/sbin/clamd": "",
            "/var/lib/clamav/daily.cld": "x",
            "/usr/bin/aide": "",
            "/var/log/aide/aide.log": report,
            "/sbin/auditd": "",
            "/usr/sbin/rsyslogd": "",
            "/etc/rsyslog.d/50-x.conf": "*.* /var/log/all\n",
        },
        {"dpkg-query -W -f ${Version} clamav": Reply(0, "1.4.3", "")},
    )
    rows = {row.role: row for row in read_security_agent(machine, "m")}
    assert (rows["malware"].active, rows["malware"].version, rows["malware"].real_time) == (True, "1.4.3", False)
    assert rows["malware"].definitions_at is not None
    assert (rows["file_integrity"].product, rows["file_integrity"].unexplained_changes) == ("aide", 5)
    assert rows["audit_trail"].active is False  # an ended process that nobody has collected is not running
    assert (rows["log_shipping"].installed, rows["log_shipping"].ships_logs) == (True, False)
    assert rows["intrusion_detection"].installed is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("*.* @@logs.example:514\n", True),
        ('*.* action(type="omfwd" target="x")\n', True),
        ("# *.* @@x\n*.* /x\n", False),
    ],
)
def test_forwarding(tree, text, said):
    assert forwards(tree({"/etc/rsyslog.conf": text})) is said


def test_aide_reports():
    assert rows_aide("AIDE found NO differences between database and filesystem. Looks okay!!\n") == 0
    assert rows_aide("cut off") is None


# ---- logs

LOGROTATE = """weekly
rotate 4
include /etc/logrotate.d
"""
NGINX = """/var/log/nginx/*.log {
  daily
  rotate 14
  postrotate
    echo { daily rotate 900 }
  endscript
}
"""


def test_rotation_rules():
    outside, _ = rows_rotation(LOGROTATE)
    _, (nginx,) = rows_rotation(NGINX, outside)
    assert (nginx.patterns, nginx.days) == (("/var/log/nginx/*.log",), 14)
    _, (plain,) = rows_rotation("/var/log/a {\n}\n", outside)
    assert plain.days == 28
    _, (sized,) = rows_rotation("/var/log/a /var/log/b\n{\n size 10M\n rotate 5\n}\n", outside)
    assert (sized.patterns, sized.days) == (("/var/log/a", "/var/log/b"), None)
    _, (aged,) = rows_rotation("/a {\n monthly\n rotate 12\n maxage 90\n}\n", outside)
    assert aged.days == 90
    _, (yearly,) = rows_rotation("/a {\n monthly\n rotate 13\n}\n", outside)
    assert yearly.days == 365 + 28
    _, (capped,) = rows_rotation("/a {\n weekly\n rotate 60\n maxsize 100M\n}\n", outside)
    assert capped.days is None
    with pytest.raises(Malformed):
        rows_rotation("/a {\n daily\n")


def test_log_files(tree):
    old = "2025-01-02T03:04:05+01:00 first\n2025-01-03T00:00:00+01:00 second\n"
    journal = struct.pack("<8s176x2Q", b"LPKSHHRH", 1_700_000_000_000_000, 1_800_000_000_000_000).ljust(256, b"\0")
    files = {
        "/proc/self/mountinfo": MOUNTS,
        "/etc/logrotate.conf": LOGROTATE,
        "/etc/logrotate.d/nginx": NGINX,
        "/usr/sbin/logrotate": "",
        "/var/log/nginx/access.log": "x\n",
        "/var/log/nginx/access.log.1": old,
        "/var/log/auth.log": "Nov 23 07:57:01 vm sshd: no year\n",
        "/etc/systemd/journald.conf": "[Journal]\nMaxRetentionSec=3month\n",
    }
    machine = tree(files)
    (machine.root / "var/log/journal/m").mkdir(parents=True)
    (machine.root / "var/log/journal/m/system.journal").write_bytes(journal)
    os.utime(machine.root / "var/log/nginx/access.log.1", (1.7e9, 1.7e9))
    rows = {row.log: row for row in read_log_store(machine, "m")}
    access = rows["/var/log/nginx/access.log"]
    assert (access.retention_days, access.rotated, access.log_class) == (14, True, "access")
    assert access.oldest_record_at == datetime(2025, 1, 2, 2, 4, 5, tzinfo=UTC)
    auth = rows["/var/log/auth.log"]
    assert (auth.rotated, auth.retention_days, auth.oldest_record_at, auth.log_class) == (False, None, None, "security")
    assert rows["journal"].oldest_record_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert (rows["journal"].retention_days, rows["journal"].persistent) == (91, True)
    (machine.root / "usr/sbin/logrotate").unlink()  # rules that nothing applies are no rules
    assert not any(row.rotated for row in read_log_store(tree({}), "m") if row.log != "journal")


@pytest.mark.parametrize(
    ("conf", "days"),
    [
        ("num_logs = 5\nmax_log_file_action = ROTATE\n", None),
        ("max_log_file_action = keep_logs\n", 0),
        ("", None),
    ],
)
def test_auditd_deletes_by_itself(tree, conf, days):
    files = {"/proc/self/mountinfo": MOUNTS, "/etc/audit/auditd.conf": conf, "/var/log/audit/audit.log": "x\n"}
    (row,) = read_log_store(tree(files), "m")
    assert (row.log_class, row.retention_days) == ("audit", days)


def test_a_log_with_generations_and_no_rule_is_not_kept_for_ever(tree):
    files = {"/proc/self/mountinfo": MOUNTS, "/var/log/app-access.log": "x\n", "/var/log/app-access.log.1": "x\n"}
    (row,) = read_log_store(tree(files), "m")
    assert (row.log_class, row.retention_days, row.rotated) == ("access", None, False)


def test_a_journal_that_alone_holds_sign_ins_is_a_security_log(tree):
    machine = tree({"/proc/self/mountinfo": MOUNTS, "/etc/systemd/journald.conf": "MaxRetentionSec=2year\n"})
    journal = struct.pack("<8s176x2Q", b"LPKSHHRH", 1_700_000_000_000_000, 1_800_000_000_000_000).ljust(256, b"\0")
    (machine.root / "var/log/journal/m").mkdir(parents=True)
    (machine.root / "var/log/journal/m/system.journal").write_bytes(journal)
    (row,) = read_log_store(machine, "m")
    assert (row.log, row.log_class, row.retention_days) == ("journal", "security", None)


def test_times_and_families():
    assert first_time(b'1.2.3.4 - - [02/Nov/2026:03:04:05 +0100] "GET /"\nx') == datetime(
        2026, 11, 2, 2, 4, 5, tzinfo=UTC
    )
    assert first_time(b"Nov 23 07:57:01 vm\n") is None
    assert families(["/a/x.log", "/a/x.log.1", "/a/x.log.2.gz", "/a/y-20260102.gz"]).keys() == {"/a/x.log", "/a/y"}
    assert span_days("1month 2w") == 44
    with pytest.raises(Malformed):
        span_days("often")
